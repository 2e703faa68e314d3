/*
title = "Canary answers with national identification numbers"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "Numbers that identify a person for life open the door to identity theft; their processing is restricted by law."
recommendation = "Remove the property, and count whose numbers went to whom."
false_positives = ["another number of the same form whose check digit happens to fit"]
references = ["CWE-359", "OWASP API3:2023"]
personal_data = true
gdpr = ["5(1)(c)", "32", "33", "34", "87"]
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
    case when pattern_severity in ('medium', 'low', 'info')
        then [{'name': 'by_pattern', 'change': case pattern_severity when 'medium' then -1 when 'low' then -2 when 'info' then -3 end, 'reason': 'what this pattern finds weighs less'}]
    end as modifiers,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'national_id' and canary_n >= $min_responses
order by http_request_method, route, pattern
