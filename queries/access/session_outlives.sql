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
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
baseline_rows = 20
[params]
min_sessions = 20
min_ended = 3
min_minutes = 15
*/
/* A session ends where its last request is refused with 401; min_ended of them show that the baseline ends sessions at all. */
with sessions as (
    select source, cohort, session, epoch(max(time) filter (where decision = 'allow') - min(time)) / 60 as minutes,
        max(time) filter (where status = 401) > max(time) filter (where decision = 'allow') as is_ended,
        min(time) as first_seen, max(time) as last_seen, min(record_id, 20) as evidence
    from session_requests
    where cohort <> 'unknown' and is_known
    group by all
), usual as (
    select source, max(minutes) as longest, count(*) as sessions, count(*) filter (where is_ended) as ended
    from sessions
    where cohort in ('baseline', 'prior', 'after')
    group by source
)
select s.source, round(max(s.minutes), 1) as minutes, round(max(u.longest), 1) as longest_on_baseline,
    count(*) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, max(u.sessions) as baseline_total, 0::bigint as prior_n,
    min(s.first_seen) as first_seen, max(s.last_seen) as last_seen, min(s.evidence) as evidence
from sessions s
join usual u on u.source = s.source
where s.cohort = 'canary' and u.sessions >= $min_sessions and u.ended >= $min_ended and s.minutes > greatest($min_minutes, 2 * u.longest)
group by s.source
order by source
