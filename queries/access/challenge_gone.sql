/*
title = "Canary refuses without saying how to sign in"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "request"
why = "401 without WWW-Authenticate (RFC 9110 asks for it) comes from another place than the usual check: a proxy or handler that answers in its stead."
recommendation = "Find out which part answers 401 now, and whether the usual check still runs."
false_positives = ["a challenge that was dropped on purpose, so that browsers show no window"]
references = ["CWE-306", "OWASP API2:2023"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 3
[params]
min_challenges = 3
*/
select http_request_method, route,
    count(*) filter (where cohort in ('baseline', 'prior', 'after') and challenge is not null) as baseline_challenges,
    count(*) filter (where cohort = 'canary' and challenge is null) as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and challenge is null) as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and challenge is null) as prior_n,
    min(time) filter (where cohort = 'canary' and challenge is null) as first_seen,
    max(time) filter (where cohort = 'canary' and challenge is null) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and challenge is null) as evidence
from access_samples
where status = 401 and route is not null
group by http_request_method, route
having canary_n > 0
    and count(*) filter (where cohort in ('baseline', 'prior', 'after') and challenge is not null) >= $min_challenges
    and count(*) filter (where cohort in ('baseline', 'prior', 'after') and challenge is null) = 0
order by http_request_method, route
