/*
title = "Sessions live far longer on the canary than on the baseline"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "session"
why = "Sessions of the baseline are refused after a time; one of the canary goes on more than twice as long as the longest of them."
recommendation = "Restore the limit of idle time and age of sessions."
false_positives = ["a client that keeps its session alive on purpose, which the baseline did not meet"]
references = ["CWE-613", "OWASP API2:2023"]
personal_data = false
gdpr = ["32"]
fingerprint = ["source"]
[needs]
shown = ["sessions"]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 20
[params]
min_sessions = 20
min_ended = 3
min_minutes = 15
*/
/* A session ends where its last request is refused with 401; min_ended of them show that the baseline ends sessions at all. */
with aged as (
    select source, cohort, session, first_seen, last_seen, epoch(let_in_to - known_from) / 60 as minutes, refused_at > let_in_to as is_ended
    from sessions
    where known_from is not null
), usual as (
    select source, max(minutes) as longest, count(*) as sessions, count(*) filter (where is_ended) as ended
    from aged
    where cohort in ('baseline', 'prior', 'after')
    group by source
), long_ones as (
    select a.source, a.session, a.minutes, a.first_seen, a.last_seen, u.longest, u.sessions
    from aged a
    join usual u on u.source = a.source
    where a.cohort = 'canary' and u.sessions >= $min_sessions and u.ended >= $min_ended and a.minutes > greatest($min_minutes, 2 * u.longest)
), behind as (
    select r.source, min(r.record_id, 20) as evidence
    from session_requests r
    join long_ones l on l.source = r.source and l.session = r.session
    where r.cohort = 'canary'
    group by r.source
)
select l.source, round(max(l.minutes), 1) as minutes, round(max(l.longest), 1) as longest_on_baseline,
    count(*) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, max(l.sessions) as baseline_total, 0::bigint as prior_n,
    min(l.first_seen) as first_seen, max(l.last_seen) as last_seen, min(b.evidence) as evidence
from long_ones l
join behind b on b.source = l.source
group by l.source
order by source
