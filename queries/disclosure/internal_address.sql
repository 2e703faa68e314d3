/*
title = "Canary answers with an internal address or host name"
severity = "low"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "Internal names help an attacker to move on once inside, and often come with verbose errors."
recommendation = "Remove internal names from responses and headers."
false_positives = ["a documentation page with example addresses"]
references = ["CWE-200", "CWE-497"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "pattern"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
select http_request_method, route, pattern, pattern_title, status_code, json_path, distinct_values,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'internal_address' and canary_n >= $min_responses
order by http_request_method, route, pattern
