/*
title = "Component has another licence on the canary"
severity = "info"
confidence = "high"
compare = "changed"
unit = "component"
why = "Another licence may forbid the use, and a licence that changes with a small version is a sign of a project that changed hands."
recommendation = "Have the new licence checked, and look at who maintains the component now."
false_positives = ["the same licence written in another way", "a bill of materials that did not know the licence before"]
references = ["CWE-1357"]
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
    component, baseline_licences as licences_from, canary_licences as licences_to, canary_purl as purl, is_direct,
    1::bigint as canary_n,
    (select count(*) from component_parts where cohort = 'canary') as canary_total,
    0::bigint as baseline_n,
    (select count(*) from component_parts where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    first_seen, last_seen, canary_evidence as evidence
from component_sides
where baseline_licences <> canary_licences and baseline_licences <> [''] and canary_licences <> ['']
order by component
