/*
title = "Canary lists a directory"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "A listing shows files that nobody links to: backups, uploads, configuration."
recommendation = "Turn listings off, and look through the directory for what was fetched."
false_positives = ["a download server that is meant to list its files"]
references = ["CWE-548", "OWASP A05:2021"]
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
where pattern_class = 'directory_listing' and canary_n >= $min_responses
order by http_request_method, route, pattern
