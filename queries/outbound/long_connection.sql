/*
title = "Canary holds a connection to the outside far longer than the baseline does"
severity = "low"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "A shell, a tunnel or a channel for orders stays open; requests of a service end. One that did not end in evidence and tells no duration is told only where the destination is new; to known destinations the report counts them among what could not be seen."
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
with found as (
    select destination, destination_port, destination_address, pod, longest_ms, baseline_longest_ms, never_closed, bytes_up, bytes_down, baseline_n, prior_n,
        longest_ms >= 1000 * $min_seconds and coalesce(baseline_longest_ms, 0) < 500 * $min_seconds as is_longer
    from destinations
    where is_external and not is_allowed and (
        (longest_ms >= 1000 * $min_seconds and coalesce(baseline_longest_ms, 0) < 500 * $min_seconds) or (never_closed > 0 and baseline_n + prior_n = 0)
    )
)
/* Connections count that are so long or never ended; by what was found there are none on the other side. */
select
    f.destination, f.destination_port, f.destination_address, f.pod, round(f.longest_ms / 1000, 1) as longest_seconds,
    round(f.baseline_longest_ms / 1000, 1) as usual_seconds, f.never_closed,
    count(*) as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    f.bytes_up, f.bytes_down, min(o.time) as first_seen, max(o.time) as last_seen, min(o.record_id, 20) as evidence
from found f
join outbound_named o on o.destination = f.destination and o.destination_port is not distinct from f.destination_port
cross join outbound_totals t
where o.cohort = 'canary' and (
    (f.is_longer and o.duration_ms >= 1000 * $min_seconds)
    or (f.baseline_n + f.prior_n = 0 and (o.connection_state = 'S1' or (o.connection_state = 'OTH' and o.duration_ms is null)))
)
group by f.destination, f.destination_port, f.destination_address, f.pod, f.longest_ms, f.baseline_longest_ms, f.never_closed, f.bytes_up, f.bytes_down
order by f.destination, f.destination_port
