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
    destination_address as destination,
    destination_port,
    sum(connections) filter (where cohort = 'canary')::bigint as canary_n,
    (select sum(connections)::bigint from outbound_cells where cohort = 'canary') as canary_total,
    coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_n,
    (select sum(connections)::bigint from outbound_cells where cohort = 'baseline') as baseline_total,
    coalesce(sum(connections) filter (where cohort in ('prior', 'after')), 0)::bigint as prior_n,
    min(k8s_pod_name) filter (where cohort = 'canary') as pod,
    sum(source_bytes) filter (where cohort = 'canary')::bigint as bytes_up,
    min(first_seen) filter (where cohort = 'canary') as first_seen,
    max(last_seen) filter (where cohort = 'canary') as last_seen,
    flatten(list(evidence) filter (where cohort = 'canary')) as evidence
from outbound_cells c
where zone_kind = 'external' and destination_name is null and destination_address is not null
    and not exists (
        select 1 from allowed_destinations a
        where a.destination = c.destination and a.destination_port is not distinct from c.destination_port
    )
group by destination_address, destination_port
having sum(connections) filter (where cohort = 'canary') >= $min_connections
order by destination, destination_port
