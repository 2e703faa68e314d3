/*
title = "Canary lets a caller guess on where the baseline stops"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "client"
why = "Callers who fail to sign in again and again are slowed down or locked on the baseline (429, 423); on the canary nobody stopped one who failed far more often."
recommendation = "Restore the limit of failed sign-ins, and look whether one of the guesses was right."
false_positives = ["a limit that is kept per instance, where the canary has fewer requests to count"]
references = ["CWE-307", "OWASP API4:2023", "ATT&CK T1110"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_braked = 3
min_failures = 10
*/
/* The measure is the most failures that the baseline let a caller have without stopping it; twice that is asked for. */
with tries as (
    select source, http_request_method, route, cohort, unit_key, time, record_id,
        http_response_status_code in (400, 401, 403, 422) as is_failure, http_response_status_code in (423, 429) as is_braked
    from access_events
    where http_request_method = 'POST' and asks_sign_in and unit_key is not null and cohort <> 'unknown' and route is not null
), callers as (
    select source, http_request_method, route, cohort, unit_key,
        count(*) filter (where is_failure) as failures, bool_or(is_braked) as is_braked, min(time) as first_seen, max(time) as last_seen, min(record_id, 20) as evidence
    from tries
    group by all
), usual as (
    select source, http_request_method, route,
        count(*) filter (where is_braked) as braked, coalesce(max(failures) filter (where not is_braked), 0) as most_failures, count(*) as callers
    from callers
    where cohort in ('baseline', 'prior', 'after')
    group by all
)
select c.http_request_method, c.route,
    max(c.failures) as failures, max(u.most_failures) as most_failures_on_baseline, max(u.braked) as braked_on_baseline,
    count(*) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, max(u.callers) as baseline_total, 0::bigint as prior_n,
    min(c.first_seen) as first_seen, max(c.last_seen) as last_seen, min(c.evidence) as evidence
from callers c
join usual u on u.source = c.source and u.http_request_method = c.http_request_method and u.route = c.route
where c.cohort = 'canary' and not c.is_braked and u.braked >= $min_braked and c.failures >= $min_failures and c.failures > 2 * u.most_failures
group by c.http_request_method, c.route, c.source
qualify row_number() over (partition by c.http_request_method, c.route order by count(*) desc, c.source) = 1
order by http_request_method, route
