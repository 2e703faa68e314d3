/*
title = "Canary reaches the Tor network"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Tor hides where data goes and who sends orders; a service has no business there."
recommendation = "Isolate the pod, keep its disk and memory, and look for the process that opened the connection."
false_positives = ["a monitoring probe of a hidden service", "another service on a port that Tor relays use"]
references = ["ATT&CK T1090.003"]
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
where d.canary_n > 0 and l.kind = 'tor' and not d.is_allowed
order by d.destination, d.destination_port
