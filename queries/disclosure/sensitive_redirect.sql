/*
title = "Canary puts secrets or personal data into a redirection"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "What stands in an address is kept by browsers, proxies and logs, and sent on as Referer to other sites."
recommendation = "Hand over by a one-time code, a cookie or the body of a POST."
false_positives = ["a one-time code that is of no use afterwards"]
references = ["CWE-598", "CWE-200"]
personal_data = true
gdpr = ["5(1)(f)", "32", "33"]
fingerprint = ["http_request_method", "route", "parameter"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
with led as (
    select e.http_request_method, e.route, e.cohort, e.time, e.record_id, h.value as target
    from (
        select http_request_method, route, cohort, time, record_id, unnest(http_response_headers) as h
        from exchanges where http_response_status_code between 300 and 399
    ) e
    where lower(trim(h.name)) in ('location', 'refresh', 'content-location')
), found as (
    select http_request_method, route, cohort, time, record_id,
        lower(unnest(regexp_extract_all(target, '(?i)[?&;#](access_token|id_token|refresh_token|token|api_?key|passw(?:or)?d|pwd|secret|session_?id|sid|jsessionid|phpsessid|auth|authorization|e-?mail|phone|mobile|ssn|iban|card(?:number)?|pan|cvv)=[^&;#]{4,}', 1))) as parameter
    from led
    union all by name
    select http_request_method, route, cohort, time, record_id, pattern as parameter
    from matches
    where part = 'response_header' and json_path in ('location', 'refresh', 'content-location')
        and pattern_class in ('secret', 'pii', 'payment_card', 'bank_account', 'national_id')
), counted as (
    select http_request_method, route, parameter,
        count(distinct record_id) filter (where cohort = 'canary') as canary_n,
        count(distinct record_id) filter (where cohort = 'baseline') as baseline_n,
        count(distinct record_id) filter (where cohort in ('prior', 'after')) as prior_n,
        min(time) filter (where cohort = 'canary') as first_seen, max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from found
    group by all
)
select c.http_request_method, c.route, c.parameter, c.canary_n, t.canary_total, c.baseline_n, t.baseline_total, c.prior_n, c.first_seen, c.last_seen, c.evidence
from counted c
join exchange_totals t on t.http_request_method is not distinct from c.http_request_method and t.route is not distinct from c.route
where c.canary_n >= $min_responses
order by c.http_request_method, c.route, c.parameter
