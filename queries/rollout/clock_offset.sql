/*
title = "Two sources do not agree on the time"
severity = "low"
confidence = "high"
compare = "presence"
unit = "request"
why = "Sequences across sources, phases and the moment of a rollback are only as good as the clocks: an offset moves events into another phase, or behind the rollback."
recommendation = "Correct the times of one source before it is read beside the other, and check time synchronisation of the host that wrote it."
false_positives = ["sources that stamp the beginning and the end of a long request"]
references = ["CWE-1339"]
personal_data = false
gdpr = ["32"]
fingerprint = ["first_source", "second_source"]
[needs]
tables = ["http_requests"]
canary_rows = 1
baseline_rows = 0
[params]
min_requests = 20
min_seconds = 2
*/
/* The offset is the median difference of records with the same request id; an id that a source has twice tells nothing. */
with stamps as (
    select 'http_requests ' || coalesce(observer, '') as source, http_request_id as id, time, record_id from observed.http_requests
    union all select 'http_exchanges ' || coalesce(observer, ''), http_request_id, time, record_id from observed.http_exchanges
), single as (
    select source, id, min(time) as time, min(record_id) as record_id
    from stamps
    where id is not null and time is not null
    group by all
    having count(*) = 1
), pairs as (
    select a.source as first_source, b.source as second_source, epoch_us(b.time) - epoch_us(a.time) as difference, a.time, a.record_id
    from single a
    join single b on b.id = a.id and b.source > a.source
)
select
    first_source, second_source, round(median(difference) / 1e6, 3) as offset_seconds,
    round((quantile_cont(difference, 0.75) - quantile_cont(difference, 0.25)) / 1e6, 3) as spread_seconds,
    count(*) as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    min(time) as first_seen, max(time) as last_seen, min(record_id, 20) as evidence
from pairs
group by first_source, second_source
having count(*) >= $min_requests and abs(median(difference)) >= $min_seconds * 1000000
order by first_source, second_source
