/*
title = "Canary contacts the cloud's metadata endpoint"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "The endpoint hands out the credentials of the node or the workload to whoever asks from inside; forged requests of a web service aim at it. Port 53 is the resolver of some clouds and is left out."
recommendation = "Find the component that asks, rotate the role's credentials, and require the session token (IMDSv2) or block the address."
false_positives = ["a cloud library that is new in this release and may use the role"]
references = ["ATT&CK T1552.005", "CWE-918"]
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
    d.destination, d.destination_port, d.destination_address, d.zone,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n,
    d.pods, d.pod, d.bytes_up, d.first_seen, d.last_seen, d.evidence
from destinations d
cross join outbound_totals t
where d.canary_n > 0 and d.zone_kind = 'metadata' and d.destination_port is distinct from 53
order by d.destination, d.destination_port
