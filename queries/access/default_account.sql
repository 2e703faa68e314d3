/*
title = "A default account signs in to the canary"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "record"
why = "Accounts that software brings along (admin, root, test, guest) have passwords that everybody knows; this one got in, and on the baseline it never did."
recommendation = "Lock the account or change its password, and read what it did."
false_positives = ["an account of the team that has such a name"]
references = ["CWE-1392", "CWE-798", "ATT&CK T1078.001"]
personal_data = false
gdpr = ["32"]
fingerprint = ["event_action"]
[needs]
tables = ["auth_events"]
canary_rows = 1
baseline_rows = 1
[params]
default_names = "admin|administrator|root|sysadmin|superuser|test|test[0-9]{1,2}|tester|guest|demo|default|user|operator|support|oracle|postgres|mysql|sa|tomcat|jenkins|nagios|ftp|pi|ubuntu|ec2-user|changeme"
*/
select event_action, count(distinct account) filter (where cohort = 'canary') as accounts,
    count(*) filter (where cohort = 'canary' and is_default) as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and is_default) as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and is_default) as prior_n,
    min(time) filter (where cohort = 'canary' and is_default) as first_seen,
    max(time) filter (where cohort = 'canary' and is_default) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and is_default) as evidence
from (
    select event_action, cohort, account, time, record_id,
        coalesce(regexp_full_match(lower(user_name), $default_names), false) or coalesce(regexp_full_match(lower(user_id), $default_names), false) as is_default
    from account_events
    where is_sign_in and event_outcome = 'success' and cohort <> 'unknown'
)
group by event_action
having canary_n > 0
order by event_action
