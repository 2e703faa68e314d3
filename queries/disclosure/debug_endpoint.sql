/*
title = "Canary answers on a debug or management endpoint"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "Environment, heap, routes or metrics of the service are open to whoever asks: a build meant for testing went out."
recommendation = "Close the endpoint, build without it, and change credentials that stood in environment or heap."
false_positives = ["a management port that is reachable from inside only"]
references = ["CWE-489", "CWE-215", "OWASP API8:2023"]
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
    case when pattern_severity in ('medium', 'low', 'info')
        then [{'name': 'by_pattern', 'change': case pattern_severity when 'medium' then -1 when 'low' then -2 when 'info' then -3 end, 'reason': 'what this pattern finds weighs less'}]
    end as modifiers,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'debug_endpoint' and canary_n >= $min_responses
order by http_request_method, route, pattern
