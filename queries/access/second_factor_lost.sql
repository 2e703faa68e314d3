/*
title = "Canary signs accounts in without the second factor they used before"
severity = "high"
confidence = "medium"
compare = "changed"
unit = "user"
why = "These accounts proved themselves with a second factor at every sign-in of the baseline; on the canary they are let in with one."
recommendation = "Restore the second factor, end the sessions that began without it, and ask the owners of these accounts."
false_positives = ["a device that is remembered for some days", "a policy that was loosened on purpose"]
references = ["CWE-308", "CWE-287", "OWASP API2:2023"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["event_action"]
[needs]
tables = ["auth_events"]
canary_rows = 1
baseline_rows = 1
[params]
second_factor = "mfa|2fa|otp|totp|webauthn|fido|u2f|passkey|hwk|second|step.?up|push|sms"
*/
with tries as (
    select event_action, cohort, account, time, record_id,
        regexp_matches(lower(concat_ws(' ', event_action, authentication_kind, json_extract_string(attributes, '$.amr'), json_extract_string(attributes, '$.acr'), json_extract_string(attributes, '$.mfa'))), $second_factor) as has_second
    from account_events
    where is_sign_in and event_outcome = 'success' and account is not null and authentication_kind is not null
), strict as (
    select account from tries where cohort in ('baseline', 'prior') group by account having bool_and(has_second)
), judged as (
    select t.event_action, t.cohort, t.account, bool_or(not t.has_second) as is_weak,
        min(t.time) filter (where not t.has_second) as first_seen, max(t.time) filter (where not t.has_second) as last_seen, min(t.record_id, 20) filter (where not t.has_second) as evidence
    from tries t
    join strict s on s.account = t.account
    group by t.event_action, t.cohort, t.account
)
select event_action,
    count(*) filter (where cohort = 'canary' and is_weak) as canary_n, count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and is_weak) as baseline_n, count(*) filter (where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    min(first_seen) filter (where cohort = 'canary') as first_seen, max(last_seen) filter (where cohort = 'canary') as last_seen,
    min(evidence) filter (where cohort = 'canary' and is_weak) as evidence
from judged
group by event_action
having canary_n > 0
order by event_action
