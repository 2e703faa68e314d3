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
select
    d.destination, d.destination_port, d.destination_address, d.pod, d.bytes_up, d.bytes_down,
    round((d.bytes_up - d.bytes_down) / (d.bytes_up + d.bytes_down)::double, 4) as ratio,
    round((d.baseline_bytes_up - d.baseline_bytes_down) / nullif(d.baseline_bytes_up + d.baseline_bytes_down, 0)::double, 4) as baseline_ratio,
    d.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n, d.first_seen, d.last_seen, d.evidence
from destinations d
cross join outbound_totals t
where d.is_external and d.bytes_up >= $min_bytes
    and d.bytes_up - d.bytes_down >= $min_ratio * (d.bytes_up + d.bytes_down)
    and coalesce(d.baseline_bytes_up - d.baseline_bytes_down < $min_ratio / 2 * (d.baseline_bytes_up + d.baseline_bytes_down), true)
order by d.destination, d.destination_port
