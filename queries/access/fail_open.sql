/*
title = "Canary lets requests through because the authorization service did not answer"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "The proxy marks requests that it passed without a decision (x-envoy-auth-failure-mode-allowed): whoever can make the service fail is let in."
recommendation = "Set failure_mode_allow to false, and look at what was answered meanwhile."
false_positives = ["a header that a client sent itself: the proxy does not remove it in every setup"]
references = ["CWE-636", "CWE-755", "OWASP API8:2023"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
select http_request_method, route,
    count(*) filter (where cohort = 'canary' and is_fail_open and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and is_fail_open and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and is_fail_open and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and is_fail_open and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and is_fail_open and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and is_fail_open and decision = 'allow') as evidence
from access_samples
where route is not null
group by http_request_method, route
having canary_n > 0
order by http_request_method, route
