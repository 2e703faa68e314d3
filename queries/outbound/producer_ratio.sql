/*
title = "Canary sends to a destination and takes almost nothing back"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "Clients of services take more than they give. The producer/consumer ratio, (up - down) / (up + down), is near 1 where data leaves."
recommendation = "Find out what was sent; compare with what the destination is for."
false_positives = ["log and metric collectors", "backups"]
references = ["ATT&CK T1048"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_bytes = 1000000
min_ratio = 0.8
*/
with found as (
    select destination, destination_port, destination_address, pod, bytes_up, bytes_down, baseline_bytes_up, baseline_bytes_down
    from destinations
    where is_external and bytes_up >= $min_bytes
        and bytes_up - bytes_down >= $min_ratio * (bytes_up + bytes_down)
        and coalesce(baseline_bytes_up - baseline_bytes_down < $min_ratio / 2 * (baseline_bytes_up + baseline_bytes_down), true)
)
/* Connections of both sides count whose own ratio is as high. */
select
    f.destination, f.destination_port, f.destination_address, f.pod, f.bytes_up, f.bytes_down,
    round((f.bytes_up - f.bytes_down) / (f.bytes_up + f.bytes_down)::double, 4) as ratio,
    round((f.baseline_bytes_up - f.baseline_bytes_down) / nullif(f.baseline_bytes_up + f.baseline_bytes_down, 0)::double, 4) as baseline_ratio,
    count(*) filter (where o.cohort = 'canary') as canary_n, max(t.canary_total) as canary_total,
    count(*) filter (where o.cohort = 'baseline') as baseline_n, max(t.baseline_total) as baseline_total,
    count(*) filter (where o.cohort in ('prior', 'after')) as prior_n,
    min(o.time) filter (where o.cohort = 'canary') as first_seen, max(o.time) filter (where o.cohort = 'canary') as last_seen,
    coalesce(min(o.record_id, 20) filter (where o.cohort = 'canary'), []) as evidence
from found f
join outbound_named o on o.destination = f.destination and o.destination_port is not distinct from f.destination_port
cross join outbound_totals t
where o.source_bytes > 0 and o.source_bytes - coalesce(o.destination_bytes, 0) >= $min_ratio * (o.source_bytes::double + coalesce(o.destination_bytes, 0))
group by f.destination, f.destination_port, f.destination_address, f.pod, f.bytes_up, f.bytes_down, f.baseline_bytes_up, f.baseline_bytes_down
order by f.destination, f.destination_port
