/*
title = "Somebody acts as another account on the canary"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "record"
why = "Impersonation shows one person what is meant for another; the baseline has no such event."
recommendation = "Ask who acted as whom and why, and whether the person concerned knows."
false_positives = ["support staff who may do so, for the first time while the canary ran"]
references = ["CWE-441", "ATT&CK T1134"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["event_action"]
[needs]
tables = ["auth_events"]
canary_rows = 1
baseline_rows = 1
*/
select event_action, count(distinct account) filter (where cohort = 'canary') as accounts,
    count(*) filter (where cohort = 'canary' and regexp_matches(lower(event_action), 'impersonat|act.?as|run.?as|assume|su$|sudo') and event_outcome is distinct from 'failure') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and regexp_matches(lower(event_action), 'impersonat|act.?as|run.?as|assume|su$|sudo') and event_outcome is distinct from 'failure') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and regexp_matches(lower(event_action), 'impersonat|act.?as|run.?as|assume|su$|sudo') and event_outcome is distinct from 'failure') as prior_n,
    min(time) filter (where cohort = 'canary' and regexp_matches(lower(event_action), 'impersonat|act.?as|run.?as|assume|su$|sudo') and event_outcome is distinct from 'failure') as first_seen,
    max(time) filter (where cohort = 'canary' and regexp_matches(lower(event_action), 'impersonat|act.?as|run.?as|assume|su$|sudo') and event_outcome is distinct from 'failure') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and regexp_matches(lower(event_action), 'impersonat|act.?as|run.?as|assume|su$|sudo') and event_outcome is distinct from 'failure') as evidence
from account_events
where cohort <> 'unknown'
group by event_action
having canary_n > 0
order by event_action
