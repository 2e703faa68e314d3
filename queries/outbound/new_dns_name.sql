/*
title = "Canary asks for a name in a domain that the baseline never asked for"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "record"
why = "A question is enough to carry data out, and it comes before the connection; domains are compared, so that another host of a known one is not new, where strangers do not get names below it."
recommendation = "Find the component that asks; where no connection follows, the question itself may be the message."
false_positives = ["a new, approved dependency", "a telemetry domain of a library"]
references = ["ATT&CK T1071.004", "ATT&CK T1568"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination"]
[needs]
tables = ["dns_queries"]
canary_rows = 1
baseline_rows = 20
[params]
most_names = 20
*/
select
    c.name as destination, min(c.registered_domain) as registered_domain, min(b.burst) as burst, min(c.k8s_pod_name) as pod, count(distinct c.k8s_pod_name) as pods,
    (list(distinct c.code order by c.code) filter (where c.code is not null))[1:5] as codes,
    sum(c.questions)::bigint as canary_n, max(t.canary_total) as canary_total, 0::bigint as baseline_n, max(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(c.first_seen) as first_seen, max(c.last_seen) as last_seen, flatten(list(c.evidence)) as evidence
from dns_cells c
left join dns_bursts b on b.name = c.name
join dns_domains d on d.registered_domain = c.registered_domain
cross join dns_totals t
where c.cohort = 'canary' and not exists (from dims.allow a where c.name glob regexp_replace(a.destination, ':[^:]*$', '')) and d.baseline_n + d.prior_n = 0 and d.canary_names <= $most_names
group by c.name
order by destination
