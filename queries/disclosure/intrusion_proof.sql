/*
title = "Canary answers as an intruded server does"
severity = "critical"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "The response is what a web shell, a command or a file of the system gives: somebody is inside, or a traversal works."
recommendation = "Isolate the pod, keep its disk and memory, and look at the requests before and after."
false_positives = ["a security course or a wiki that quotes such output"]
references = ["CWE-506", "CWE-22", "OWASP A03:2021", "ATT&CK T1505.003"]
personal_data = false
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "pattern"]
pre_existing = "high"               # somebody is inside, whichever version answered
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
select http_request_method, route, pattern, pattern_title, status_code, json_path, distinct_values,
    case when pattern_severity in ('high', 'medium', 'low', 'info')
        then [{'name': 'by_pattern', 'change': case pattern_severity when 'high' then -1 when 'medium' then -2 when 'low' then -3 when 'info' then -4 end, 'reason': 'what this pattern finds weighs less'}]
    end as modifiers,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'intrusion' and canary_n >= $min_responses
order by http_request_method, route, pattern
