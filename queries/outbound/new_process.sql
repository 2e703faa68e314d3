/*
title = "A program opens connections on the canary that opens none on the baseline"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "A shell, a downloader or an interpreter that connects is how an intrusion works; sensors that name the program tell it at once."
recommendation = "Find who started the program; keep the pod's disk and memory."
false_positives = ["a program that is new in this release"]
references = ["ATT&CK T1059", "ATT&CK T1105"]
personal_data = false
gdpr = ["32"]
fingerprint = ["process_executable_path"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
known = ["programs"]
[params]
min_known = 20
*/
select
    process_executable_path,
    count(*) filter (where cohort = 'canary') as canary_n,
    (select count(*) from outbound_named where cohort = 'canary' and process_executable_path is not null) as canary_total,
    count(*) filter (where cohort = 'baseline') as baseline_n,
    (select count(*) from outbound_named where cohort = 'baseline' and process_executable_path is not null) as baseline_total,
    count(*) filter (where cohort in ('prior', 'after')) as prior_n,
    (list(distinct destination order by destination) filter (where cohort = 'canary' and destination is not null))[1:20] as destinations,
    min(k8s_pod_name) filter (where cohort = 'canary') as pod,
    min(container_id) filter (where cohort = 'canary') as container_id,
    min(time) filter (where cohort = 'canary') as first_seen,
    max(time) filter (where cohort = 'canary') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary') as evidence
from outbound_named
where process_executable_path is not null and cohort <> 'unknown'
group by process_executable_path
having count(*) filter (where cohort = 'canary') > 0 and count(*) filter (where cohort <> 'canary') = 0
    and (select count(*) from outbound_named where cohort <> 'canary' and cohort <> 'unknown' and process_executable_path is not null) >= $min_known
order by process_executable_path
