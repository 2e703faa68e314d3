/*
title = "Canary fails for more callers than the baseline"
severity = "medium"
confidence = "high"
compare = "rate_up"
unit = "client"
why = "Callers who get a 5xx answer from the canary only meet a fault of the release; failures also open paths that nobody tests: fallbacks, stack traces, half-written data."
recommendation = "Stop the rollout, find the route and the change behind it, and look at what failing requests left behind."
false_positives = ["an upstream that was down while the canary met it more often", "one route that only the canary's callers used"]
references = ["CWE-755", "CWE-703"]
personal_data = false
gdpr = ["32"]
fingerprint = ["outcome"]
[needs]
tables = ["http_requests"]
canary_rows = 50
baseline_rows = 200
[params]
min_callers = 20
much = 0.2
[evidence]
max_q = 0.01
min_difference = 0.05
*/
/* Over all routes, one test: the table of stable and canary tells how large, the other detectors where. */
with callers as (
    select phase, cohort, unit_key, bool_or(http_response_status_code between 500 and 599) as failed
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline') and unit_key is not null and http_response_status_code is not null
    group by all
), strata as (
    select phase,
        count(*) filter (where cohort = 'canary' and failed) as canary_n,
        count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and failed) as baseline_n,
        count(*) filter (where cohort = 'baseline') as baseline_total
    from callers
    group by all
), sums as (
    select 'failed' as outcome, sum(canary_n)::bigint as canary_n, sum(canary_total)::bigint as canary_total, sum(baseline_n)::bigint as baseline_n,
        sum(baseline_total)::bigint as baseline_total,
        list({'phase': phase, 'canary_n': canary_n, 'canary_total': canary_total, 'baseline_n': baseline_n, 'baseline_total': baseline_total}) as strata
    from strata
), samples as (
    select count(distinct unit_key) filter (where cohort in ('prior', 'after')) as prior_n,
        min(time) filter (where cohort = 'canary') as first_seen, max(time) filter (where cohort = 'canary') as last_seen,
        min(record_id, 20) filter (where cohort = 'canary') as evidence
    from requests
    where http_response_status_code between 500 and 599 and not is_synthetic
)
select
    s.outcome, s.canary_n, s.canary_total, s.baseline_n, s.baseline_total, m.prior_n, s.strata, m.first_seen, m.last_seen, m.evidence,
    case when s.canary_n / s.canary_total - s.baseline_n / s.baseline_total >= $much
        then [{'name': 'many', 'change': 1, 'reason': 'a fifth of the callers or more fail on the canary only'}] end as modifiers
from sums s
cross join samples m
where s.canary_total >= $min_callers and s.baseline_total >= $min_callers and s.canary_n + s.baseline_n > 0
order by s.outcome
