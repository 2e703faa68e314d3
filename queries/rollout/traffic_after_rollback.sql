/*
title = "Canary was still in use after the rollback"
severity = "medium"
confidence = "high"
compare = "presence"
unit = "record"
why = "A rollback contains a fault only when the canary no longer answers, connects or resolves. What still runs still exposes people, and a process that still talks was not stopped."
recommendation = "Stop the pods named here, revoke what they hold, and count what happened after the rollback as exposure."
false_positives = ["connections that were open and drained", "a rollback time that was written down too early", "a clock that is off"]
references = ["CWE-404", "ATT&CK T1070"]
personal_data = false
gdpr = ["32", "33"]
fingerprint = ["source_table"]
[needs]
tables = ["http_requests"]
canary_rows = 0
baseline_rows = 0
known = ["rollback"]
[params]
grace_seconds = 60
*/
with sightings as (
    select 'http_requests' as source_table, time, k8s_pod_name, coalesce(user_id, session_id, client_address) as caller, record_id
    from http_requests where cohort = 'canary'
    union all
    select 'connections', time, k8s_pod_name, null, record_id from connections where cohort = 'canary'
    union all
    select 'dns_queries', time, k8s_pod_name, null, record_id from dns_queries where cohort = 'canary'
), late as (
    select s.*, w.rollback_at, s.time > w.rollback_at + to_seconds($grace_seconds) as is_late
    from sightings s
    cross join dims.rollout_window w
    where w.rollback_at is not null
)
select
    source_table, max(rollback_at) as rollback_at,
    round(epoch_us(max(time)) / 1e6 - epoch_us(max(rollback_at)) / 1e6, 3) as last_seconds_after,
    count(distinct caller) filter (where is_late) as callers,
    list_sort(list(distinct k8s_pod_name) filter (where is_late and k8s_pod_name is not null)) as pod_names,
    count(*) filter (where is_late) as canary_n, count(*) as canary_total,
    0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    min(time) filter (where is_late) as first_seen, max(time) filter (where is_late) as last_seen,
    min(record_id, 20) filter (where is_late) as evidence
from late
group by source_table
having count(*) filter (where is_late) > 0
order by source_table
