/*
title = "Canary is slow for more callers than the baseline"
severity = "medium"
confidence = "medium"
compare = "rate_up"
unit = "client"
why = "Requests that take longer on the canary than nearly all of the baseline's are work that the release added: a lock, a retry, a call to somewhere else."
recommendation = "Compare the slow routes of both versions, and ask what the canary does there that the baseline does not."
false_positives = ["caches that were still cold", "instances of the canary that have less CPU"]
references = ["CWE-400"]
personal_data = false
gdpr = ["32"]
fingerprint = ["outcome"]
[needs]
tables = ["http_requests"]
canary_rows = 50
baseline_rows = 200
[params]
min_callers = 20
[evidence]
max_q = 0.01
min_difference = 0.15
*/
/* Slow is beyond the baseline's own 95th percentile of the phase and route; a caller is slow whose requests are so in the majority, since a caller with
   many requests meets one slow one by chance. */
with timed as (
    select phase, cohort, unit_key, route, duration_ms, time, record_id
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline') and unit_key is not null and duration_ms >= 0 and route is not null
), limits as (
    select phase, route, quantile_cont(duration_ms, 0.95) as slow
    from timed
    where cohort = 'baseline'
    group by all
    having count(*) >= $min_callers
), judged as (
    select t.phase, t.cohort, t.unit_key, t.time, t.record_id, t.duration_ms > l.slow as is_slow
    from timed t
    join limits l on l.phase = t.phase and l.route = t.route
), callers as (
    select phase, cohort, unit_key, count(*) filter (where is_slow) * 2 >= count(*) as is_slow
    from judged
    group by all
), strata as (
    select phase,
        count(*) filter (where cohort = 'canary' and is_slow) as canary_n,
        count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and is_slow) as baseline_n,
        count(*) filter (where cohort = 'baseline') as baseline_total
    from callers
    group by all
), sums as (
    select 'slow' as outcome, sum(canary_n)::bigint as canary_n, sum(canary_total)::bigint as canary_total, sum(baseline_n)::bigint as baseline_n,
        sum(baseline_total)::bigint as baseline_total,
        list({'phase': phase, 'canary_n': canary_n, 'canary_total': canary_total, 'baseline_n': baseline_n, 'baseline_total': baseline_total}) as strata
    from strata
), samples as (
    select min(time) as first_seen, max(time) as last_seen, min(record_id, 20) as evidence from judged where cohort = 'canary' and is_slow
)
select
    s.outcome, s.canary_n, s.canary_total, s.baseline_n, s.baseline_total, 0::bigint as prior_n, s.strata, m.first_seen, m.last_seen, m.evidence
from sums s
cross join samples m
where s.canary_total >= $min_callers and s.baseline_total >= $min_callers
order by s.outcome
