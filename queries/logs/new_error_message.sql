/*
title = "Canary logs an error that the baseline never logged"
severity = "low"
confidence = "medium"
compare = "new_in_canary"
unit = "record"
why = "A message of level error or above that no baseline record has is a fault, or a check that was added; both are worth a look before the release goes on."
recommendation = "Read the records in the case, and ask what the canary does differently where it logs this."
false_positives = ["a message that was reworded in the release", "words that differ in each record and were not recognised as such"]
references = ["CWE-755", "CWE-778"]
personal_data = false
gdpr = ["32"]
fingerprint = ["log_template"]
[needs]
tables = ["app_logs"]
canary_rows = 1
baseline_rows = 20
*/
select
    log_template,
    count(*) filter (where cohort = 'canary') as canary_n,
    (select count(*) from app_logs where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline') as baseline_n,
    (select count(*) from app_logs where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after')) as prior_n,
    count(distinct k8s_pod_name) filter (where cohort = 'canary') as pods,
    min(time) filter (where cohort = 'canary') as first_seen,
    max(time) filter (where cohort = 'canary') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary') as evidence,
    case when count(*) filter (where cohort = 'canary' and severity = 'critical') > 0
        then [{'name': 'critical', 'change': 1, 'reason': 'the service itself calls it critical'}]
    end as modifiers
from log_faults
where log_template is not null
group by log_template
having count(*) filter (where cohort = 'canary') > 0 and count(*) filter (where cohort in ('baseline', 'prior', 'after')) = 0
order by log_template
