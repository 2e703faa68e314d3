/*
title = "Somebody entered a pod of the service or read its secrets"
severity = "low"
confidence = "high"
compare = "presence"
unit = "record"
why = "Whoever opens a shell in a pod, forwards its ports or reads its secrets while a canary runs can change what is measured, and take what the service may read."
recommendation = "Ask the account named in the audit log for the reason, and rotate what it read if there is none."
false_positives = ["the on-call engineer who looked into the rollout", "deployment tools that read the secrets they mount"]
references = ["ATT&CK T1609", "ATT&CK T1552"]
personal_data = false
gdpr = ["32"]
fingerprint = ["resource_kind", "event_action"]
[needs]
tables = ["auth_events"]
canary_rows = 0
baseline_rows = 0
known = ["phases"]
*/
/* Accounts of the cluster itself (`system:` names that are no service account) are left out. Who it was stands in the case, under Who did what. */
with sessions as (
    select resource_kind, event_action, resource_name, user_name, event_outcome, time, record_id
    from observed.auth_events
    where phase not in ('before', 'after', 'between') and resource_kind is not null
        and not (starts_with(coalesce(user_name, ''), 'system:') and not starts_with(user_name, 'system:serviceaccount:'))
        and (resource_kind in ('pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers')
            or resource_kind = 'secrets' and regexp_matches(event_action, '^(get|list|watch)'))
)
select
    resource_kind, event_action,
    count(*) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    count(distinct user_name) as accounts, count(distinct resource_name) as objects,
    count(*) filter (where event_outcome = 'failure') as refused,
    min(time) as first_seen, max(time) as last_seen, min(record_id, 20) as evidence,
    case when count(*) filter (where event_outcome is distinct from 'failure') = 0
            then [{'name': 'refused', 'change': -1, 'reason': 'every attempt was refused'}]
        when resource_kind <> 'secrets' then [{'name': 'inside', 'change': 1, 'reason': 'a session inside a pod'}]
    end as modifiers
from sessions
group by resource_kind, event_action
order by resource_kind, event_action
