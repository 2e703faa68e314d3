/*
title = "Canary uploads far more in one connection than the baseline ever did"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "Data that leaves shows as upload; the baseline's largest upload to the same destination, or to any outside one where the destination is new, is what is usual."
recommendation = "Find out what was sent: match the times with requests and secrets the pod could read."
false_positives = ["a new export or backup job", "larger batches to a known collector"]
references = ["ATT&CK T1041", "ATT&CK T1567"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_bytes = 20000
factor = 3
*/
with usual as (
    select max(largest_upload) as largest
    from outbound_cells
    where cohort in ('baseline', 'prior', 'after') and zone_kind = 'external'
)
select
    d.destination, d.destination_port, d.destination_address, d.pod, d.bytes_up, d.largest_upload as canary_largest,
    coalesce(d.baseline_largest_upload, u.largest) as usual_largest,
    d.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n,
    d.first_seen, d.last_seen, d.evidence
from destinations d
cross join usual u
cross join outbound_totals t
where d.is_external
    and d.largest_upload >= $min_bytes
    and d.largest_upload > $factor * coalesce(d.baseline_largest_upload, u.largest, 0)
order by d.destination, d.destination_port
