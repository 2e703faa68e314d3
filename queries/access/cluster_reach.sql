/*
title = "An account reaches further into the cluster than before the canary"
severity = "medium"
confidence = "medium"
compare = "presence"
unit = "record"
why = "While the canary ran, an account read secrets, entered pods, issued tokens, acted as somebody else or changed rights, which it never did before: this is how a foothold grows."
recommendation = "Ask the account named in the audit log for the reason; rotate what it read and take back what it gave if there is none."
false_positives = ["the first time that somebody of the team had to look", "an audit log that begins shortly before the canary"]
references = ["CWE-269", "ATT&CK T1552.007", "ATT&CK T1609", "ATT&CK T1098"]
personal_data = false
gdpr = ["32"]
fingerprint = ["deed"]
[needs]
tables = ["auth_events"]
canary_rows = 0
baseline_rows = 0
known = ["phases"]
[params]
min_before = 20
*/
/* Asked for are min_before events before the first phase: without them nobody knows what is usual. Who it was stands in the case. */
with before_it as (
    select count(*) as events from cluster_deeds where is_before
), usual as (
    select distinct user_name, deed from cluster_deeds where is_before and deed is not null
), deeds as (
    select c.deed, c.user_name, c.is_service_account, c.event_outcome, c.time, c.record_id
    from cluster_deeds c
    left join usual u on u.user_name = c.user_name and u.deed = c.deed
    where c.in_phase and c.deed is not null and u.user_name is null
)
select d.deed,
    count(*) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    count(distinct d.user_name) as accounts, count(*) filter (where d.event_outcome = 'failure') as refused,
    case
        when count(*) filter (where d.event_outcome is distinct from 'failure') = 0 then [{'name': 'refused', 'change': -1, 'reason': 'every attempt was refused'}]
        when bool_or(d.is_service_account) then [{'name': 'service_account', 'change': 1, 'reason': 'a program did it, not a person'}]
    end as modifiers,
    min(d.time) as first_seen, max(d.time) as last_seen, min(d.record_id, 20) as evidence
from deeds d
cross join before_it b
where b.events >= $min_before
group by d.deed
order by deed
