/*
title = "Canary downloads far more in one connection than the baseline ever did"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "A second stage, a tool or stolen copies come in as one large download; the baseline's largest from the same destination, or from any outside one where the destination is new, is what is usual."
recommendation = "Find out what was fetched and whether it was run; keep the pod's disk."
false_positives = ["a new data set or model that is loaded at start"]
references = ["ATT&CK T1105"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_bytes = 1000000
factor = 3
*/
with usual as (
    select max(largest_download) as largest
    from outbound_cells
    where cohort in ('baseline', 'prior', 'after') and zone_kind = 'external'
), found as (
    select destination, destination_port, destination_address, pod, bytes_down, largest_download,
        coalesce(baseline_largest_download, largest) as usual_largest
    from destinations
    cross join usual
    where is_external and largest_download >= $min_bytes and largest_download > $factor * coalesce(baseline_largest_download, largest, 0)
)
/* Connections count that are so large; by what was found there are none on the other side. */
select
    f.destination, f.destination_port, f.destination_address, f.pod, f.bytes_down, f.largest_download as canary_largest, f.usual_largest,
    count(*) as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(o.time) as first_seen, max(o.time) as last_seen, min(o.record_id, 20) as evidence
from found f
join outbound_named o on o.destination = f.destination and o.destination_port is not distinct from f.destination_port
cross join outbound_totals t
where o.cohort = 'canary' and o.destination_bytes >= $min_bytes and o.destination_bytes > $factor * coalesce(f.usual_largest, 0)
group by f.destination, f.destination_port, f.destination_address, f.pod, f.bytes_down, f.largest_download, f.usual_largest
order by f.destination, f.destination_port
