/* Questions of workloads by cohort, pod, name, type and code. Names of the cluster itself and reverse lookups are left out: search domains multiply each
   outside name by names of the cluster that do not exist. */
create table dns_cells as
select
    q.cohort, q.k8s_pod_name, coalesce(w.ascii, d.name) as name, q.dns_question_type as type, q.dns_response_code as code, d.registered_domain,
    count(*) as questions, sum(strlen(q.dns_question_name))::bigint as bytes_up,
    min(q.time) as first_seen, max(q.time) as last_seen, min(q.record_id, 20) filter (where q.cohort = 'canary') as evidence
from main.dns_queries q
join dims.domains d on d.name = lower(rtrim(q.dns_question_name, '.'))
left join dims.odd_names w on w.name = d.name
where q.cohort <> 'unknown' and not regexp_matches(lower(rtrim(q.dns_question_name, '.')), '(^|[.])(local|internal|localdomain|arpa|lan|home)$')
group by all;

/* The first label of each distinct name: its length and Shannon entropy in bits a character. Random hexadecimal text has up to 4, words about 3. */
create table dims.labels as
with labels as (
    select distinct name, split_part(name, '.', 1) as label from dns_cells
), characters as (
    select name, strlen(label) as length, unnest(string_split(left(label, 63), '')) as character from labels
), counted as (
    select name, length, character, count(*) as n from characters group by all
)
select name, max(length) as length, round(log2(sum(n)) - sum(n * log2(n)) / sum(n), 6) as entropy
from counted
group by name;

/* Registered domains that were asked for: how many names, how they look, how much they carry, by both cohorts. */
create view dns_domains as
select
    c.registered_domain,
    count(distinct c.name) filter (where c.cohort = 'canary') as canary_names,
    count(distinct c.name) filter (where c.cohort <> 'canary') as baseline_names,
    coalesce(sum(c.questions) filter (where c.cohort = 'canary'), 0)::bigint as canary_n,
    coalesce(sum(c.questions) filter (where c.cohort = 'baseline'), 0)::bigint as baseline_n,
    coalesce(sum(c.questions) filter (where c.cohort in ('prior', 'after')), 0)::bigint as prior_n,
    coalesce(sum(c.questions) filter (where c.cohort = 'canary' and c.type in ('TXT', 'NULL', 'CNAME', 'MX')), 0)::bigint as data_questions,
    count(distinct c.name) filter (where c.cohort = 'canary' and l.length >= 20 and l.entropy >= 3.3) as dense_names,
    count(distinct c.name) filter (where c.cohort <> 'canary' and l.length >= 20 and l.entropy >= 3.3) as baseline_dense_names,
    max(l.length) filter (where c.cohort = 'canary') as longest_label,
    round(avg(l.entropy) filter (where c.cohort = 'canary'), 3) as mean_entropy,
    sum(c.bytes_up) filter (where c.cohort = 'canary')::bigint as bytes_up,
    min(c.k8s_pod_name) filter (where c.cohort = 'canary') as pod,
    min(c.first_seen) filter (where c.cohort = 'canary') as first_seen,
    max(c.last_seen) filter (where c.cohort = 'canary') as last_seen,
    (list(distinct c.name order by c.name) filter (where c.cohort = 'canary' and c.name is not null))[1:20] as destinations,
    flatten(list(c.evidence) filter (where c.cohort = 'canary')) as evidence
from dns_cells c
join dims.labels l on l.name = c.name
where c.registered_domain is not null
group by c.registered_domain;

/* Names of bursts: a pod asks for ten or more registered domains, by one or two names each, that the baseline does not ask for, and contacts none of them
   or has them generated (a first label of ten characters or more and high entropy). Detectors that tell such names one by one say by `burst` that they
   are one story; more names of one domain are the story of that domain. */
create table dns_bursts as
with fresh as (
    select distinct coalesce(c.k8s_pod_name, 'an unknown pod') as pod, c.name, c.registered_domain
    from dns_cells c
    join dns_domains d on d.registered_domain = c.registered_domain
    join dims.labels l on l.name = c.name
    where c.cohort = 'canary' and d.baseline_n + d.prior_n = 0 and d.canary_names <= 2 and (
        (l.length >= 10 and l.entropy >= 3) or not exists (select 1 from outbound_cells o where o.cohort = 'canary' and o.destination_name = c.name)
    )
)
select name, min(pod) as burst
from fresh
where pod in (select pod from fresh group by pod having count(distinct registered_domain) >= 10)
group by name;

create table dns_totals as
select
    coalesce(sum(questions) filter (where cohort = 'canary'), 0)::bigint as canary_total,
    coalesce(sum(questions) filter (where cohort = 'baseline'), 0)::bigint as baseline_total
from dns_cells;

/* Addresses that answers gave, by name and cohort. */
create table dns_addresses as
select cohort, k8s_pod_name, name, address, count(*) as answers, min(time) as first_seen, max(time) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary') as evidence
from (
    select cohort, k8s_pod_name, dns_question_name as name, time, record_id, unnest(dns_answers).data as address
    from main.dns_queries
    where cohort <> 'unknown' and dns_question_name is not null
)
where regexp_matches(address, '^[0-9a-fA-F.:]+$')
group by all;
