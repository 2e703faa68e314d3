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
), found as (
    select destination, destination_port, destination_address, pod, bytes_up, largest_upload,
        coalesce(baseline_largest_upload, largest) as usual_largest
    from destinations
    cross join usual
    where is_external and largest_upload >= $min_bytes and largest_upload > $factor * coalesce(baseline_largest_upload, largest, 0)
)
/* Connections count that are so large; by what was found there are none on the other side. */
select
    f.destination, f.destination_port, f.destination_address, f.pod, f.bytes_up, f.largest_upload as canary_largest, f.usual_largest,
    count(*) as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(o.time) as first_seen, max(o.time) as last_seen, min(o.record_id, 20) as evidence
from found f
join outbound_named o on o.destination = f.destination and o.destination_port is not distinct from f.destination_port
cross join outbound_totals t
where o.cohort = 'canary' and o.source_bytes >= $min_bytes and o.source_bytes > $factor * coalesce(f.usual_largest, 0)
group by f.destination, f.destination_port, f.destination_address, f.pod, f.bytes_up, f.largest_upload, f.usual_largest
order by f.destination, f.destination_port
