/*
title = "Component has another version on the canary"
severity = "info"
confidence = "high"
compare = "changed"
unit = "pod"
why = "A changed version is expected in a release; it is listed so that findings can be asked of it."
recommendation = "Read the change notes where a finding points at this component."
false_positives = ["routine updates"]
references = ["CWE-1357"]
personal_data = false
gdpr = ["32"]
fingerprint = ["component", "version_from", "version_to"]
[needs]
tables = ["components"]
canary_rows = 1
baseline_rows = 1
[params]
*/
with parts as (
    select *, coalesce(nullif(component_group, '') || '/', '') || component_name as component from components
)
select
    c.component, b.component_version as version_from, c.component_version as version_to,
    min(c.purl) as purl,
    count(*) as canary_n,
    (select count(*) from parts where cohort = 'canary') as canary_total,
    0::bigint as baseline_n,
    (select count(*) from parts where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    min(c.time) as first_seen, max(c.time) as last_seen, min(c.record_id, 20) as evidence
from parts c
join parts b on b.component = c.component and b.cohort = 'baseline'
where c.cohort = 'canary'
    and not exists (select 1 from parts o where o.cohort = 'baseline' and o.component = c.component and o.component_version is not distinct from c.component_version)
    and not exists (select 1 from parts o where o.cohort = 'canary' and o.component = c.component and o.component_version is not distinct from b.component_version)
group by c.component, b.component_version, c.component_version
order by c.component, version_from, version_to
