/*
title = "Canary answers with what looks like a secret"
severity = "medium"
confidence = "low"
compare = "new_in_canary"
unit = "request"
why = "A property named like a secret holds a value as random as one; the baseline does not send it on this route."
recommendation = "Look at the value with show, and revoke it if it is one."
false_positives = ["an identifier that only looks random", "a token of one page view"]
references = ["CWE-200", "CWE-522", "OWASP API3:2023"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "pattern", "json_path"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
/* A guess by name and entropy alone: what the baseline or earlier traffic sends too is left out, here and nowhere else. */
with found as (
    select http_request_method, route, pattern, json_path,
        count(distinct record_id) filter (where cohort = 'canary') as canary_n,
        count(distinct record_id) filter (where cohort in ('baseline', 'prior', 'after')) as other_n,
        count(distinct value_ordinal) filter (where cohort = 'canary') as distinct_values,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from matches
    where pattern_class = 'secret'
    group by all
)
select f.http_request_method, f.route, f.pattern, f.json_path, f.distinct_values,
    f.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n, f.first_seen, f.last_seen, f.evidence
from found f
join dims.patterns p on p.pattern = f.pattern and p.confidence = 'low'
join exchange_totals t on t.http_request_method is not distinct from f.http_request_method and t.route is not distinct from f.route
where f.canary_n >= $min_responses and f.other_n = 0 and t.baseline_total > 0
order by f.http_request_method, f.route, f.pattern, f.json_path
