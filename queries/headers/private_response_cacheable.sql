/*
title = "Canary lets caches keep private responses"
severity = "high"
confidence = "medium"
compare = "changed"
unit = "request"
why = "A shared cache may give a response that was made for one caller to the next one; on the baseline such responses of this route were kept out of caches."
recommendation = "Send Cache-Control: no-store or private on this route, vary by what tells callers apart, and purge the caches in front of the canary."
false_positives = ["a response that is the same for every caller, although callers are logged in"]
references = ["CWE-524", "CWE-525"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
with private as (
    select distinct v.record_id
    from verdicts v
    where v.status_class = 2 and (v.principal_kind <> 'anonymous' or v.header = 'set-cookie')
), usual as (
    select v.http_request_method, v.route,
        min(v.verdict_rank) filter (where v.header = 'cache-control') as cache_rank,
        min(v.verdict_rank) filter (where v.header = 'vary') as vary_rank,
        min({'rank': v.verdict_rank, 'verdict': v.verdict}) filter (where v.header = 'cache-control').verdict as usual_verdict
    from verdicts v join private p on p.record_id = v.record_id
    where v.cohort in ('baseline', 'prior', 'after') and v.header in ('cache-control', 'vary')
    group by all
), sent as (
    select v.http_request_method, v.route, v.record_id, min(v.time) as time,
        min(v.verdict_rank) filter (where v.header = 'cache-control') as cache_rank,
        min(v.verdict_rank) filter (where v.header = 'vary') as vary_rank,
        min(v.verdict) filter (where v.header = 'cache-control') as verdict,
        bool_or(v.verdict_detail = 'served-from-cache') as is_served
    from verdicts v join private p on p.record_id = v.record_id
    where v.cohort = 'canary' and v.header in ('cache-control', 'vary')
    group by all
)
select
    s.http_request_method, s.route,
    min(u.usual_verdict) as usual_verdict, min(s.verdict) as verdict,
    bool_or(s.vary_rank < u.vary_rank) as lost_vary,
    bool_or(coalesce(s.is_served, false)) as served_from_cache,
    count(*) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when bool_and(s.verdict = 'cache-control-not-implemented') and not bool_or(coalesce(s.is_served, false))
        then [{'name': 'caches_guess', 'change': -1, 'reason': 'nothing tells caches to keep it; some do'}]
    end as modifiers,
    min(s.time) as first_seen, max(s.time) as last_seen, min(distinct s.record_id, 20) as evidence
from sent s
join usual u on u.http_request_method is not distinct from s.http_request_method and u.route is not distinct from s.route
join exchange_totals t on t.http_request_method is not distinct from s.http_request_method and t.route is not distinct from s.route
where s.cache_rank <= 0 and (u.cache_rank > 0 or s.vary_rank < u.vary_rank)
group by s.http_request_method, s.route
having count(*) >= $min_responses
order by s.http_request_method, s.route
