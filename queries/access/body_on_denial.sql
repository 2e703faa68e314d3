/*
title = "Canary refuses or redirects, and sends the protected data all the same"
severity = "high"
confidence = "high"
compare = "new_in_canary"
unit = "request"
why = "The answer says no or points to the sign-in, but its body has the properties that the route gives those who may have them: the check runs after the data was written."
recommendation = "End the handling of a request where it is refused, and treat the bodies named here as disclosed."
false_positives = ["an error that carries the object the caller sent"]
references = ["CWE-698", "CWE-201", "OWASP API3:2023", "ATT&CK T1190"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
/* What clients see is the status; what left is the body. Structures that refusals of the baseline have anywhere are none of the privileged ones. */
select http_request_method, route,
    min(status) filter (where cohort = 'canary' and reason = 'privileged body') as status_code,
    count(*) filter (where cohort = 'canary' and reason = 'privileged body') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and reason = 'privileged body') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and reason = 'privileged body') as prior_n,
    min(time) filter (where cohort = 'canary' and reason = 'privileged body') as first_seen,
    max(time) filter (where cohort = 'canary' and reason = 'privileged body') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and reason = 'privileged body') as evidence
from access_samples
where route is not null and status between 300 and 499
group by http_request_method, route
having canary_n > 0
order by http_request_method, route
