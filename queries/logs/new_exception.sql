/*
title = "Canary throws an exception that the baseline never threw"
severity = "medium"
confidence = "high"
compare = "new_in_canary"
unit = "record"
why = "An exception of a new kind, or in a new place, is the first sign of a fault of the release; where it reaches the caller it tells how the service is built."
recommendation = "Read the records, find the change that brought it, and check what the caller was answered."
false_positives = ["a class or method that was renamed in the release", "a rare fault that the baseline only had no time for"]
references = ["CWE-248", "CWE-755"]
personal_data = false
gdpr = ["32"]
fingerprint = ["exception_type", "exception_frame"]
[needs]
tables = ["app_logs"]
canary_rows = 1
baseline_rows = 20
[params]
common = 10
*/
/* Totals are all log records of a cohort: logs are no sample of requests. */
select
    exception_type, exception_frame,
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
        when count(*) filter (where cohort = 'canary') < $common
        then [{'name': 'rare', 'change': -1, 'reason': 'few records: the baseline may only not have met it'}]
    end as modifiers
from log_faults
where exception_type is not null
group by exception_type, exception_frame
having count(*) filter (where cohort = 'canary') > 0 and count(*) filter (where cohort in ('baseline', 'prior', 'after')) = 0
order by exception_type, exception_frame
