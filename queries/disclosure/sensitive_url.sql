/*
title = "Callers of the canary carry secrets or personal data in addresses"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "What stands in an address is kept by browsers, proxies and logs, and sent on as Referer to other sites; links and forms of the canary made callers send it."
recommendation = "Move the value into a header, a cookie or the body, and change secrets that were logged."
false_positives = ["a search field of the same name"]
references = ["CWE-598", "CWE-200"]
personal_data = true
gdpr = ["5(1)(f)", "32", "33"]
fingerprint = ["http_request_method", "route", "place", "parameter"]
[needs]
tables = ["http_requests"]
canary_rows = 50
baseline_rows = 200
[params]
min_requests = 1
*/
with told as (
    select http_request_method, route, cohort, time, record_id, 'query' as place, '?' || url_query as text
    from requests
    where url_query is not null and not is_synthetic
    union all by name
    select http_request_method, route, cohort, time, record_id, 'referer' as place, http_request_header_referer as text
    from requests
    where contains(http_request_header_referer, '?') and not is_synthetic
), found as (
    select http_request_method, route, cohort, time, record_id, place,
        lower(unnest(regexp_extract_all(text, '(?i)[?&;](access_token|id_token|refresh_token|token|api_?key|passw(?:or)?d|pwd|secret|session_?id|sid|jsessionid|phpsessid|auth|authorization|e-?mail|phone|mobile|ssn|iban|card(?:number)?|pan|cvv)=[^&;#]{4,}', 1))) as parameter
    from told
    where contains(text, '=')
), counted as (
    select http_request_method, route, place, parameter,
        count(distinct record_id) filter (where cohort = 'canary') as canary_n,
        count(distinct record_id) filter (where cohort = 'baseline') as baseline_n,
        count(distinct record_id) filter (where cohort in ('prior', 'after')) as prior_n,
        min(time) filter (where cohort = 'canary') as first_seen, max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from found
    group by all
), totals as (
    select http_request_method, route,
        count(*) filter (where cohort = 'canary') as canary_total, count(*) filter (where cohort = 'baseline') as baseline_total
    from requests
    group by all
)
select c.http_request_method, c.route, c.place, c.parameter,
    c.canary_n, t.canary_total, c.baseline_n, t.baseline_total, c.prior_n, c.first_seen, c.last_seen, c.evidence,
    case when t.baseline_total < 20
        then [{'name': 'route_rare_on_baseline', 'change': -1, 'reason': 'the baseline had few requests of this route'}]
    end as modifiers
from counted c
join totals t on t.http_request_method is not distinct from c.http_request_method and t.route is not distinct from c.route
where c.canary_n >= $min_requests
order by c.http_request_method, c.route, c.place, c.parameter
