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
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
select http_request_method, route, pattern, pattern_title, status_code, json_path, distinct_values,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'sql_error' and canary_n >= $min_responses
order by http_request_method, route, pattern
