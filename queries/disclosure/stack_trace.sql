/*
title = "Canary answers with a stack trace"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A stack trace tells an attacker the framework, versions, file paths and often internal names; on the baseline this route does not give one."
recommendation = "Turn the debug error handler off and answer with an error id; check what the traces named."
false_positives = ["a test page that is not reachable from outside"]
references = ["CWE-209", "CWE-550", "OWASP A05:2021", "ATT&CK T1592"]
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
    where pattern_class = 'stack_trace'
    group by all
)
select f.http_request_method, f.route, f.pattern, f.status_code, f.json_path, f.distinct_values,
    f.canary_n, t.canary_total, f.baseline_n, t.baseline_total, f.prior_n, f.first_seen, f.last_seen, f.evidence
from found f
join exchange_totals t on t.http_request_method is not distinct from f.http_request_method and t.route is not distinct from f.route
where f.canary_n >= $min_responses
order by f.http_request_method, f.route, f.pattern
