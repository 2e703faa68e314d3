/*
title = "Canary uploads far more to a destination in total than the baseline does"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "pod"
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
), by_pod as (
    select destination, destination_port, cohort, k8s_pod_name, sum(source_bytes) / greatest(count(distinct hour), 1) as rate
    from outbound_cells
    where destination is not null
    group by destination, destination_port, cohort, k8s_pod_name
)
/* Pods of both sides count whose own rate is as high. */
select
    r.destination, r.destination_port, r.destination_address, r.pod, r.pods, r.hours, r.bytes_up,
    round(r.rate)::bigint as bytes_per_pod_hour, round(coalesce(r.baseline_rate, u.rate))::bigint as usual_bytes_per_pod_hour,
    count(*) filter (where p.cohort = 'canary') as canary_n, greatest(max(t.canary_pods), count(*) filter (where p.cohort = 'canary')) as canary_total,
    count(*) filter (where p.cohort = 'baseline') as baseline_n, max(t.baseline_pods) as baseline_total,
    count(*) filter (where p.cohort in ('prior', 'after')) as prior_n, r.first_seen, r.last_seen, r.evidence
from rates r
cross join usual u
cross join outbound_totals t
join by_pod p on p.destination = r.destination and p.destination_port is not distinct from r.destination_port
    and p.rate > $factor * coalesce(r.baseline_rate, u.rate, 0)
where r.bytes_up >= $min_bytes and r.rate > $factor * coalesce(r.baseline_rate, u.rate, 0)
group by r.destination, r.destination_port, r.destination_address, r.pod, r.pods, r.hours, r.bytes_up, r.rate, r.baseline_rate, u.rate, r.first_seen, r.last_seen, r.evidence
order by r.destination, r.destination_port
