/*
title = "Accounts have a role on the canary that they never had before"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "user"
why = "An account that is known with other roles shows up with another one while the canary runs: its rights were raised, or the canary reads them wrongly."
recommendation = "Ask who gave the role, take it back if nobody did, and look at what the account did with it."
false_positives = ["a promotion that was ordered", "a provider that names roles only on some events"]
references = ["CWE-269", "CWE-266", "OWASP API5:2023", "ATT&CK T1078"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["role"]
[needs]
tables = ["auth_events"]
canary_rows = 1
baseline_rows = 1
*/
with known as (
    select account, min(time) as first_time from account_roles where cohort in ('baseline', 'prior') group by account
), had as (
    select distinct account, role from account_roles where cohort in ('baseline', 'prior')
), gained as (
    select r.role, r.account, min(r.time) as first_seen, max(r.time) as last_seen, min(r.record_id, 20) as evidence, bool_or(r.is_administrator) as is_administrator
    from account_roles r
    join known k on k.account = r.account
    left join had h on h.account = r.account and h.role = r.role
    where r.cohort = 'canary' and h.account is null and k.first_time < r.time
    group by r.role, r.account
), totals as (
    select count(distinct account) filter (where cohort = 'canary') as canary_total, count(distinct account) filter (where cohort = 'baseline') as baseline_total
    from account_roles
)
select g.role,
    count(*) as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case
        when bool_or(g.is_administrator) then [{'name': 'administrator', 'change': 1, 'reason': 'the role administers'}]
        else [{'name': 'common_role', 'change': -1, 'reason': 'the role does not administer'}]
    end as modifiers,
    min(g.first_seen) as first_seen, max(g.last_seen) as last_seen, min(g.evidence) as evidence
from gained g
cross join totals t
group by g.role
order by role
