/*
title = "Canary returns contact data that the baseline does not"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "Phone numbers, or addresses in pages and texts, leave on a route that did not give any: more personal data than before."
recommendation = "Remove them or restrict them to callers who may see them, and count whose data went to whom."
false_positives = ["the contact of the company itself"]
references = ["CWE-359", "OWASP API3:2023"]
personal_data = true
gdpr = ["5(1)(c)", "25", "32", "33"]
fingerprint = ["http_request_method", "route", "pattern"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
with found as (
    select http_request_method, route, pattern,
        count(distinct record_id) filter (where cohort = 'canary') as canary_n,
        count(distinct record_id) filter (where cohort = 'baseline') as baseline_n,
        count(distinct record_id) filter (where cohort in ('prior', 'after')) as prior_n,
        count(distinct value_ordinal) filter (where cohort = 'canary') as distinct_values,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from matches
    where pattern_class = 'pii' and part = 'response_body' and (pattern <> 'pii.email' or json_path is null)
    group by all
)
select f.http_request_method, f.route, f.pattern, f.distinct_values,
    f.canary_n, t.canary_total, f.baseline_n, t.baseline_total, f.prior_n, f.first_seen, f.last_seen, f.evidence
from found f
join exchange_totals t on t.http_request_method is not distinct from f.http_request_method and t.route is not distinct from f.route
where f.canary_n >= $min_responses
order by f.http_request_method, f.route, f.pattern
