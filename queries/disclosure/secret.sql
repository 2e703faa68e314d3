/*
title = "Canary answers with a secret"
severity = "critical"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A key, token or password in a response is in the hands of whoever received it, and of every cache and log on the way."
recommendation = "Revoke the secret now, then find out why the canary sends it, and who received it."
false_positives = ["a key that is meant to be public, such as one of a map service"]
references = ["CWE-200", "CWE-522", "CWE-798", "OWASP API3:2023", "ATT&CK T1552"]
personal_data = true
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
    case when pattern_severity in ('high', 'medium', 'low', 'info')
        then [{'name': 'by_pattern', 'change': case pattern_severity when 'high' then -1 when 'medium' then -2 when 'low' then -3 when 'info' then -4 end, 'reason': 'what this pattern finds weighs less'}]
    end as modifiers,
    canary_n, canary_total, baseline_n, baseline_total, prior_n, first_seen, last_seen, evidence
from disclosures
where pattern_class = 'secret' and coalesce(pattern_confidence, 'high') <> 'low' and canary_n >= $min_responses
order by http_request_method, route, pattern
