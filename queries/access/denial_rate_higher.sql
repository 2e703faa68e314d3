/*
title = "Canary refuses access more often than the baseline"
severity = "medium"
confidence = "medium"
compare = "rate_up"
unit = "client"
why = "More 401 and 403 on the same route mean that valid callers are locked out, or that somebody probes the canary; counted by distinct callers."
recommendation = "Check token validation and the authentication provider of the canary; look for probing."
false_positives = ["a scanner that met the canary more often", "sessions that expired at the switch"]
references = ["CWE-287", "CWE-613"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "principal"]
[needs]
tables = ["http_requests"]
canary_rows = 50
baseline_rows = 200
[params]
min_callers = 5
[evidence]
max_q = 0.05
min_difference = 0.1
*/
with callers as (
    select http_request_method, route, coalesce(principal_kind, 'unknown') as principal, phase, cohort, unit_key,
        bool_or(decision = 'deny') as denied
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline') and route is not null and unit_key is not null
    group by all
), strata as (
    select http_request_method, route, principal, phase,
        count(*) filter (where cohort = 'canary' and denied) as canary_n,
        count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and denied) as baseline_n,
        count(*) filter (where cohort = 'baseline') as baseline_total
    from callers
    group by all
), samples as (
    select http_request_method, route, coalesce(principal_kind, 'unknown') as principal,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(record_id, 20) filter (where cohort = 'canary') as evidence
    from requests
    where in_phase and route is not null
    group by all
), probes as (
    select http_request_method, route, coalesce(principal_kind, 'unknown') as principal, sum(callers)::bigint as callers
    from access_cells
    where source = 'access log' and in_phase and cohort = 'canary' and decision = 'deny' and attack is not null
    group by all
)
select
    s.http_request_method, s.route, s.principal,
    sum(s.canary_n)::bigint as canary_n, sum(s.canary_total)::bigint as canary_total,
    sum(s.baseline_n)::bigint as baseline_n, sum(s.baseline_total)::bigint as baseline_total,
    0::bigint as prior_n,
    list({'phase': s.phase, 'canary_n': s.canary_n, 'canary_total': s.canary_total, 'baseline_n': s.baseline_n, 'baseline_total': s.baseline_total}) as strata,
    min(m.first_seen) as first_seen, max(m.last_seen) as last_seen, min(m.evidence) as evidence,
    case when coalesce(min(p.callers), 0) >= 0.8 * sum(s.canary_n) then [{'name': 'scanner_noise', 'change': -2, 'reason': 'nearly all who were refused are scanners'}] end as modifiers
from strata s
join samples m on m.http_request_method is not distinct from s.http_request_method and m.route = s.route and m.principal = s.principal
left join probes p on p.http_request_method is not distinct from s.http_request_method and p.route = s.route and p.principal = s.principal
group by s.http_request_method, s.route, s.principal
having sum(s.canary_total) >= $min_callers and sum(s.baseline_total) >= $min_callers
    and sum(s.canary_n) + sum(s.baseline_n) > 0
order by s.http_request_method, s.route, s.principal
