/*
title = "Canary answers with payment card numbers"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "Full card numbers in a response are what PCI DSS forbids to show and what is sold within hours."
recommendation = "Stop the release, mask all but the last four digits, and count whose cards went to whom."
false_positives = ["test numbers of a payment provider"]
references = ["CWE-359", "CWE-311", "OWASP API3:2023"]
personal_data = true
gdpr = ["5(1)(c)", "32", "33", "34"]
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
where pattern_class = 'payment_card' and canary_n >= $min_responses
order by http_request_method, route, pattern
