/* Destinations outside, data stores and metadata endpoints that the canary tried to reach and nobody else did, without an answer. What is tried by the
   clock (as outbound.beacon asks), is on a list or is guarded is worse; ten destinations of one pod are a burst, which is one story. */
create view blocked_attempts as
with attempts as (
    select
        destination, destination_port, min(destination_name) as destination_name, min(destination_address) as destination_address, min(zone) as zone,
        min(zone_kind) as zone_kind,
        sum(attempts) filter (where cohort = 'canary')::bigint as canary_n,
        count(*) filter (where cohort <> 'canary') as others,
        min(coalesce(k8s_pod_name, 'an unknown pod')) filter (where cohort = 'canary') as pod,
        min(connection_state, 5) filter (where cohort = 'canary') as states,
        bool_and(coalesce(connection_state in ('S0', 'SH', 'SHR', 'OTH', 'new', 'syn_sent', 'closed', 'ACCEPT', 'FORWARDED'), true)) filter (where cohort = 'canary') as is_unanswered,
        min(first_seen) filter (where cohort = 'canary') as first_seen, max(last_seen) filter (where cohort = 'canary') as last_seen,
        flatten(list(evidence) filter (where cohort = 'canary')) as evidence
    from attempt_cells
    where zone_kind <> 'internal'
    group by destination, destination_port
), fresh as (
    select a.*
    from attempts a
    where a.canary_n > 0 and a.others = 0
        and not exists (select 1 from outbound_cells c where c.destination = a.destination and c.destination_port is not distinct from a.destination_port)
        and not (a.destination_name is null and exists (
            select 1 from outbound_cells c
            where c.destination_address = a.destination_address and c.destination_port is not distinct from a.destination_port
        ))
        and not exists (
            select 1 from dims.allow l
            where (a.destination || ':' || a.destination_port) glob l.destination or a.destination glob l.destination
                or (a.destination_address || ':' || a.destination_port) glob l.destination
        )
), regular as (
    select destination, destination_port, score, round(period_seconds, 1) as period_seconds
    from beacons
    where cohort = 'canary' and sightings >= 6
    qualify row_number() over (partition by destination, destination_port order by score desc, source) = 1
), named as (
    select f.destination, f.destination_port, min(l.kind) as kind
    from fresh f
    join dims.listed l on l.destination = f.destination_name or l.address = f.destination_address
    group by f.destination, f.destination_port
)
select
    f.destination, f.destination_port, f.destination_address, f.zone, f.states, f.pod, r.score, r.period_seconds, n.kind,
    case when count(*) over (partition by f.pod) >= 10 then 'attempts of ' || f.pod end as burst,
    f.canary_n, f.first_seen, f.last_seen,
    nullif(list_filter([
        case when f.is_unanswered
            then {'name': 'no_answer', 'change': -1, 'reason': 'nothing says that it was blocked: the other side may be down'}
        end,
        case when r.score >= 0.83 then {'name': 'regular', 'change': 1, 'reason': 'it is tried at regular intervals'} end,
        case when n.kind is not null then {'name': 'listed', 'change': 1, 'reason': 'a list names the destination'} end,
        case when f.zone_kind in ('metadata', 'datastore')
            then {'name': 'guarded', 'change': 1, 'reason': 'it is a data store or hands out credentials'}
        end
    ], lambda m: m is not null), []) as modifiers,
    f.evidence
from fresh f
left join regular r on r.destination = f.destination and r.destination_port is not distinct from f.destination_port
left join named n on n.destination = f.destination and n.destination_port is not distinct from f.destination_port;
