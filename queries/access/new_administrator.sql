/*
title = "An account nobody knew signs in to the canary as administrator"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "user"
why = "An administrator whom neither the baseline nor earlier traffic saw, and who appears with the canary, is either new staff or somebody who made an account."
recommendation = "Ask for the order by which the account was made; lock it if there is none."
false_positives = ["new staff", "an administrator who rarely signs in"]
references = ["CWE-269", "ATT&CK T1136", "ATT&CK T1078"]
personal_data = false
gdpr = ["32"]
fingerprint = ["role"]
[needs]
tables = ["auth_events"]
canary_rows = 1
baseline_rows = 20
*/
/* An account that requests of the baseline name is known as well. Where other accounts of the canary are unknown too, the evidence does not reach back far
   enough to say more than that. */
with known as (
    select account from account_events where cohort in ('baseline', 'prior') and account is not null
    union
    select user_id from requests where cohort in ('baseline', 'prior') and user_id is not null
), others as (
    select count(distinct e.account) filter (where k.account is null) as unknown_accounts
    from account_events e
    left join known k on k.account = e.account
    left join (select distinct account from account_roles where is_administrator) a on a.account = e.account
    where e.cohort = 'canary' and e.account is not null and a.account is null
), fresh as (
    select r.role, r.account, min(r.time) as first_seen, max(r.time) as last_seen, min(r.record_id, 20) as evidence
    from account_roles r
    left join known k on k.account = r.account
    where r.cohort = 'canary' and r.is_administrator and k.account is null
    group by r.role, r.account
), totals as (
    select count(distinct account) filter (where cohort = 'canary') as canary_total, count(distinct account) filter (where cohort = 'baseline') as baseline_total
    from account_roles
    where is_administrator
)
select f.role, count(*) as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    max(o.unknown_accounts) as other_unknown_accounts,
    case
        when max(t.baseline_total) = 0 then [{'name': 'none_on_baseline', 'change': -1, 'reason': 'the baseline saw no administrator to compare with'}]
        when max(o.unknown_accounts) > 0 then [{'name': 'newcomers_are_usual', 'change': -1, 'reason': 'other accounts of the canary are unknown to the baseline as well'}]
    end as modifiers,
    min(f.first_seen) as first_seen, max(f.last_seen) as last_seen, min(f.evidence) as evidence
from fresh f
cross join totals t
cross join others o
group by f.role
order by role
