/*
title = "A pod runs another image than the release declares"
severity = "high"
confidence = "high"
compare = "changed"
unit = "pod"
why = "What was reviewed, scanned and approved is a digest. A pod with another one is unknown code with the rights of the service; tags can be moved."
recommendation = "Find out who built and pushed this digest, compare it with the provenance of the release, and keep the image for analysis."
false_positives = ["a multi-architecture image: the declared digest is that of the index", "a digest of the release that was written down wrongly"]
references = ["CWE-494", "ATT&CK T1525"]
personal_data = false
gdpr = ["32"]
fingerprint = ["pods", "digest"]
[needs]
tables = ["identities"]
canary_rows = 1
baseline_rows = 0
[params]
*/
/* Without a declared digest the most frequent one of a cohort is taken for meant. */
with pods as (
    select distinct cohort as pods, k8s_pod_name, image, image_digest, coalesce(valid_from, time) as time, record_id
    from identities
    where cohort in ('canary', 'baseline') and image_digest is not null
), counts as (
    select pods, image_digest, count(distinct k8s_pod_name) as n
    from pods
    group by all
), meant as (
    select pods, image_digest, 'most of its pods' as source
    from counts
    qualify row_number() over (partition by pods order by n desc, image_digest) = 1
), declared as (
    select 'canary' as pods, nullif(canary_digest, '') as image_digest from dims.release
    union all
    select 'baseline', nullif(baseline_digest, '') from dims.release
), wanted as (
    select m.pods, coalesce(d.image_digest, m.image_digest) as image_digest, case when d.image_digest is not null then 'canary.toml' else m.source end as source
    from meant m
    left join declared d on d.pods = m.pods
)
select
    p.pods, p.image_digest as digest, w.image_digest as expected_digest, w.source as expected_by, min(p.image) as image,
    list_sort(list(distinct p.k8s_pod_name) filter (where p.k8s_pod_name is not null)) as pod_names,
    count(distinct p.k8s_pod_name) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    min(p.time) as first_seen, max(p.time) as last_seen, min(p.record_id, 20) as evidence
from pods p
join wanted w on w.pods = p.pods
where p.image_digest <> w.image_digest
group by p.pods, p.image_digest, w.image_digest, w.source
order by pods, digest
