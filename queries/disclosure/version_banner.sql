/*
title = "Canary names software and versions that the baseline does not"
severity = "low"
confidence = "high"
compare = "changed"
unit = "request"
why = "A banner tells which known faults to try; it also shows that another server or another build answers."
recommendation = "Remove versions from headers, and find out what else answers now."
false_positives = ["an update of the server that was planned"]
references = ["CWE-497", "CWE-200", "ATT&CK T1592"]
personal_data = false
gdpr = ["32"]
fingerprint = ["header", "value"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
with banners as (
    select lower(trim(h.name)) as header, left(trim(h.value), 200) as value, e.cohort, e.time, e.record_id, e.route
    from (select cohort, time, record_id, route, unnest(http_response_headers) as h from exchanges) e
    where lower(trim(h.name)) in ('server', 'x-powered-by', 'x-aspnet-version', 'x-aspnetmvc-version', 'x-generator', 'via', 'x-runtime', 'x-version',
        'x-drupal-cache', 'x-php-version', 'x-debug-token', 'x-debug-token-link', 'x-chromelogger-data', 'liferay-portal', 'x-backend-server', 'x-served-by')
        and trim(h.value) <> '' and (lower(trim(h.name)) not in ('x-runtime', 'x-debug-token', 'x-debug-token-link', 'x-chromelogger-data') or e.cohort is not null)
), steady as (
    /* Only what reads like a product and its version is shown: anything may stand in a header. */
    select header, cohort, time, record_id, route, case
            when header in ('x-debug-token', 'x-debug-token-link', 'x-chromelogger-data', 'x-runtime', 'x-backend-server', 'x-served-by', 'via') then '*'
            when regexp_full_match(value, '[A-Za-z][A-Za-z .-]{1,30}(?:/v?[0-9]{1,4}(?:[.][0-9]{1,5}){0,3})?|[0-9]{1,4}(?:[.][0-9]{1,5}){1,3}') then value
            else coalesce(nullif(regexp_extract(value, '^[A-Za-z][A-Za-z-]{1,30}(?:/v?[0-9]{1,4}(?:[.][0-9]{1,5}){0,3})?(?:[^A-Za-z0-9.@-]|$)'), ''), '') || '...'
        end as value
    from banners
)
select s.header, s.value, count(distinct s.route) as routes,
    count(distinct s.record_id) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when s.header in ('x-debug-token', 'x-debug-token-link', 'x-chromelogger-data')
        then [{'name': 'debug_header', 'change': 1, 'reason': 'only a build for development sends it'}]
    end as modifiers,
    min(s.time) as first_seen, max(s.time) as last_seen, min(distinct s.record_id, 20) as evidence
from steady s
cross join verdict_totals t
where s.cohort = 'canary' and not exists (
    select 1 from steady b where b.cohort in ('baseline', 'prior', 'after') and b.header = s.header and b.value = s.value
)
group by s.header, s.value
having count(distinct s.record_id) >= $min_responses
order by s.header, s.value
