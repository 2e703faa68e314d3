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
shown = ["credentials"]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
/* Counted are sessions and tokens. An account that follows another one in the same session is the same finding on the baseline, and then pre-existing. */
with tokens as (
    select cohort, token_key, coalesce(min(user_key) <> max(user_key), false) or coalesce(min(tenant) <> max(tenant), false) as is_shared,
        min(time) as first_seen, max(time) as last_seen
    from access_samples
    where token_key is not null and token_state <> 'opaque' and cohort <> 'unknown' and (user_key is not null or tenant is not null)
    group by all
), each as (
    select source, cohort, 'session' as credential, session as value, is_shared, first_seen, last_seen from sessions where is_somebodys
    union all
    select 'samples', cohort, 'token', token_key, is_shared, first_seen, last_seen from tokens
), told as (
    select source, credential,
        count(*) filter (where cohort = 'canary' and is_shared) as canary_n, count(*) filter (where cohort = 'canary') as canary_total,
        count(*) filter (where cohort = 'baseline' and is_shared) as baseline_n, count(*) filter (where cohort = 'baseline') as baseline_total,
        count(*) filter (where cohort in ('prior', 'after') and is_shared) as prior_n,
        min(first_seen) filter (where cohort = 'canary' and is_shared) as first_seen, max(last_seen) filter (where cohort = 'canary' and is_shared) as last_seen
    from each
    group by source, credential
), shared as (
    select source, credential, value from each where is_shared and cohort = 'canary'
), behind as (
    select r.source, 'session' as credential, min(r.record_id, 20) as evidence
    from session_requests r
    join shared s on s.credential = 'session' and s.source = r.source and s.value = r.session
    where r.cohort = 'canary'
    group by r.source
    union all
    select 'samples', 'token', min(r.record_id, 20)
    from access_samples r
    join shared s on s.credential = 'token' and s.value = r.token_key
    where r.cohort = 'canary'
    having count(*) > 0
)
select t.credential, t.canary_n, t.canary_total, t.baseline_n, t.baseline_total, t.prior_n, t.first_seen, t.last_seen, b.evidence
from told t
join behind b on b.source = t.source and b.credential = t.credential
qualify row_number() over (partition by t.credential order by t.canary_n desc, t.source) = 1
order by credential
