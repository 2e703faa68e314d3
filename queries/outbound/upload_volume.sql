/*
title = "Canary uploads far more in one connection than the baseline ever did"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "Data that leaves shows as upload; the baseline's largest upload to the same destination, or to any outside one where the destination is new, is what is usual."
recommendation = "Find out what was sent: match the times with requests and secrets the pod could read."
false_positives = ["a new export or backup job", "larger batches to a known collector"]
references = ["ATT&CK T1041", "ATT&CK T1567"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_bytes = 20000
factor = 3
*/
with usual as (
    select max(largest_upload) as largest
    from outbound_cells
    where cohort in ('baseline', 'prior', 'after') and zone_kind = 'external'
), pairs as (
    select
        destination, destination_port,
        max(largest_upload) filter (where cohort = 'canary') as canary_largest,
        max(largest_upload) filter (where cohort in ('baseline', 'prior', 'after')) as baseline_largest,
        sum(connections) filter (where cohort = 'canary')::bigint as canary_n,
        coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_connections,
        sum(source_bytes) filter (where cohort = 'canary')::bigint as bytes_up,
        sum(source_bytes) filter (where cohort = 'baseline')::bigint as baseline_bytes_up,
        min(k8s_pod_name) filter (where cohort = 'canary') as pod,
        min(first_seen) filter (where cohort = 'canary') as first_seen,
        max(last_seen) filter (where cohort = 'canary') as last_seen,
        bool_or(zone_kind = 'external') as is_external,
        flatten(list(evidence) filter (where cohort = 'canary')) as evidence
    from outbound_cells
    group by destination, destination_port
)
select
    p.destination, p.destination_port, p.pod, p.bytes_up, p.canary_largest, coalesce(p.baseline_largest, u.largest) as usual_largest,
    p.canary_n, (select sum(connections)::bigint from outbound_cells where cohort = 'canary') as canary_total,
    0::bigint as baseline_n, (select sum(connections)::bigint from outbound_cells where cohort = 'baseline') as baseline_total, 0::bigint as prior_n,
    p.first_seen, p.last_seen, p.evidence
from pairs p
cross join usual u
where p.is_external
    and p.canary_largest >= $min_bytes
    and p.canary_largest > $factor * coalesce(p.baseline_largest, u.largest, 0)
order by p.destination, p.destination_port
