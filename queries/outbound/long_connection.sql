/*
title = "Canary holds a connection to the outside far longer than the baseline does"
severity = "low"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "A shell, a tunnel or a channel for orders stays open; requests of a service end."
recommendation = "Find the process that holds the connection, and close it."
false_positives = ["a stream or a WebSocket that is new in this release", "a pool of connections to a partner"]
references = ["ATT&CK T1572", "ATT&CK T1095"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_seconds = 1500
*/
select
    d.destination, d.destination_port, d.destination_address, d.pod, round(d.longest_ms / 1000, 1) as longest_seconds,
    round(d.baseline_longest_ms / 1000, 1) as usual_seconds, d.never_closed,
    d.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n, d.bytes_up, d.bytes_down, d.first_seen, d.last_seen, d.evidence
from destinations d
cross join outbound_totals t
where d.is_external and not d.is_allowed and (
    (d.longest_ms >= 1000 * $min_seconds and coalesce(d.baseline_longest_ms, 0) < 500 * $min_seconds)
    or (d.never_closed > 0 and d.baseline_n + d.prior_n = 0)
)
order by d.destination, d.destination_port
