/*
title = "Canary answers a caller with data of another"
severity = "critical"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "The response to one account names another one, which on the baseline this route does not do: a cache that mixes callers up, or a lost check of ownership."
recommendation = "Stop the release, purge caches, and find out who was given whose data."
false_positives = ["a route that is meant to show other people, such as comments"]
references = ["CWE-488", "CWE-524", "CWE-639", "OWASP API1:2023", "ATT&CK T1213"]
personal_data = true
gdpr = ["5(1)(f)", "32", "33", "34"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
/* Accounts are those that any evidence of the case names, as they are and as MD5, SHA-1 or SHA-256. */
with named as (
    select http_request_method, route,
        count(*) filter (where cohort = 'canary') as canary_n,
        count(*) filter (where cohort = 'baseline') as baseline_n,
        count(*) filter (where cohort in ('prior', 'after')) as prior_n,
        max(other_people) filter (where cohort = 'canary') as most_people,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from response_bodies
    where other_people > 0
    group by all
)
select n.http_request_method, n.route, n.most_people,
    n.canary_n, t.canary_total, n.baseline_n, t.baseline_total, n.prior_n,
    case when t.baseline_total + t.other_total = 0
        then [{'name': 'route_not_on_baseline', 'change': -2, 'reason': 'the baseline has no sampled response of this route to compare with'}]
    end as modifiers,
    n.first_seen, n.last_seen, n.evidence
from named n
join exchange_totals t on t.http_request_method is not distinct from n.http_request_method and t.route is not distinct from n.route
where n.canary_n >= $min_responses
order by n.http_request_method, n.route
