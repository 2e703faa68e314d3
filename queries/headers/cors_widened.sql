/*
title = "Canary lets more sites read its responses"
severity = "high"
confidence = "high"
compare = "changed"
unit = "request"
why = "A site that may read responses with the credentials of the caller can take whatever that caller may see; the baseline did not allow it."
recommendation = "Name the origins that may read, never echo the Origin of the request together with credentials, and remove methods and headers nobody needs."
false_positives = ["a partner site that was added on purpose"]
references = ["CWE-942", "OWASP A05:2021"]
personal_data = false
gdpr = ["32"]
fingerprint = ["verdict"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
*/
with known as (
    select distinct word
    from verdict_words
    where header = 'access-control-allow-origin' and cohort in ('baseline', 'prior', 'after')
), fresh as (
    select w.record_id, w.word
    from verdict_words w
    where w.header = 'access-control-allow-origin' and w.cohort = 'canary'
        and not exists (select 1 from known k where k.word = w.word)
), wider as (
    select v.verdict, v.route, v.time, v.record_id, u.lowest_verdict as usual_verdict, f.word
    from verdicts v
    left join usual_verdicts u on u.header = v.header and u.http_request_method is not distinct from v.http_request_method
        and u.route is not distinct from v.route and u.status_class is not distinct from v.status_class
    left join fresh f on f.record_id = v.record_id and (ends_with(v.verdict, 'restricted-access') or starts_with(f.word, 'allows='))
    where v.header = 'access-control-allow-origin' and v.cohort = 'canary'
        and exists (select 1 from verdicts b where b.cohort in ('baseline', 'prior', 'after') and b.header = v.header)
        and (v.verdict_rank < u.lowest or f.word is not null)
)
select
    w.verdict,
    min(w.usual_verdict) as usual_verdict,
    array_to_string(list_sort(min(distinct w.word, 20)), ' ') as added,
    count(distinct w.route) as routes,
    count(distinct w.record_id) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when not ends_with(w.verdict, 'universal-access') and not ends_with(w.verdict, 'null-access')
        then [{'name': 'without_credentials_or_listed', 'change': -1, 'reason': 'the response is readable without credentials, or by listed sites only'}]
    end as modifiers,
    min(w.time) as first_seen, max(w.time) as last_seen, min(distinct w.record_id, 20) as evidence
from wider w cross join verdict_totals t
group by w.verdict
having count(distinct w.record_id) >= $min_responses
order by w.verdict
