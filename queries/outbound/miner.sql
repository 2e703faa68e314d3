/*
title = "Canary reaches a mining pool"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Stolen computing time pays at once: a miner is what a compromised image or dependency often starts first."
recommendation = "Stop the pod, find what started the process, and treat the image as compromised."
false_positives = ["another service on a port that Stratum servers use"]
references = ["ATT&CK T1496"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 0
[params]
*/
select
    d.destination, d.destination_port, d.destination_address, l.kind, l.entry, l.list_date,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n,
    d.pods, d.pod, d.bytes_up, d.first_seen, d.last_seen, case when l.is_port_only then [{'name': 'port_only', 'change': -1, 'reason': 'only the port is that of such a service'}] end as modifiers, d.evidence
from destinations d
join listed_destinations l on l.destination = d.destination and l.destination_port is not distinct from d.destination_port
cross join outbound_totals t
where d.canary_n > 0 and l.kind = 'miner' and not d.is_allowed
order by d.destination, d.destination_port
