/*
title = "Canary uploads far more to a destination in total than the baseline does"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "Many small uploads stay below every limit of a single connection; bytes for each pod and hour are compared with those of the baseline to the same destination, or with its busiest outside one where the destination is new."
recommendation = "Find out what was sent: match the times with requests and secrets the pod could read."
false_positives = ["a new export or backup job"]
references = ["ATT&CK T1041", "ATT&CK T1030"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_bytes = 1000000
factor = 5
*/
with rates as (
    select
        destination, destination_port, destination_address, pod, pods, hours, bytes_up, canary_n, first_seen, last_seen, evidence,
        bytes_up / greatest(pods * hours, 1) as rate, baseline_bytes_up / greatest(baseline_pods * baseline_hours, 1) as baseline_rate
    from destinations
    where is_external
), usual as (
    select max(baseline_rate) as rate from rates
)
select
    r.destination, r.destination_port, r.destination_address, r.pod, r.pods, r.hours, r.bytes_up,
    round(r.rate)::bigint as bytes_per_pod_hour, round(coalesce(r.baseline_rate, u.rate))::bigint as usual_bytes_per_pod_hour,
    r.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n, r.first_seen, r.last_seen, r.evidence
from rates r
cross join usual u
cross join outbound_totals t
where r.bytes_up >= $min_bytes and r.rate > $factor * coalesce(r.baseline_rate, u.rate, 0)
order by r.destination, r.destination_port
