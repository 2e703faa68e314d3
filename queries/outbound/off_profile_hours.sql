/*
title = "Canary contacts a known destination at an hour at which nobody did before"
severity = "low"
confidence = "low"
compare = "changed"
unit = "connection"
why = "Automation and attackers keep other hours than users and jobs; told only where at least three days before are in evidence."
recommendation = "Ask whether a job was moved; else look at who was inside the pod at that hour."
false_positives = ["a job that was moved", "a rollout at an unusual hour"]
references = ["ATT&CK T1029"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
known = ["earlier_days"]
[params]
min_days = 3
min_known = 24
*/
with known as (
    select distinct destination, destination_port, hour(hour) as hour_of_day
    from compared_cells
    where cohort <> 'canary' and hour is not null
), outside as (
    select c.destination, c.destination_port, hour(c.hour) as hour_of_day, sum(c.connections)::bigint as n, min(c.first_seen) as first_seen,
        max(c.last_seen) as last_seen, min(c.k8s_pod_name) as pod, flatten(list(c.evidence)) as evidence
    from outbound_cells c
    where c.cohort = 'canary' and c.hour is not null and not exists (
        select 1 from known k
        where k.destination = c.destination and k.destination_port is not distinct from c.destination_port and k.hour_of_day = hour(c.hour)
    )
    group by c.destination, c.destination_port, hour(c.hour)
)
select
    o.destination, o.destination_port, min(o.hour_of_day) as hour_of_day, count(*) as hours_of_day, min(o.pod) as pod,
    sum(o.n)::bigint as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(o.first_seen) as first_seen, max(o.last_seen) as last_seen, flatten(list(o.evidence)) as evidence
from outside o
join destinations d on d.destination = o.destination and d.destination_port is not distinct from o.destination_port
cross join outbound_totals t
where t.prior_days >= $min_days and d.is_external and d.baseline_n + d.prior_n >= $min_known
group by o.destination, o.destination_port
order by o.destination, o.destination_port
