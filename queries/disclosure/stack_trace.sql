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
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
select http_request_method, route, pattern, pattern_title, status_code, json_path, distinct_values,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'stack_trace' and canary_n >= $min_responses
order by http_request_method, route, pattern
