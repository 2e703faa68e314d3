/*
title = "A firewall rule meets the canary more often than the baseline"
severity = "medium"
confidence = "medium"
compare = "rate_up"
unit = "client"
why = "A rule that blocks, or in detection mode would have blocked, more callers of the canary means requests or answers that changed with it, or attacks that look for it; switching the rule on would hit these callers."
recommendation = "Read what the rule matched on the canary, and decide whether the release, the rule or the caller is wrong before the rule blocks."
false_positives = ["a scanner that met the canary more often", "a form or parameter that the release added"]
references = ["CWE-693", "ATT&CK T1190"]
personal_data = false
gdpr = ["32"]
fingerprint = ["rule_name", "event_action"]
[needs]
tables = ["http_requests", "runtime_alerts"]
canary_rows = 20
baseline_rows = 20
[params]
min_callers = 5
[evidence]
max_q = 0.05
min_difference = 0.05
*/
/* Of the clients that sent requests in a phase, those whose requests the rule matched in it. Alerts that name no client are left to config.waf_rule_new. */
with clients as (
    select distinct phase, cohort, client_address
    from requests
    where in_phase and not is_synthetic and cohort in ('canary', 'baseline') and client_address is not null
), totals as (
    select phase, count(*) filter (where cohort = 'canary') as canary_total, count(*) filter (where cohort = 'baseline') as baseline_total
    from clients
    group by phase
), hits as (
    select distinct a.rule_name, a.event_action, a.phase, a.cohort, a.client_address
    from runtime_alerts a
    join clients c on c.phase = a.phase and c.cohort = a.cohort and c.client_address = a.client_address
    where a.rule_name is not null and a.event_action in ('blocked', 'detected')
), rules as (
    select distinct rule_name, event_action from hits
), counts as (
    select rule_name, event_action, phase, count(*) filter (where cohort = 'canary') as canary_n, count(*) filter (where cohort = 'baseline') as baseline_n
    from hits
    group by all
), strata as (
    select r.rule_name, r.event_action, t.phase, t.canary_total, t.baseline_total,
        coalesce(c.canary_n, 0) as canary_n, coalesce(c.baseline_n, 0) as baseline_n
    from totals t
    cross join rules r
    left join counts c on c.rule_name = r.rule_name and c.event_action = r.event_action and c.phase = t.phase
), samples as (
    select rule_name, event_action,
        count(distinct client_address) filter (where cohort in ('prior', 'after')) as prior_n,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(record_id, 20) filter (where cohort = 'canary') as evidence
    from runtime_alerts
    group by all
)
select
    s.rule_name, s.event_action,
    sum(s.canary_n)::bigint as canary_n, sum(s.canary_total)::bigint as canary_total,
    sum(s.baseline_n)::bigint as baseline_n, sum(s.baseline_total)::bigint as baseline_total,
    min(m.prior_n) as prior_n,
    list({'phase': s.phase, 'canary_n': s.canary_n, 'canary_total': s.canary_total, 'baseline_n': s.baseline_n, 'baseline_total': s.baseline_total}) as strata,
    min(m.first_seen) as first_seen, max(m.last_seen) as last_seen, min(m.evidence) as evidence,
    case when s.event_action = 'detected' then [{'name': 'not_blocked', 'change': -1, 'reason': 'the rule only watches'}] end as modifiers
from strata s
join samples m on m.rule_name = s.rule_name and m.event_action = s.event_action
group by s.rule_name, s.event_action
having sum(s.canary_total) >= $min_callers and sum(s.baseline_total) >= $min_callers
order by s.rule_name, s.event_action
