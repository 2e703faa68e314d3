/*
title = "Canary asks for many names that do not exist"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "record"
why = "Malware that generates the names of its servers asks for many before one answers; a wrong configuration does it too."
recommendation = "Look at the names: random letters are generated, others are a wrong setting."
false_positives = ["a wrong name in the configuration of this release"]
references = ["ATT&CK T1568.002"]
personal_data = false
gdpr = ["32"]
fingerprint = ["source"]
[needs]
tables = ["dns_queries"]
canary_rows = 1
baseline_rows = 20
[params]
min_names = 10
factor = 3
*/
with unknown as (
    select c.cohort, c.k8s_pod_name, count(distinct c.name) as names, count(distinct c.name) filter (where l.length >= 10 and l.entropy >= 3) as generated_names,
        sum(c.questions)::bigint as questions, min(c.first_seen) as first_seen, max(c.last_seen) as last_seen,
        list(distinct c.name order by c.name)[1:20] as destinations, flatten(list(c.evidence)) as evidence
    from dns_cells c
    join dims.labels l on l.name = c.name
    where c.code = 'NXDOMAIN'
    group by c.cohort, c.k8s_pod_name
)
select
    u.k8s_pod_name as source, coalesce(u.k8s_pod_name, 'an unknown pod') as burst, u.names, u.generated_names, u.destinations,
    coalesce((select max(b.names) from unknown b where b.cohort <> 'canary'), 0) as usual_names,
    u.questions as canary_n, t.canary_total,
    coalesce((select sum(b.questions) from unknown b where b.cohort = 'baseline'), 0)::bigint as baseline_n, t.baseline_total,
    coalesce((select sum(b.questions) from unknown b where b.cohort in ('prior', 'after')), 0)::bigint as prior_n, u.first_seen, u.last_seen, u.evidence
from unknown u
cross join dns_totals t
where u.cohort = 'canary' and u.names >= $min_names
    and u.names > $factor * coalesce((select max(b.names) from unknown b where b.cohort <> 'canary'), 0)
order by source
