/*
title = "A firewall rule matches on the canary only"
severity = "low"
confidence = "medium"
compare = "new_in_canary"
unit = "record"
why = "A rule that never matched the baseline matches what is new on the canary: a parameter or answer of the release, or somebody who tries it."
recommendation = "Read what the rule matched; where it would have blocked valid callers, settle that before the rule blocks."
false_positives = ["a scanner that met the canary only", "a rule that was added while the canary ran"]
references = ["CWE-693", "ATT&CK T1190"]
personal_data = false
gdpr = ["32"]
fingerprint = ["rule_name", "event_action"]
[needs]
tables = ["http_requests", "runtime_alerts"]
canary_rows = 20
baseline_rows = 20
*/
/* A rule that blocks on the one side and watches on the other is no new rule: that is drift of configuration. */
with matched as (
    select rule_name, cohort, event_action, k8s_pod_name, time, record_id
    from runtime_alerts
    where rule_name is not null and event_action in ('blocked', 'detected')
), known as (
    select distinct rule_name from matched where cohort in ('baseline', 'prior', 'after')
)
select
    m.rule_name, m.event_action,
    count(*) as canary_n,
    (select count(*) from matched where cohort = 'canary') as canary_total,
    0::bigint as baseline_n,
    (select count(*) from matched where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    count(distinct m.k8s_pod_name) as pods,
    min(m.time) as first_seen, max(m.time) as last_seen, min(m.record_id, 20) as evidence,
    case when m.event_action = 'blocked' then [{'name': 'blocked', 'change': 1, 'reason': 'requests of the canary were refused'}] end as modifiers
from matched m
left join known k on k.rule_name = m.rule_name
where m.cohort = 'canary' and k.rule_name is null
group by m.rule_name, m.event_action
order by m.rule_name, m.event_action
