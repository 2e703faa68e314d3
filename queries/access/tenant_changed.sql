/*
title = "Canary takes an account for one of another tenant"
severity = "critical"
confidence = "medium"
compare = "new_in_canary"
unit = "user"
why = "On the baseline the account belongs to one tenant; on the canary its token or header names another one, and it is let in: what it reads there belongs to others."
recommendation = "Find out who issued the token or set the header, end the sessions of the account, and look what it was given."
false_positives = ["an account that was moved, or that works for several tenants"]
references = ["CWE-639", "CWE-863", "OWASP API1:2023", "ATT&CK T1078"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
shown = ["tenants"]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_seen = 2
*/
/* The tenant is what the claim or header of the request says, not what is known of the account. An account that had two tenants on the baseline works for several. */
with asked as (
    select user_key, said_tenant as tenant, cohort, http_request_method, route, time, record_id
    from access_samples
    where user_key is not null and said_tenant is not null and decision = 'allow' and cohort <> 'unknown'
), usual as (
    select user_key, min(tenant) as tenant
    from asked
    where cohort in ('baseline', 'prior', 'after')
    group by user_key
    having count(*) >= $min_seen and min(tenant) = max(tenant)
), judged as (
    select a.http_request_method, a.route, a.cohort, a.user_key, a.time, a.record_id, a.tenant <> u.tenant as is_other
    from asked a
    join usual u on u.user_key = a.user_key
)
select http_request_method, route,
    count(distinct user_key) filter (where cohort = 'canary' and is_other) as canary_n,
    count(distinct user_key) filter (where cohort = 'canary') as canary_total,
    0::bigint as baseline_n, count(distinct user_key) filter (where cohort = 'baseline') as baseline_total, 0::bigint as prior_n,
    min(time) filter (where cohort = 'canary' and is_other) as first_seen, max(time) filter (where cohort = 'canary' and is_other) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and is_other) as evidence
from judged
group by http_request_method, route
having canary_n > 0
order by http_request_method, route
