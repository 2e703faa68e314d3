/*
title = "Canary speaks an unencrypted protocol to the outside"
severity = "low"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Whoever is on the way reads and changes it: credentials, personal data, downloaded code."
recommendation = "Use the encrypted form of the protocol, and rotate credentials that were sent."
false_positives = ["downloads of signed packages", "certificate revocation lists, which are fetched over HTTP"]
references = ["CWE-319", "ATT&CK T1040"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 0
[params]
*/
select
    d.destination, d.destination_port, d.destination_address, p.protocol,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n,
    d.pods, d.pod, d.bytes_up, d.first_seen, d.last_seen, d.evidence
from destinations d
join plain_destinations p on p.destination = d.destination and p.destination_port is not distinct from d.destination_port
cross join outbound_totals t
where d.canary_n > 0 and d.is_external and not d.is_allowed
order by d.destination, d.destination_port
