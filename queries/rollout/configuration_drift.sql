/*
title = "Canary and baseline run with different configuration"
severity = "low"
confidence = "high"
compare = "changed"
unit = "component"
why = "A difference in behaviour that comes from a setting is no property of the new version; a setting that only the canary has was tested nowhere else."
recommendation = "Ask for each key whether the release needs it; bring the others in line and repeat the comparison."
false_positives = ["a setting that belongs to the release", "keys that name the instance itself"]
references = ["CWE-16"]
personal_data = false
gdpr = ["32"]
fingerprint = ["configuration_key"]
[needs]
tables = ["configuration"]
canary_rows = 1
baseline_rows = 1
[params]
sensitive = "(?i)(auth|tls|ssl|cert|secret|passw|token|cors|debug|trust|allow|admin|verify|csrf|cookie|waf|rate_?limit|header|origin|permission|privilege|seccomp)"
*/
/* Values stay in the case. A key whose values are the versions or digests of the release themselves differs by design. */
with settings as (
    select c.cohort, c.configuration_key, c.configuration_value, c.time, c.record_id
    from configuration c
    cross join dims.release r
    where c.configuration_key is not null and c.cohort in ('canary', 'baseline')
        and (coalesce(c.configuration_value, '') = ''
            or c.configuration_value not in (r.canary_version, r.baseline_version, r.canary_digest, r.baseline_digest))
), sides as (
    select configuration_key,
        list_sort(list(distinct coalesce(configuration_value, '')) filter (where cohort = 'canary')) as canary,
        list_sort(list(distinct coalesce(configuration_value, '')) filter (where cohort = 'baseline')) as baseline,
        count(*) filter (where cohort = 'canary') as canary_n, count(*) filter (where cohort = 'baseline') as baseline_n,
        min(time) as first_seen, max(time) as last_seen,
        min(record_id, 20) as evidence
    from settings
    group by configuration_key
)
select
    configuration_key,
    case when baseline is null then 'only on the canary' when canary is null then 'only on the baseline' else 'another value' end as drift,
    canary_n, 0::bigint as canary_total, baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    first_seen, last_seen, evidence,
    case when regexp_matches(configuration_key, $sensitive)
        then [{'name': 'security setting', 'change': 1, 'reason': 'the key names something that protects or opens the service'}]
        else [] end as modifiers
from sides
where canary is distinct from baseline
order by configuration_key
