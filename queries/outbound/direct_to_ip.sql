/*
title = "Canary connects to an outside address that no name explains"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "Software that reaches the internet asks DNS first; an address without a lookup, SNI or Host is typical of implants and of hard-coded endpoints. Connections count that DNS evidence of the same client covers: it asked for something before, and no longer ago than ten minutes or seven of its mean gaps."
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
known = ["lookups"]
[params]
min_connections = 1
*/
with known as (
    select destination_address, destination_port, network_transport,
        coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_n,
        coalesce(sum(connections) filter (where cohort in ('prior', 'after')), 0)::bigint as prior_n
    from outbound_cells
    where cohort <> 'canary'
    group by all
), direct as (
    select destination_address, destination_port, network_transport, sum(connections)::bigint as n, min(k8s_pod_name) as pod, sum(source_bytes) as bytes_up,
        min(first_seen) as first_seen, max(last_seen) as last_seen, flatten(list(evidence)) as evidence
    from unnamed_cells
    where cohort = 'canary' and is_covered
    group by all
)
select
    c.destination_address as destination,
    c.destination_port,
    sum(c.n)::bigint as canary_n,
    max(t.canary_total) as canary_total,
    coalesce(sum(k.baseline_n), 0)::bigint as baseline_n,
    max(t.baseline_total) as baseline_total,
    coalesce(sum(k.prior_n), 0)::bigint as prior_n,
    min(c.pod) as pod,
    (case when sum(c.bytes_up) < 4611686018427387903 then sum(c.bytes_up) end)::bigint as bytes_up,
    min(c.first_seen) as first_seen,
    max(c.last_seen) as last_seen,
    case when coalesce(sum(k.baseline_n + k.prior_n), 0) = 0 then min(r.burst) end as burst,
    case when coalesce(sum(k.baseline_n + k.prior_n), 0) = 0 and min(r.burst) is not null
        then [{'name': 'usual_without_name', 'change': -1, 'reason': 'the baseline contacts other addresses without a name on this port'}]
    end as modifiers,
    flatten(list(c.evidence)) as evidence
from direct c
left join known k on k.destination_address = c.destination_address and k.destination_port is not distinct from c.destination_port
    and k.network_transport is not distinct from c.network_transport
left join raw_ports r on r.destination_port is not distinct from c.destination_port and r.network_transport is not distinct from c.network_transport
cross join outbound_totals t
where not exists (
    select 1 from destinations d
    where d.destination = c.destination_address and d.destination_port is not distinct from c.destination_port and d.is_allowed
)
group by c.destination_address, c.destination_port
having sum(c.n) >= $min_connections
order by destination, destination_port
