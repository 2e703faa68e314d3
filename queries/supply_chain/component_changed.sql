/*
title = "Component has another version on the canary"
severity = "info"
confidence = "high"
compare = "changed"
unit = "component"
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
    select cohort, time, record_id, component_version, purl, coalesce(nullif(component_group, '') || '/', '') || component_name as component
    from components
    where component_name is not null
), before as (
    select component, component_version,
        exists (
            select 1 from parts o
            where o.cohort = 'canary' and o.component = b.component and o.component_version is not distinct from b.component_version
        ) as is_kept
    from parts b
    where cohort = 'baseline'
    group by component, component_version
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
join before b on b.component = c.component
where c.cohort = 'canary'
    and not exists (select 1 from before o where o.component = c.component and o.component_version is not distinct from c.component_version)
    /* what replaced what; a version that came beside the old ones is told against each of these */
    and (not b.is_kept or not exists (select 1 from before o where o.component = c.component and not o.is_kept))
group by c.component, b.component_version, c.component_version
order by c.component, version_from, version_to
