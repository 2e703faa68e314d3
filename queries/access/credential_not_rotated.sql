/*
title = "Canary accepts tokens far older than the baseline does"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "request"
why = "The age of a token at its use shows how often credentials are renewed; the canary takes one more than twice as old as any that the baseline took."
recommendation = "Restore the limit of the age of tokens, and renew what was used."
false_positives = ["a client that slept: few baseline tokens are known"]
references = ["CWE-613", "CWE-324"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route"]
[needs]
shown = ["tokens"]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_tokens = 20
min_age_hours = 24
*/
/* The age is the time of the request less `iat`. It is compared over all routes, since tokens are. */
with used as (
    select s.http_request_method, s.route, s.cohort, s.time, s.record_id, epoch(s.time - t.issued) / 3600 as age_hours
    from proven_samples s
    join dims.tokens t on t.token_hash = s.token_hash
    where s.decision = 'allow' and t.state = 'decoded' and t.issued is not null
), usual as (
    select max(age_hours) as oldest, count(*) as tokens from used where cohort in ('baseline', 'prior')
), old as (
    select u.http_request_method, u.route, u.cohort, u.time, u.record_id, u.age_hours, u.age_hours > greatest($min_age_hours, 2 * o.oldest) and o.tokens >= $min_tokens as is_old
    from used u
    cross join usual o
)
select http_request_method, route,
    round(max(age_hours) filter (where cohort = 'canary'))::bigint as oldest_hours,
    count(*) filter (where cohort = 'canary' and is_old) as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and is_old) as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and is_old) as prior_n,
    min(time) filter (where cohort = 'canary' and is_old) as first_seen,
    max(time) filter (where cohort = 'canary' and is_old) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and is_old) as evidence
from old
group by http_request_method, route
having canary_n > 0
order by http_request_method, route
