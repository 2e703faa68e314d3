/*
title = "Canary answers with source code"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "Source that should run is delivered instead: whoever reads it learns names of tables, hidden paths and often credentials."
recommendation = "Restore the handler that runs these files, and change every credential that stands in them."
false_positives = ["a page that teaches programming"]
references = ["CWE-540", "OWASP A05:2021"]
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
where pattern_class = 'source_code' and canary_n >= $min_responses
order by http_request_method, route, pattern
