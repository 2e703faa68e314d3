/*
title = "Canary saw another kind of traffic than the baseline"
severity = "low"
confidence = "medium"
compare = "changed"
unit = "client"
why = "What the canary was never asked it cannot have failed at: a difference in routes, methods, roles or regions shows up as a difference in behaviour, and hides real ones."
recommendation = "Compare by route and role, not over all; name in the review which of them the canary did not see."
false_positives = ["a canary that is routed by region, tenant or header on purpose"]
references = ["CWE-1053"]
personal_data = false
gdpr = ["32"]
fingerprint = ["dimension"]
[needs]
tables = ["http_requests"]
canary_rows = 50
baseline_rows = 200
[params]
min_distance = 0.15
times_noise = 3
min_pairs = 30
*/
/* Total variation distance of the shares of values, each caller once a value, phase by phase; noise is its expectation if both were alike
   (mean absolute deviation of a normal share). */
with seen as (
    select r.phase, r.cohort, coalesce(r.unit_key, r.record_id) as caller, r.time, r.record_id, r.route, r.http_request_method, r.user_role,
        r.principal_kind, a.country
    from requests r
    left join dims.addresses a on a.address = r.client_address
    where r.in_phase and not r.is_synthetic and r.cohort in ('canary', 'baseline')
), pairs as (
    select distinct phase, cohort, caller, dimension, value
    from (
        select phase, cohort, caller, 'route' as dimension, route as value from seen
        union all select phase, cohort, caller, 'method', http_request_method from seen
        union all select phase, cohort, caller, 'role', user_role from seen
        union all select phase, cohort, caller, 'authentication', principal_kind from seen
        union all select phase, cohort, caller, 'region', country from seen
    )
    where value is not null
), cells as (
    select dimension, phase, value,
        count(*) filter (where cohort = 'canary') as canary_n, count(*) filter (where cohort = 'baseline') as baseline_n
    from pairs
    group by all
), totals as (
    select *, sum(canary_n) over w as canary_total, sum(baseline_n) over w as baseline_total
    from cells
    window w as (partition by dimension, phase)
), shares as (
    select *, canary_n / canary_total::double as p, baseline_n / baseline_total::double as q,
        (canary_n + baseline_n) / (canary_total + baseline_total)::double as overall
    from totals
    where canary_total >= $min_pairs and baseline_total >= $min_pairs
), distances as (
    select dimension, phase, max(canary_total) as canary_total, max(baseline_total) as baseline_total,
        sum(abs(p - q)) / 2 as distance,
        sum(sqrt(2 / pi() * overall * (1 - overall) * (1.0 / canary_total + 1.0 / baseline_total))) / 2 as noise
    from shares
    group by all
), differing as (
    select dimension, sum(canary_total * distance) / sum(canary_total) as distance, sum(canary_total * noise) / sum(canary_total) as noise,
        sum(canary_total)::bigint as canary_n, sum(baseline_total)::bigint as baseline_n
    from distances
    group by dimension
), most as (
    select dimension, value, sum(p) - sum(q) as gap
    from shares
    group by dimension, value
    qualify row_number() over (partition by dimension order by abs(sum(p) - sum(q)) desc, value) = 1
)
select
    d.dimension, round(d.distance, 6) as distance, round(d.noise, 6) as expected_by_chance,
    m.value as most_different, case when m.gap > 0 then 'more on the canary' else 'less on the canary' end as direction,
    d.canary_n, 0::bigint as canary_total, d.baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    (select min(time) from seen where cohort = 'canary') as first_seen,
    (select max(time) from seen where cohort = 'canary') as last_seen,
    (select min(record_id, 20) from seen where cohort = 'canary') as evidence
from differing d
join most m on m.dimension = d.dimension
where d.distance >= greatest($min_distance, $times_noise * d.noise)
order by d.dimension
