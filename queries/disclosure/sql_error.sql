/*
title = "Canary answers with a database error"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A database error in a response shows that input reaches the database unhandled, which is how injection is found and used."
recommendation = "Handle the error, use bound parameters, and look for injection attempts in the requests."
false_positives = ["documentation or a forum that quotes error messages"]
references = ["CWE-209", "CWE-89", "OWASP A03:2021"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "pattern"]
[needs]
tables = ["http_exchanges"]
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
        min(http_response_status_code) filter (where cohort = 'canary') as status_code,
        min(json_path) filter (where cohort = 'canary') as json_path,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from matches
    where pattern_class = 'sql_error'
    group by all
)
select f.http_request_method, f.route, f.pattern, f.status_code, f.json_path, f.distinct_values,
    f.canary_n, t.canary_total, f.baseline_n, t.baseline_total, f.prior_n, f.first_seen, f.last_seen, f.evidence
from found f
join exchange_totals t on t.http_request_method is not distinct from f.http_request_method and t.route is not distinct from f.route
where f.canary_n >= $min_responses
order by f.http_request_method, f.route, f.pattern
