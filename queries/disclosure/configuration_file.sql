/*
title = "Canary delivers a configuration file"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "Configuration files hold credentials, internal names and the switches of the service; none of them is meant for a caller."
recommendation = "Take the file out of what is served, and change every credential in it."
false_positives = ["documentation with an example configuration"]
references = ["CWE-538", "CWE-540", "OWASP A05:2021"]
personal_data = false
gdpr = ["32", "33"]
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
where pattern_class = 'configuration_file' and canary_n >= $min_responses
order by http_request_method, route, pattern
