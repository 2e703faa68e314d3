/*
title = "Canary fails on a route that the baseline answers"
severity = "medium"
confidence = "low"
compare = "new_in_canary"
unit = "request"
why = "Say why this matters, in one sentence a person on call understands."
recommendation = "Say what to do first."
false_positives = ["say when this is harmless"]
references = ["CWE-755"]
personal_data = false
gdpr = []
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_requests"]
canary_rows = 1
baseline_rows = 5
[params]
min_status = 500
*/
select
    http_request_method,
    route,
    count(*) filter (where cohort = 'canary' and http_response_status_code >= $min_status) as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and http_response_status_code >= $min_status) as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and http_response_status_code >= $min_status) as prior_n,
    min(time) filter (where cohort = 'canary' and http_response_status_code >= $min_status) as first_seen,
    max(time) filter (where cohort = 'canary' and http_response_status_code >= $min_status) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and http_response_status_code >= $min_status) as evidence
from requests
where route is not null
group by http_request_method, route
having canary_n > 0
order by http_request_method, route
