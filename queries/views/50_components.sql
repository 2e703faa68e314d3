/* One row per component of a bill of materials: `component` is group and name, `package` the name by its purl, as advisories write it
   (of a distribution with its vendor: `debian/curl`). */
create view component_parts as
select
    c.cohort, coalesce(nullif(c.component_group, '') || '/', '') || c.component_name as component,
    coalesce(p.ecosystem, '') as ecosystem, p.package, c.component_version, c.purl, c.licenses, c.supplier, c.is_direct, c.scope, c.time, c.record_id
from main.components c
left join dims.packages p on p.purl = c.purl
where c.component_name is not null;

/* What became of each component: the versions of both sides, NULL where a side has none. */
create view component_sides as
select
    component, min(ecosystem) as ecosystem,
    list_sort(list(distinct coalesce(component_version, '')) filter (where cohort = 'baseline')) as baseline_versions,
    list_sort(list(distinct coalesce(component_version, '')) filter (where cohort = 'canary')) as canary_versions,
    list_sort(list(distinct coalesce(array_to_string(list_sort(licenses), ' and '), '')) filter (where cohort = 'baseline')) as baseline_licences,
    list_sort(list(distinct coalesce(array_to_string(list_sort(licenses), ' and '), '')) filter (where cohort = 'canary')) as canary_licences,
    list_sort(list(distinct coalesce(supplier, '')) filter (where cohort = 'baseline')) as baseline_suppliers,
    list_sort(list(distinct coalesce(supplier, '')) filter (where cohort = 'canary')) as canary_suppliers,
    bool_or(is_direct) as is_direct,
    min(purl) filter (where cohort = 'canary') as canary_purl, min(purl) filter (where cohort = 'baseline') as baseline_purl,
    min(time) filter (where cohort = 'canary') as first_seen, max(time) filter (where cohort = 'canary') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary') as canary_evidence, min(record_id, 20) filter (where cohort = 'baseline') as baseline_evidence
from component_parts
where cohort in ('canary', 'baseline')
group by component;
