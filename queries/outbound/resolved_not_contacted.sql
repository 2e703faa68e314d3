/*
title = "Canary asks for a new name and never connects to it"
severity = "low"
confidence = "low"
compare = "new_in_canary"
unit = "record"
why = "The answer was what was wanted, or the question: orders and data travel in DNS without any connection."
recommendation = "Look at type and answer of the question; ask which component needs the name."
false_positives = ["a lookup ahead of time", "connections that the sensor does not see"]
references = ["ATT&CK T1071.004"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination"]
[needs]
tables = ["dns_queries", "connections"]
canary_rows = 1
baseline_rows = 20
[params]
*/
select
    c.name as destination, min(c.registered_domain) as registered_domain, min(b.burst) as burst, (list(distinct c.type order by c.type) filter (where c.type is not null))[1:5] as types, min(c.k8s_pod_name) as pod,
    sum(c.questions)::bigint as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(c.first_seen) as first_seen, max(c.last_seen) as last_seen, flatten(list(c.evidence)) as evidence
from dns_cells c
left join dns_bursts b on b.name = c.name
cross join dns_totals t
where c.cohort = 'canary' and c.code = 'NOERROR'
    and not exists (select 1 from dns_cells o where o.name = c.name and o.cohort <> 'canary')
    and not exists (select 1 from outbound_cells o where o.cohort = 'canary' and o.destination_name = c.name)
    and not exists (
        select 1 from dns_addresses a join outbound_cells o on o.destination_address = a.address and o.cohort = 'canary' where a.name = c.name and a.cohort = 'canary'
    )
    and not exists (select 1 from attempt_cells o where o.cohort = 'canary' and o.destination_name = c.name)
    and not exists (
        select 1 from dns_addresses a join attempt_cells o on o.destination_address = a.address and o.cohort = 'canary' where a.name = c.name and a.cohort = 'canary'
    )
group by c.name
order by destination
