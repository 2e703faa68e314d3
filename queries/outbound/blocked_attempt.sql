/*
title = "Canary tried to reach a new destination and was blocked or got no answer"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "What a policy, a firewall or the other side refuses was tried all the same: the component that tried is in the image, and tries elsewhere next. Attempts count that were refused, dropped, reset before they were open, or that nobody answered."
recommendation = "Find the component that tries; keep the block, and look for what else it reached."
false_positives = ["a new dependency whose network rule is missing", "a server that is down"]
references = ["ATT&CK T1071", "ATT&CK T1046"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
*/
select
    a.destination, a.destination_port, a.destination_address, a.zone, a.states, a.pod, a.score, a.period_seconds, a.kind, a.burst,
    a.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n, a.first_seen, a.last_seen, a.modifiers, a.evidence
from blocked_attempts a
cross join outbound_totals t
order by a.destination, a.destination_port
