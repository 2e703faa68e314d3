/* Latency in sixteenths of an octave: bucket b holds 2^((b-160)/16) to 2^((b-159)/16) milliseconds, from 0.001 ms to 2^30 ms (12 days), so a
   value read from the middle of a bucket is off by at most 2.2 %. NULL where there is no latency. */
create or replace macro latency_bucket(ms) as
    case when ms >= 0 then least(greatest(floor(log2(greatest(ms, 0.001)) * 16)::integer + 160, 0), 640)::usmallint end;
/* the lower edge of a bucket, and its middle, in milliseconds */
create or replace macro bucket_edge(bucket) as power(2, (bucket::integer - 160) / 16.0);
create or replace macro bucket_latency(bucket) as power(2, (bucket::integer - 160 + 0.5) / 16.0);
/* what became of a request, as dashboards count it */
create or replace macro outcome_class(status) as
    case
        when status between 100 and 399 then 'ok'
        when status in (401, 403, 429) then status::varchar
        when status between 400 and 499 then '4xx'
        when status >= 500 then '5xx'
        else 'none'
    end;
