/* Requests of the chosen observer by minute: what tables, charts, replay and sweeps count, so that none of them reads the requests again.
   Units are distinct callers of a cell and do not add up. */
create table minute_cells as
select
    cohort, phase, k8s_pod_name, make_timestamp(epoch_us(time) // 60000000 * 60000000) as minute, http_request_method, route, outcome,
    is_synthetic,
    count(*) as requests,
    count(distinct case when unit_key is not null then hash(unit_key) end) as units,
    sum(http_response_body_size)::bigint as bytes,
    histogram(latency_bucket(duration_ms)) filter (where duration_ms >= 0) as latency
from (select *, outcome_class(http_response_status_code) as outcome from requests)
where cohort <> 'unknown' and time is not null
group by all;

/* The same in rows: how many requests of a cell took how long. */
create view minute_latencies as
select cohort, phase, k8s_pod_name, minute, http_request_method, route, outcome, is_synthetic, entry.key as bucket, entry.value::bigint as requests
from (select *, unnest(map_entries(latency)) as entry from minute_cells);
