/*
title = "Canary answers 429 more often than the baseline"
severity = "low"
confidence = "medium"
compare = "rate_up"
unit = "client"
why = "Callers who are told to slow down on the canary only meet a limit that was changed with it, or send more because the canary answers wrongly; counted by distinct callers."
recommendation = "Compare the limits of both versions and of the gateways before them, and look whether callers retry."
false_positives = ["one busy caller that was routed to the canary", "a limit that is kept for each instance, where the canary has fewer"]
references = ["CWE-770", "OWASP API4:2023"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_requests"]
canary_rows = 50
baseline_rows = 200
[params]
min_callers = 5
[evidence]
max_q = 0.05
min_difference = 0.05
*/
with callers as (
    select http_request_method, route, phase, cohort, unit_key, bool_or(http_response_status_code = 429) as limited
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline') and route is not null and unit_key is not null
        and http_response_status_code is not null
    group by all
), strata as (
    select http_request_method, route, phase,
        count(*) filter (where cohort = 'canary' and limited) as canary_n,
        count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and limited) as baseline_n,
        count(*) filter (where cohort = 'baseline') as baseline_total
    from callers
    group by all
), samples as (
    select http_request_method, route,
        count(distinct unit_key) filter (where cohort in ('prior', 'after')) as prior_n,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(record_id, 20) filter (where cohort = 'canary') as evidence
    from requests
    where route is not null and http_response_status_code = 429
    group by all
)
select
    s.http_request_method, s.route,
    sum(s.canary_n)::bigint as canary_n, sum(s.canary_total)::bigint as canary_total,
    sum(s.baseline_n)::bigint as baseline_n, sum(s.baseline_total)::bigint as baseline_total,
    coalesce(min(m.prior_n), 0) as prior_n,
    list({'phase': s.phase, 'canary_n': s.canary_n, 'canary_total': s.canary_total, 'baseline_n': s.baseline_n, 'baseline_total': s.baseline_total}) as strata,
    min(m.first_seen) as first_seen, max(m.last_seen) as last_seen, min(m.evidence) as evidence
from strata s
left join samples m on m.http_request_method is not distinct from s.http_request_method and m.route = s.route
group by s.http_request_method, s.route
having sum(s.canary_total) >= $min_callers and sum(s.baseline_total) >= $min_callers and sum(s.canary_n) + sum(s.baseline_n) > 0
order by s.http_request_method, s.route
