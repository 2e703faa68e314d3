/*
title = "Canary returns properties of people or secrets that the baseline does not"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "More of an object leaves than before (excessive data exposure), and its name says that it is about a person or not for callers: password, token, role, salary."
recommendation = "Return the properties that callers of this role need by name, and remove the others."
false_positives = ["a documented, reviewed extension of the interface"]
references = ["CWE-213", "CWE-201", "OWASP API3:2023"]
personal_data = true
gdpr = ["5(1)(c)", "25", "32", "33"]
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
    case when is_secret then [{'name': 'named_like_a_secret', 'change': 1, 'reason': 'the name says that it is not for callers'}] end as modifiers,
    first_seen, last_seen, evidence
from new_properties
where (is_secret or is_sensitive) and canary_n >= $min_responses
order by http_request_method, route, json_path
