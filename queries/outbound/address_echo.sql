/*
title = "Canary asks a service for its own public address"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Malware asks where it runs before it does anything else; a service behind a load balancer never needs to."
recommendation = "Find the component that asks; supply-chain attacks on build tools were found by this one request."
false_positives = ["a script that registers the address of a node"]
references = ["ATT&CK T1016.001"]
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
where d.canary_n > 0 and l.kind = 'address_echo' and not d.is_allowed
order by d.destination, d.destination_port
