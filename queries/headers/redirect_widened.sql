/*
title = "Canary redirects to other hosts or without encryption"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "request"
why = "A redirection to a host that callers can choose serves phishing and takes tokens along; one to http lets the way be changed."
recommendation = "Redirect to paths of the own host or to a fixed list of hosts, by https."
false_positives = ["a login provider or shop that is new on purpose"]
references = ["CWE-601", "CWE-319"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "verdict"]
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
    where header = 'location' and cohort in ('baseline', 'prior', 'after')
), led as (
    select v.http_request_method, v.route, v.verdict, v.verdict_detail, v.verdict_rank, v.time, v.record_id, v.evidence_id, v.record_no, (
        select min(b.verdict_rank) from verdicts b
        where b.header = 'location' and b.cohort in ('baseline', 'prior', 'after')
            and b.http_request_method is not distinct from v.http_request_method and b.route is not distinct from v.route
    ) as lowest
    from verdicts v
    where v.header = 'location' and v.cohort = 'canary' and v.verdict_rank < 0
), wider as (
    select l.*, contains(lower(x.url_query), nullif(substr(l.verdict_detail, 6), '')) as is_echoed
    from led l
    join exchanges x on x.evidence_id = l.evidence_id and x.record_no = l.record_no
    where l.verdict_rank < l.lowest
        or (l.verdict_detail is not null and not exists (select 1 from known k where k.word = l.verdict_detail))
        or (l.lowest is null and l.verdict_detail is null)
)
select
    w.http_request_method, w.route, w.verdict,
    count(distinct w.verdict_detail) as hosts,
    array_to_string(list_sort(min(distinct substr(w.verdict_detail, 6), 5)), ' ') as to_hosts,
    bool_or(coalesce(w.is_echoed, false)) as echoed,
    count(*) as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when bool_or(coalesce(w.is_echoed, false))
        then [{'name': 'chosen_by_the_caller', 'change': 1, 'reason': 'the host stands in the query of the request'}]
    end as modifiers,
    min(w.time) as first_seen, max(w.time) as last_seen, min(distinct w.record_id, 20) as evidence
from wider w
join exchange_totals t on t.http_request_method is not distinct from w.http_request_method and t.route is not distinct from w.route
group by w.http_request_method, w.route, w.verdict
having count(*) >= $min_responses
order by w.http_request_method, w.route, w.verdict
