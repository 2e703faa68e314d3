/*
title = "Canary contacts a data store that the baseline does not use"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "A canary that reaches another production data store reads or changes data that nobody reviewed."
recommendation = "Ask the owner of the data store, take the network rule back, and check what was read."
false_positives = ["a new, approved data store: put it under [[allow]]"]
references = ["ATT&CK T1213", "CWE-284"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 0
[params]
compared = 20
*/
select
    d.destination, d.destination_port, d.destination_address, d.zone,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n,
    d.pods, d.pod, d.bytes_up, d.first_seen, d.last_seen,
    case when t.baseline_total < $compared then [{'name': 'no_baseline', 'change': -1, 'reason': 'too little of the baseline is in evidence to say that it does not use it'}] end as modifiers,
    d.evidence
from destinations d
cross join outbound_totals t
where d.canary_n > 0 and d.zone_kind = 'datastore' and not d.is_allowed and d.baseline_n + d.prior_n = 0
order by d.destination, d.destination_port
