/*
title = "Canary contains a component the baseline does not"
severity = "low"
confidence = "high"
compare = "new_in_canary"
unit = "component"
why = "New code runs with the rights of the service; findings about behaviour are first to be asked of what is new."
recommendation = "Confirm that the component was reviewed; compare its registry entry, publisher and age."
false_positives = ["a dependency that was moved or renamed"]
references = ["CWE-1357", "ATT&CK T1195.001"]
personal_data = false
gdpr = ["32"]
fingerprint = ["component", "component_version"]
[needs]
tables = ["components"]
canary_rows = 1
baseline_rows = 1
[params]
*/
select
    c.component, c.component_version,
    min(c.purl) as purl,
    bool_or(c.is_direct) as is_direct,
    count(*) as canary_n,
    (select count(*) from component_parts where cohort = 'canary') as canary_total,
    0::bigint as baseline_n,
    (select count(*) from component_parts where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    min(c.time) as first_seen, max(c.time) as last_seen, min(c.record_id, 20) as evidence
from component_parts c
where c.cohort = 'canary'
    and not exists (select 1 from component_parts b where b.cohort = 'baseline' and b.component = c.component)
group by c.component, c.component_version
order by c.component, c.component_version
