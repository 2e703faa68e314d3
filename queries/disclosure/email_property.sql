/*
title = "Canary returns e-mail addresses in a new property"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A property that the baseline does not return now carries e-mail addresses: more personal data leaves than before (excessive data exposure)."
recommendation = "Remove the property or restrict it to callers who may see it, and count whose addresses went to whom."
false_positives = ["a documented, reviewed extension of the interface"]
references = ["CWE-359", "CWE-213", "OWASP API3:2023"]
personal_data = true
gdpr = ["5(1)(c)", "25", "32", "33"]
fingerprint = ["http_request_method", "route", "json_path"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
with found as (
    select http_request_method, route, json_path,
        count(distinct record_id) filter (where cohort = 'canary') as canary_n,
        count(distinct record_id) filter (where cohort = 'baseline') as baseline_n,
        count(distinct record_id) filter (where cohort in ('prior', 'after')) as prior_n,
        count(distinct value_ordinal) filter (where cohort = 'canary') as distinct_values,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from matches
    where pattern = 'pii.email' and part = 'response_body' and json_path is not null
    group by all
)
select f.http_request_method, f.route, f.json_path, f.distinct_values,
    f.canary_n, t.canary_total, f.baseline_n, t.baseline_total, f.prior_n,
    case when t.baseline_total + t.other_total = 0
        then [{'name': 'route_not_on_baseline', 'change': -1, 'reason': 'the baseline has no sampled response of this route to compare with'}]
    end as modifiers,
    f.first_seen, f.last_seen, f.evidence
from found f
join exchange_totals t on t.http_request_method is not distinct from f.http_request_method and t.route is not distinct from f.route
where f.canary_n >= $min_responses
order by f.http_request_method, f.route, f.json_path
