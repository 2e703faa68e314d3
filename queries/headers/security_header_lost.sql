/*
title = "Canary lost or weakened a security header"
severity = "medium"
confidence = "high"
compare = "changed"
unit = "request"
why = "The header protected users on the same routes of the baseline; without it browsers fall back to weaker behaviour."
recommendation = "Restore the header in the proxy or framework configuration of the canary."
false_positives = ["the header is now added by another layer that the samples do not see"]
references = ["CWE-693", "CWE-319", "CWE-1021", "CWE-353", "OWASP A05:2021"]
personal_data = false
gdpr = ["32"]
fingerprint = ["header", "verdict"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 2
*/
/* Weaker than any answer of the baseline on the route; or sent by nine in ten of at least twenty there, and not by most of the canary's, since one pod without
   a header must not hide its loss; or, on a route that the baseline does not have, weaker than all answers of the baseline anywhere. */
with judged as (
    select header, subject, http_request_method, route, status_class, cohort, verdict, verdict_rank, time, record_id
    from verdicts
    where header in ('strict-transport-security', 'content-security-policy', 'x-content-type-options', 'x-frame-options', 'referrer-policy', 'permissions-policy',
    'cross-origin-opener-policy', 'cross-origin-embedder-policy', 'cross-origin-resource-policy', 'subresource-integrity')
        and verdict_rank is not null
), usual as (
    select header, http_request_method, route, status_class, count(*) as total,
        min(verdict_rank) as lowest, quantile_disc(verdict_rank, 0.1) as common,
        min({'rank': verdict_rank, 'verdict': verdict}).verdict as lowest_verdict,
        quantile_disc({'rank': verdict_rank, 'verdict': verdict}, 0.1).verdict as common_verdict
    from judged
    where cohort in ('baseline', 'prior', 'after')
    group by all
), everywhere as (
    select header, status_class, min(verdict_rank) as lowest, min({'rank': verdict_rank, 'verdict': verdict}).verdict as lowest_verdict
    from judged
    where cohort in ('baseline', 'prior', 'after')
    group by all
    having count(*) >= 20
), shares as (
    select j.header, j.http_request_method, j.route, j.status_class,
        count(*) filter (where j.verdict_rank < u.common) / count(*) as weaker_share
    from judged j
    join usual u on u.header = j.header and u.http_request_method is not distinct from j.http_request_method
        and u.route is not distinct from j.route and u.status_class is not distinct from j.status_class
    where j.cohort = 'canary'
    group by all
), weaker as (
    select j.header, j.verdict, j.route, j.time, j.record_id,
        case when j.verdict_rank < u.lowest then u.lowest_verdict when u.header is not null then u.common_verdict else e.lowest_verdict end as usual_verdict,
        u.header is null as is_new_route
    from judged j
    left join usual u on u.header = j.header and u.http_request_method is not distinct from j.http_request_method
        and u.route is not distinct from j.route and u.status_class is not distinct from j.status_class
    left join shares s on s.header = j.header and s.http_request_method is not distinct from j.http_request_method
        and s.route is not distinct from j.route and s.status_class is not distinct from j.status_class
    left join everywhere e on e.header = j.header and e.status_class is not distinct from j.status_class
    where j.cohort = 'canary' and (
        j.verdict_rank < u.lowest
        or (j.verdict_rank < u.common and u.total >= 20 and s.weaker_share >= 0.5)
        or (u.header is null and j.verdict_rank < e.lowest)
    )
)
select
    w.header, w.verdict,
    min(w.usual_verdict) as usual_verdict,
    case when ends_with(w.verdict, 'not-implemented') or ends_with(w.verdict, 'header-invalid') then 'lost' else 'weakened' end as change,
    count(distinct w.route) as routes,
    array_to_string(list_sort(min(distinct left(w.route, 200), 5)), ' ') as first_routes,
    bool_and(w.is_new_route) as only_new_routes,
    count(distinct w.record_id) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    min(w.time) as first_seen, max(w.time) as last_seen, min(distinct w.record_id, 20) as evidence
from weaker w cross join verdict_totals t
group by w.header, w.verdict
having count(distinct w.record_id) >= $min_responses
order by w.header, w.verdict
