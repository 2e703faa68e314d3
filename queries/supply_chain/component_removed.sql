/*
title = "Canary lacks a component the baseline has"
severity = "info"
confidence = "high"
compare = "changed"
unit = "component"
why = "What is gone no longer does its work: where it checked, filtered, encrypted or logged, nobody else may do so now."
recommendation = "Ask what the component did, and what does it in this release."
false_positives = ["a dependency that was moved or renamed", "a bill of materials that was made with other settings"]
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
    component, baseline_versions as versions, baseline_purl as purl, is_direct,
    0::bigint as canary_n,
    (select count(*) from component_parts where cohort = 'canary') as canary_total,
    len(baseline_versions)::bigint as baseline_n,
    (select count(*) from component_parts where cohort = 'baseline') as baseline_total,
    0::bigint as prior_n,
    first_seen, last_seen, baseline_evidence as evidence
from component_sides
where canary_versions is null and baseline_versions is not null
order by component
