/*
title = "Canary returns properties that the baseline does not"
severity = "low"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "More of an object leaves than before; the name says nothing of people or secrets."
recommendation = "Compare with what the release was meant to add."
false_positives = ["a documented extension of the interface, as most of these are"]
references = ["CWE-213", "OWASP API3:2023"]
personal_data = false
gdpr = ["25"]
fingerprint = ["http_request_method", "route", "json_path"]
[needs]
tables = ["http_exchanges"]
bodies = true
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
select http_request_method, route, json_path, roles, canary_n, canary_total, 0::bigint as baseline_n, baseline_total, 0::bigint as prior_n,
    first_seen, last_seen, evidence
from new_properties
where not is_secret and not is_sensitive and canary_n >= $min_responses
order by http_request_method, route, json_path
