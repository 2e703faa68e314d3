/*
title = "Canary contacts a destination the baseline never used"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "A new destination that nobody approved is how a compromised dependency, a back door or a wrong configuration first shows; one connection is enough."
recommendation = "Find the component that opens the connection, block the destination, and rotate every secret the pod could read."
false_positives = ["a new, approved dependency: put it under [[allow]] with an owner", "a content network that answers under changing names"]
references = ["CWE-506", "ATT&CK T1071"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_connections = 1
*/
select
    destination,
    destination_port,
    min(destination_address) as destination_address,
    min(zone) as zone,
    sum(connections) filter (where cohort = 'canary')::bigint as canary_n,
    (select sum(connections)::bigint from outbound_cells where cohort = 'canary') as canary_total,
    coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_n,
    (select sum(connections)::bigint from outbound_cells where cohort = 'baseline') as baseline_total,
    coalesce(sum(connections) filter (where cohort in ('prior', 'after')), 0)::bigint as prior_n,
    count(distinct k8s_pod_name) filter (where cohort = 'canary') as pods,
    min(k8s_pod_name) filter (where cohort = 'canary') as pod,
    sum(source_bytes) filter (where cohort = 'canary')::bigint as bytes_up,
    sum(destination_bytes) filter (where cohort = 'canary')::bigint as bytes_down,
    min(first_seen) filter (where cohort = 'canary') as first_seen,
    max(last_seen) filter (where cohort = 'canary') as last_seen,
    min(named_by) filter (where cohort = 'canary') as named_by,
    case when min(zone_kind) = 'internal' and max(zone_kind) = 'internal'
        then [{'name': 'internal_destination', 'change': -1, 'reason': 'the destination lies in an internal zone'}]
    end as modifiers,
    flatten(list(evidence) filter (where cohort = 'canary')) as evidence
from outbound_cells c
where destination is not null and not exists (
    select 1 from allowed_destinations a
    where a.destination = c.destination and a.destination_port is not distinct from c.destination_port
)
group by destination, destination_port
having sum(connections) filter (where cohort = 'canary') >= $min_connections
    and coalesce(sum(connections) filter (where cohort in ('baseline', 'prior', 'after')), 0) = 0
order by destination, destination_port
