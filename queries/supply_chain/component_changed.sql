/*
title = "Component has another version on the canary"
severity = "info"
confidence = "high"
compare = "changed"
unit = "component"
why = "A changed version is expected in a release; it is listed so that findings can be asked of it. A downgrade is not what a release is for, and brings old flaws back."
recommendation = "Read the change notes where a finding points at this component; ask who wanted the older version of a downgraded one."
false_positives = ["routine updates", "a rollback of one dependency on purpose"]
references = ["CWE-1357", "CWE-1395"]
personal_data = false
gdpr = ["32"]
fingerprint = ["component", "version_from", "version_to"]
[needs]
tables = ["components"]
canary_rows = 1
baseline_rows = 1
[params]
*/
select
    c.component, c.version_from, c.version_to, c.direction,
    max(s.canary_purl) as purl, bool_or(s.is_direct) as is_direct,
    1::bigint as canary_n,
    (select count(*) from component_parts where cohort = 'canary') as canary_total,
    0::bigint as baseline_n,
    (select count(*) from component_parts where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    min(s.first_seen) as first_seen, max(s.last_seen) as last_seen, min(s.canary_evidence) as evidence,
    case when c.direction = 'downgraded' then [{'name': 'downgrade', 'change': 1, 'reason': 'the canary has an older version'}] else [] end as modifiers
from dims.version_changes c
join component_sides s on s.component = c.component
group by c.component, c.version_from, c.version_to, c.direction
order by component, version_from, version_to
