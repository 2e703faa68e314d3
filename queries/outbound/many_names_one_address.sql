/*
title = "Many names that only the canary asks for lead to one address"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "record"
why = "Servers of botnets, sinkholes and fast-changing domains show so: many unrelated domains, one address."
recommendation = "Look up who holds the address; block it."
false_positives = ["a content network or load balancer that serves many domains"]
references = ["ATT&CK T1568"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination"]
[needs]
tables = ["dns_queries"]
canary_rows = 1
baseline_rows = 20
[params]
min_domains = 10
factor = 3
*/
select
    a.address as destination, count(distinct d.registered_domain) filter (where a.cohort = 'canary') as canary_domains,
    count(distinct d.registered_domain) filter (where a.cohort <> 'canary') as baseline_domains,
    (list(distinct a.name order by a.name) filter (where a.cohort = 'canary' and a.name is not null))[1:1000] as destinations, min(a.k8s_pod_name) filter (where a.cohort = 'canary') as pod,
    sum(a.answers) filter (where a.cohort = 'canary')::bigint as canary_n, max(t.canary_total) as canary_total,
    coalesce(sum(a.answers) filter (where a.cohort = 'baseline'), 0)::bigint as baseline_n, max(t.baseline_total) as baseline_total,
    coalesce(sum(a.answers) filter (where a.cohort in ('prior', 'after')), 0)::bigint as prior_n,
    min(a.first_seen) filter (where a.cohort = 'canary') as first_seen, max(a.last_seen) filter (where a.cohort = 'canary') as last_seen,
    flatten(list(a.evidence) filter (where a.cohort = 'canary')) as evidence
from dns_addresses a
join dims.domains d on d.name = a.name
cross join dns_totals t
group by a.address
having count(distinct d.registered_domain) filter (where a.cohort = 'canary') >= $min_domains
    and count(distinct d.registered_domain) filter (where a.cohort = 'canary') > $factor * count(distinct d.registered_domain) filter (where a.cohort <> 'canary')
order by destination
