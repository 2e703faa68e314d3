/*
title = "Canary connects to an outside destination that is not on the allow list"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Where a list of allowed destinations is kept, each connection outside of it is a violation, also of what the baseline does."
recommendation = "Put the destination under [[allow]] with an owner, or block it."
false_positives = ["a destination nobody has put on the list yet"]
references = ["CWE-1188", "ATT&CK T1071"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 0
known = ["allow"]
[params]
*/
select
    d.destination, d.destination_port, d.destination_address, d.zone,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n,
    d.pods, d.pod, d.bytes_up, d.first_seen, d.last_seen, d.evidence
from destinations d
cross join outbound_totals t
where d.canary_n > 0 and d.is_external and not d.is_allowed
order by d.destination, d.destination_port
