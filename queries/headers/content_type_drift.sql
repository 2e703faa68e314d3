/*
title = "Canary answers with another content type"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "request"
why = "A browser that takes data for a page runs what an attacker can put into it; a missing character set lets it guess."
recommendation = "Send the content type and character set that the baseline sends on this route."
false_positives = ["a route that now answers in a second format on purpose"]
references = ["CWE-430", "CWE-116"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "media_type"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 2
*/
with usual as (
    select http_request_method, route, status_class,
        array_to_string(list_sort(min(distinct verdict_detail, 5)), ' ') as usual_types, min(verdict_rank) as lowest
    from verdicts
    where header = 'content-type' and cohort in ('baseline', 'prior', 'after')
    group by all
), other as (
    select v.http_request_method, v.route, v.status_class, coalesce(v.verdict_detail, '') as media_type, v.verdict, u.usual_types, v.time, v.record_id
    from verdicts v
    join usual u on u.http_request_method is not distinct from v.http_request_method and u.route is not distinct from v.route
        and u.status_class is not distinct from v.status_class
    where v.header = 'content-type' and v.cohort = 'canary' and (v.verdict_rank < u.lowest or not exists (
        select 1 from verdicts b
        where b.header = 'content-type' and b.cohort in ('baseline', 'prior', 'after') and b.verdict_detail is not distinct from v.verdict_detail
            and b.http_request_method is not distinct from v.http_request_method and b.route is not distinct from v.route
            and b.status_class is not distinct from v.status_class
    ))
)
select
    o.http_request_method, o.route, o.media_type,
    min(o.verdict) as verdict, min(o.usual_types) as usual_types, min(o.status_class) as status_class,
    count(*) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when o.media_type not in ('text/html', 'application/xhtml+xml', 'image/svg+xml', '')
        then [{'name': 'not_a_page', 'change': -1, 'reason': 'browsers run no script in this type'}]
    end as modifiers,
    min(o.time) as first_seen, max(o.time) as last_seen, min(distinct o.record_id, 20) as evidence
from other o
join exchange_totals t on t.http_request_method is not distinct from o.http_request_method and t.route is not distinct from o.route
group by o.http_request_method, o.route, o.media_type
having count(*) >= $min_responses
order by o.http_request_method, o.route, o.media_type
