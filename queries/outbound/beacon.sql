/*
title = "Canary contacts a destination at regular intervals"
severity = "medium"
confidence = "low"
compare = "new_in_canary"
unit = "connection"
why = "Implants ask for orders on a timer. The score is the mean of one minus the Bowley skewness and one minus the relative median deviation of the gaps (RITA v5, first two parts); the baseline's own timers are left out."
recommendation = "Look at the sizes and the payload if it was recorded, and ask which component owns this timer."
false_positives = ["health checks, metrics and configuration polls that are new in this release"]
references = ["ATT&CK T1071", "ATT&CK T1029"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 6
baseline_rows = 20
[params]
min_sightings = 6
min_score = 0.85
*/
with seconds as (
    select distinct cohort, k8s_pod_name, destination, destination_port, epoch_us(time) // 1000000 as second
    from outbound
    where cohort in ('canary', 'baseline', 'prior', 'after') and destination_port is distinct from 53
), gaps as (
    select *, second - lag(second) over (partition by cohort, k8s_pod_name, destination, destination_port order by second) as gap
    from seconds
), ranked as (
    select *,
        row_number() over (partition by cohort, k8s_pod_name, destination, destination_port order by gap, second) as position,
        count(*) over (partition by cohort, k8s_pod_name, destination, destination_port) as n
    from gaps
    where gap is not null
), quartiles as (
    select cohort, k8s_pod_name, destination, destination_port, max(n) as n, max(second) as last_second, min(second) as first_second,
        avg(gap::double) filter (where position in ((n + 1) // 2, (n + 2) // 2)) as q2,
        avg(gap::double) filter (where position in ((n // 2 + 1) // 2, (n // 2 + 2) // 2)) as q1,
        avg(gap::double) filter (where position in (n - (n // 2 + 1) // 2 + 1, n - (n // 2 + 2) // 2 + 1)) as q3
    from ranked
    group by all
), deviations as (
    select r.cohort, r.k8s_pod_name, r.destination, r.destination_port, abs(r.gap - q.q2) as deviation, r.n,
        row_number() over (partition by r.cohort, r.k8s_pod_name, r.destination, r.destination_port order by abs(r.gap - q.q2), r.second) as position
    from ranked r
    join quartiles q on q.cohort = r.cohort and q.k8s_pod_name is not distinct from r.k8s_pod_name and q.destination = r.destination
        and q.destination_port is not distinct from r.destination_port
), mads as (
    select cohort, k8s_pod_name, destination, destination_port,
        avg(deviation::double) filter (where position in ((n + 1) // 2, (n + 2) // 2)) as mad
    from deviations
    group by all
), scores as (
    select q.cohort, q.k8s_pod_name, q.destination, q.destination_port, q.n + 1 as sightings, q.q2 as period_seconds,
        (
            1 - case when q.q3 - q.q1 < 10 or q.q2 = q.q1 or q.q2 = q.q3 then 0 else abs((q.q1 + q.q3 - 2 * q.q2) / (q.q3 - q.q1)) end
            + case when q.q2 < 1 then 1 else greatest(0, (q.q2 - m.mad) / q.q2) end
        ) / 2 as score
    from quartiles q
    join mads m on m.cohort = q.cohort and m.k8s_pod_name is not distinct from q.k8s_pod_name and m.destination = q.destination
        and m.destination_port is not distinct from q.destination_port
), regular as (
    select * from scores where sightings >= $min_sightings and score >= $min_score
), seen as (
    select destination, destination_port,
        sum(connections) filter (where cohort = 'canary')::bigint as canary_n,
        coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_n,
        coalesce(sum(connections) filter (where cohort in ('prior', 'after')), 0)::bigint as prior_n,
        min(first_seen) filter (where cohort = 'canary') as first_seen,
        max(last_seen) filter (where cohort = 'canary') as last_seen,
        flatten(list(evidence) filter (where cohort = 'canary')) as evidence
    from outbound_cells
    group by destination, destination_port
)
select
    s.destination, s.destination_port,
    max(r.k8s_pod_name) as pod,
    round(max(r.score), 3) as score,
    round(min(r.period_seconds), 1) as period_seconds,
    max(r.sightings) as sightings,
    max(s.canary_n) as canary_n,
    (select sum(connections)::bigint from outbound_cells where cohort = 'canary') as canary_total,
    max(s.baseline_n) as baseline_n,
    (select sum(connections)::bigint from outbound_cells where cohort = 'baseline') as baseline_total,
    max(s.prior_n) as prior_n,
    max(s.first_seen) as first_seen, max(s.last_seen) as last_seen,
    min(s.evidence) as evidence
from regular r
join seen s on s.destination = r.destination and s.destination_port is not distinct from r.destination_port
where r.cohort = 'canary' and s.baseline_n + s.prior_n = 0
group by s.destination, s.destination_port
order by s.destination, s.destination_port
