/*
title = "Canary answers with an error page of its framework"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "The error page of a framework or server names what runs there, and in debug mode code, settings and variables."
recommendation = "Answer with the error page of the service, and turn debug mode off."
false_positives = ["a proxy in front that answers for the service while it restarts"]
references = ["CWE-209", "CWE-756", "OWASP A05:2021", "ATT&CK T1592"]
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
    case when pattern_severity in ('low', 'info')
        then [{'name': 'by_pattern', 'change': case pattern_severity when 'low' then -1 when 'info' then -2 end, 'reason': 'what this pattern finds weighs less'}]
    end as modifiers,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'framework_error' and canary_n >= $min_responses
order by http_request_method, route, pattern
