/*
title = "Component comes from another supplier on the canary"
severity = "low"
confidence = "medium"
compare = "changed"
unit = "component"
why = "A package that changed hands is how malicious code has reached releases: the name stays, the people behind it do not."
recommendation = "Compare publisher, repository and signatures of both versions, and read what changed between them."
false_positives = ["a maintainer who changed the spelling of a name", "a bill of materials that did not know the supplier before"]
references = ["CWE-1357", "ATT&CK T1195.001"]
personal_data = false
gdpr = ["32"]
fingerprint = ["component"]
[needs]
tables = ["components"]
canary_rows = 1
baseline_rows = 1
[params]
*/
select
    component, baseline_suppliers as suppliers_from, canary_suppliers as suppliers_to, canary_purl as purl, is_direct,
    1::bigint as canary_n,
    (select count(*) from component_parts where cohort = 'canary') as canary_total,
    0::bigint as baseline_n,
    (select count(*) from component_parts where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    first_seen, last_seen, canary_evidence as evidence
from component_sides
where baseline_suppliers <> canary_suppliers and baseline_suppliers <> [''] and canary_suppliers <> ['']
order by component
