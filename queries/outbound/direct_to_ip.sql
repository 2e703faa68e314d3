/*
title = "Canary connects to an outside address that no name explains"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Software that reaches the internet asks DNS first; an address without a lookup, SNI or Host is typical of implants and of hard-coded endpoints."
recommendation = "Ask who owns the address, look for it in the image, and block direct egress."
false_positives = ["a lookup before the evidence begins", "an encrypted resolver (DoH, DoT) that the sensor cannot read", "a partner reached by a fixed address"]
references = ["ATT&CK T1095", "ATT&CK T1571"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections", "dns_queries"]
canary_rows = 1
baseline_rows = 20
[params]
min_connections = 1
*/
select
    c.destination_address as destination,
    c.destination_port,
    sum(c.connections) filter (where c.cohort = 'canary')::bigint as canary_n,
    max(t.canary_total) as canary_total,
    coalesce(sum(c.connections) filter (where c.cohort = 'baseline'), 0)::bigint as baseline_n,
    max(t.baseline_total) as baseline_total,
    coalesce(sum(c.connections) filter (where c.cohort in ('prior', 'after')), 0)::bigint as prior_n,
    min(c.k8s_pod_name) filter (where c.cohort = 'canary') as pod,
    (case when sum(c.source_bytes) filter (where c.cohort = 'canary') < 4611686018427387903 then sum(c.source_bytes) filter (where c.cohort = 'canary') end)::bigint as bytes_up,
    min(c.first_seen) filter (where c.cohort = 'canary') as first_seen,
    max(c.last_seen) filter (where c.cohort = 'canary') as last_seen,
    flatten(list(c.evidence) filter (where c.cohort = 'canary')) as evidence
from outbound_cells c
cross join outbound_totals t
where c.zone_kind = 'external' and c.destination_name is null and c.destination_address is not null
    and not exists (
        select 1 from destinations d
        where d.destination = c.destination and d.destination_port is not distinct from c.destination_port and d.is_allowed
    )
group by c.destination_address, c.destination_port
having sum(c.connections) filter (where c.cohort = 'canary') >= $min_connections
order by destination, destination_port
