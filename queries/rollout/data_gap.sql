/*
title = "An observer recorded nothing for minutes"
severity = "low"
confidence = "medium"
compare = "presence"
unit = "request"
why = "Missing is not zero: what happened in a gap can neither be found nor excluded, and rates that span it are wrong. Whoever can stop a log can hide in the gap."
recommendation = "Ask the owner of the log why it is silent there, and export the missing time from another observer."
false_positives = ["a service without traffic at that time", "a log that was rotated and not exported whole"]
references = ["CWE-778", "ATT&CK T1562.008"]
personal_data = false
gdpr = ["32"]
fingerprint = ["source_table", "source_observer", "gap_start"]
[needs]
tables = ["http_requests"]
canary_rows = 1
baseline_rows = 1
known = ["phases"]
[params]
min_minutes = 5
min_missing = 20
min_active_minutes = 5
min_active_share = 0.5
*/
/* Inside the phases, from their first to their last minute. `missing` is how many rows the observer's own pace would have given; one that tells
   something in less than half of its other minutes, such as an audit log, has no pace. */
with bounds as (
    select epoch_us(min(start_time)) // 60000000 as first_minute, epoch_us(max(end_time)) // 60000000 as last_minute
    from dims.phases
    having count(*) > 0
), sightings as (
    select 'http_requests' as source_table, coalesce(observer, '') as source_observer, epoch_us(time) // 60000000 as minute, record_id from observed.http_requests
    union all select 'connections', coalesce(observer, ''), epoch_us(time) // 60000000, record_id from observed.connections
    union all select 'dns_queries', coalesce(observer, ''), epoch_us(time) // 60000000, record_id from observed.dns_queries
    union all select 'app_logs', coalesce(observer, ''), epoch_us(time) // 60000000, record_id from observed.app_logs
    union all select 'auth_events', coalesce(observer, ''), epoch_us(time) // 60000000, record_id from observed.auth_events
), minutes as (
    select s.source_table, s.source_observer, s.minute, count(*) as n, min(s.record_id) as record_id
    from sightings s
    join bounds b on s.minute >= b.first_minute and s.minute < b.last_minute
    group by all
), sources as (
    select source_table, source_observer, sum(n) as n, count(*) as active
    from minutes
    group by all
), edges as (
    select source_table, source_observer, minute, record_id from minutes
    union all
    select source_table, source_observer, unnest([first_minute - 1, last_minute]), null from sources cross join bounds
), gaps as (
    select *, lag(minute) over w + 1 as gap_minute, minute - lag(minute) over w - 1 as gap_minutes, lag(record_id) over w as before_id
    from edges
    window w as (partition by source_table, source_observer order by minute)
)
select
    g.source_table, g.source_observer, make_timestamp(g.gap_minute * 60000000) as gap_start, g.gap_minutes,
    floor(s.n / s.active * g.gap_minutes)::bigint as missing_rows,
    g.gap_minutes as canary_n, b.last_minute - b.first_minute as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    make_timestamp(g.gap_minute * 60000000) as first_seen, make_timestamp(g.minute * 60000000) as last_seen,
    case when g.record_id is null then [g.before_id] when g.before_id is null then [g.record_id] else [g.before_id, g.record_id] end as evidence
from gaps g
join sources s on s.source_table = g.source_table and s.source_observer = g.source_observer
cross join bounds b
where g.gap_minutes >= $min_minutes and s.n / s.active * g.gap_minutes >= $min_missing
    and s.active >= $min_active_minutes and s.active >= $min_active_share * (b.last_minute - b.first_minute - g.gap_minutes)
order by source_table, source_observer, gap_start
