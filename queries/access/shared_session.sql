/*
title = "One session or token stands for several accounts on the canary"
severity = "critical"
confidence = "medium"
compare = "new_in_canary"
unit = "session"
why = "A session that is two people at once means that one is given the other's answers: a cache that mixes them up, or an account taken over."
recommendation = "Take the canary out of traffic, end all sessions it served, and find out who was given whose data."
false_positives = ["people who sign in one after the other in one browser, where the service keeps the session"]
references = ["CWE-488", "CWE-384", "ATT&CK T1539"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["credential"]
[needs]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
baseline_rows = 1
*/
/* Counted are sessions and tokens. An account that follows another one in the same session is the same finding on the baseline, and then pre-existing. */
with carried as (
    select source, cohort, 'session' as credential, session as value, account, tenant, time, record_id
    from session_requests
    where session is not null
    union all
    select 'samples', cohort, 'token', token_key, user_key, tenant, time, record_id
    from access_samples
    where token_hash is not null and token_state <> 'opaque'
), each as (
    select source, cohort, credential, value, min(account) <> max(account) or min(tenant) <> max(tenant) as is_shared,
        min(time) as first_seen, max(time) as last_seen
    from carried
    where cohort <> 'unknown' and (account is not null or tenant is not null)
    group by all
), told as (
    select source, credential,
        count(*) filter (where cohort = 'canary' and is_shared) as canary_n, count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and is_shared) as baseline_n, count(*) filter (where cohort = 'baseline') as baseline_total,
        count(*) filter (where cohort in ('prior', 'after') and is_shared) as prior_n,
        min(first_seen) filter (where cohort = 'canary' and is_shared) as first_seen, max(last_seen) filter (where cohort = 'canary' and is_shared) as last_seen
    from each
    group by source, credential
), behind as (
    select c.source, c.credential, min(c.record_id, 20) as evidence
    from carried c
    join each e on e.source = c.source and e.cohort = c.cohort and e.credential = c.credential and e.value = c.value
    where e.is_shared and e.cohort = 'canary'
    group by c.source, c.credential
)
select t.credential, t.canary_n, t.canary_total, t.baseline_n, t.baseline_total, t.prior_n, t.first_seen, t.last_seen, b.evidence
from told t
join behind b on b.source = t.source and b.credential = t.credential
qualify row_number() over (partition by t.credential order by t.canary_n desc, t.source) = 1
order by credential
