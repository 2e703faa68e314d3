/*
title = "A service account asks the cluster from a network it never used"
severity = "high"
confidence = "medium"
compare = "presence"
unit = "record"
why = "The token of a service account belongs into its pod. Asked from another network it was carried away."
recommendation = "Delete the token, find out how it left the pod, and read what was asked with it."
false_positives = ["a node pool or gateway that is new"]
references = ["CWE-522", "ATT&CK T1528", "ATT&CK T1550.001"]
personal_data = false
gdpr = ["32"]
fingerprint = ["zone"]
[needs]
tables = ["auth_events"]
canary_rows = 0
baseline_rows = 0
known = ["phases"]
[params]
min_before = 5
*/
/* Networks are zones of canary.toml with the class of the address: addresses of pods change with every rollout. sourceIPs begins with what the client may set. */
with usual as (
    select user_name, count(*) as events from cluster_deeds where is_before and is_service_account group by user_name
), places as (
    select distinct user_name, coalesce(zone, '') as zone, coalesce(address_class, '') as address_class from cluster_deeds where is_before and is_service_account
)
select coalesce(c.zone, '') as zone,
    count(*) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    count(distinct c.user_name) as accounts, count(*) filter (where c.event_outcome = 'failure') as refused,
    case when count(*) filter (where c.event_outcome is distinct from 'failure') = 0 then [{'name': 'refused', 'change': -1, 'reason': 'every request was refused'}] end as modifiers,
    min(c.time) as first_seen, max(c.time) as last_seen, min(c.record_id, 20) as evidence
from cluster_deeds c
join usual u on u.user_name = c.user_name
left join places p on p.user_name = c.user_name and p.zone = coalesce(c.zone, '') and p.address_class = coalesce(c.address_class, '')
where c.in_phase and c.is_service_account and c.client_address is not null and u.events >= $min_before and p.user_name is null
group by coalesce(c.zone, '')
order by zone
