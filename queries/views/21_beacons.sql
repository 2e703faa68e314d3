/* Connections that could be beacons: opened by a workload towards the outside, answered or not (an implant whose server is gone goes on asking), at a
   known moment. Records of aggregated flow logs tell no moments. Empty texts stand for NULL, so that rows can be joined by equality. */
create view beacon_connections as
select
    cohort, coalesce(k8s_pod_name, source_address, '') as workload, coalesce(source_address, k8s_pod_name, '') as source, destination,
    coalesce(destination_name, '') as name,
    case when named_by in ('none', 'dns') then '' else coalesce(destination_name, '') end as told_name,
    coalesce(destination_address, '') as address, coalesce(destination_port, -1) as port,
    epoch_us(time) // 1000000 as second, coalesce(source_ip_bytes, source_bytes) as bytes, duration_ms
from client_connections
where time is not null and destination is not null and coalesce(destination_zone_kind, 'external') = 'external'
    and not coalesce(is_aggregated, false);

/* The last 24 hours of them: `start` and `stop` in seconds since 1970. */
create table dims.beacon_window as
select greatest(max(second) - 86400, min(second)) as start, max(second) as stop from beacon_connections;

/* Who spoke to whom, a number each, and the moments by that number: what is scored afterwards are integers. Only what could make a pair of four. */
create table dims.beacon_endpoints as
select row_number() over (order by cohort, workload, source, destination, name, told_name, address, port) as endpoint, *
from (
    select cohort, workload, source, destination, name, told_name, address, port, count(*) as connections
    from beacon_connections
    group by all
)
qualify sum(connections) over (partition by source, told_name) >= 4 or sum(connections) over (partition by source, address) >= 4
    or sum(connections) over (partition by cohort, workload, destination, port) >= 4;

create table dims.beacon_moments as
select e.endpoint, c.second, c.bytes, c.duration_ms
from beacon_connections c
join dims.beacon_endpoints e on e.cohort = c.cohort and e.workload = c.workload and e.source = c.source and e.destination = c.destination
    and e.name = c.name and e.told_name = c.told_name and e.address = c.address and e.port = c.port;

/* Pairs that may be scored, with their endpoints. `rita` has source and name where the connection itself tells one (SNI, Host), and source and
   address; `adaptive` has workload, destination and port by cohort, without name lookups, for which there are detectors of DNS. */
create view dims.beacon_members as
with members as (
    select 'rita' as preset, endpoint, '' as cohort, source, told_name as name, '' as address, -1 as port, told_name as destination
    from dims.beacon_endpoints
    where told_name <> ''
    union all
    select 'rita', endpoint, '', source, '', address, -1, address
    from dims.beacon_endpoints
    where address <> ''
    union all
    select 'adaptive', endpoint, cohort, workload, '', '', port, destination
    from dims.beacon_endpoints
    where cohort in ('canary', 'baseline', 'prior', 'after') and port <> 53
)
select preset, endpoint, cohort, source, name, address, port, destination,
    dense_rank() over (partition by preset order by cohort, source, destination, port, name, address) as pair
from members;

/* Every pair with at least four distinct seconds, scored. Presets: `rita` follows RITA v5 (24 equal bins over 24 hours), `adaptive` ties
   the bins to the span of the pair and folds gaps over missed beats. docs/beacons.md has the formulas; all is joins, windows and aggregates, since
   list functions sort again for every use (73 s against 2.6 s for 1.1 million connections). */
create macro beacon_scores_of(wanted, wanted_cohort) as table
with asked as (
    select case when wanted in ('rita', 'adaptive') then wanted else error('beacon_scores has the presets rita and adaptive, not ' || coalesce(wanted::varchar, 'NULL') || ': write beacon_scores(''adaptive'')') end as preset
), members as (
    select m.pair, m.endpoint from dims.beacon_members m join asked a on a.preset = m.preset where m.cohort = wanted_cohort or wanted_cohort = 'all'
), events as (
    select m.pair, c.second, c.bytes, c.duration_ms
    from dims.beacon_moments c
    join members m on m.endpoint = c.endpoint
    where wanted <> 'rita' or c.second >= (select start - start % 3600 from dims.beacon_window)
), all_seconds as (
    select pair, second, count(*) as connections, sum(duration_ms) as duration_ms
    from events
    group by pair, second
), extent as (
    select pair, count(*) as seconds, sum(connections)::bigint as connections, sum(duration_ms) as duration_ms, min(second) as first_second, max(second) as last_second
    from all_seconds
    group by pair
), labels as (
    select m.pair, min(m.cohort) as cohort, min(m.source) as source, min(m.destination) as destination, nullif(min(e.name), '') as name,
        nullif(min(m.name), '') as told_name, nullif(min(e.address), '') as address, nullif(min(m.port), -1) as port
    from dims.beacon_members m
    join dims.beacon_endpoints e on e.endpoint = m.endpoint
    where m.preset = wanted
    group by m.pair
), explained as (
    select distinct bare.pair
    from dims.beacon_members bare
    join dims.beacon_members named on named.endpoint = bare.endpoint and named.preset = 'rita' and named.name <> ''
    join extent x on x.pair = named.pair
    where wanted = 'rita' and bare.preset = 'rita' and bare.name = '' and (x.seconds >= 4 or x.duration_ms >= 3600000)
), pairs as (
    select l.pair, l.cohort, l.source, l.destination, case when wanted = 'rita' then l.told_name else l.name end as name, l.address, l.port,
        x.connections, x.first_second, x.last_second,
        case when wanted = 'rita' then w.start else x.first_second end as start,
        case when wanted = 'rita' then w.stop else x.last_second end as stop,
        case when wanted = 'rita' then 24 else least(greatest(x.seconds // 3, 4), 24) end as bins
    from labels l
    join extent x on x.pair = l.pair
    cross join dims.beacon_window w
    where x.seconds >= 4 and x.connections < 86400 and w.stop > w.start
        and not exists (select 1 from explained e where e.pair = l.pair)
), seconds as (
    select s.pair, s.second, s.connections
    from all_seconds s
    join pairs p on p.pair = s.pair
), gaps as (
    select pair, second - lag(second) over (partition by pair order by second) as gap
    from seconds
), beats as (
    select pair, median(gap) as beat
    from gaps
    where gap is not null and wanted = 'adaptive'
    group by pair
), folded as (
    select g.pair, g.gap / greatest(coalesce(round(g.gap / b.beat), 1), 1) as gap, greatest(coalesce(round(g.gap / b.beat), 1), 1) as beats
    from gaps g
    left join beats b on b.pair = g.pair
    where g.gap is not null
), values_of as (
    select pair, 'gap' as kind, gap::double as value from folded
    union all
    select e.pair, 'size', case when wanted = 'rita' then coalesce(e.bytes, 0) else e.bytes end::double
    from events e
    join pairs p on p.pair = e.pair
    where e.bytes is not null or wanted = 'rita'
), ranked as (
    select pair, kind, value, row_number() over (partition by pair, kind order by value) as place, count(*) over (partition by pair, kind) as n
    from values_of
), quartiles as (
    select pair, kind, max(n) as n,
        avg(value) filter (where place in ((n + 1) // 2, (n + 2) // 2)) as q2,
        avg(value) filter (where place in ((n // 2 + 1) // 2, (n // 2 + 2) // 2)) as q1,
        avg(value) filter (where place in (n - (n // 2 + 1) // 2 + 1, n - (n // 2 + 2) // 2 + 1)) as q3,
        mad(value) as deviation
    from ranked
    group by pair, kind
), spread as (
    select pair, kind, n, q2,
        case when q3 - q1 >= case when wanted = 'rita' then 10 else greatest(10, 0.2 * q2) end and q2 <> q1 and q2 <> q3 then (q1 + q3 - 2 * q2) / (q3 - q1) else 0 end as skew,
        deviation,
        case when q2 >= 1 then greatest((q2 - deviation) / q2, 0) when kind = 'gap' then 1 else 0 end as steadiness
    from quartiles
    where n >= 3
), histogram as (
    select s.pair, p.bins, least(greatest((s.second - p.start) * p.bins // (p.stop - p.start), 0), p.bins - 1) as bin, sum(s.connections)::bigint as height
    from seconds s
    join pairs p on p.pair = s.pair
    group by s.pair, p.bins, bin
), bars as (
    select pair, bins, bin, height, max(height) over (partition by pair) as tallest,
        bin - row_number() over (partition by pair order by bin) as run
    from histogram
), heights as (
    select pair, bins, count(*) as bars,
        sqrt(greatest(sum(height * height) / bins::double - power(sum(height) / bins::double, 2), 0)) / (sum(height) / bins::double) as cv
    from bars
    group by pair, bins
), levels as (
    select pair, height // ceil(tallest * 0.05)::bigint as level, count(*) as bars
    from bars
    group by pair, level
), commonest as (
    select pair, sum(bars)::bigint as bars
    from (select pair, bars, row_number() over (partition by pair order by bars desc, level) as place from levels)
    where place <= 2
    group by pair
), runs as (
    select pair, bins, run, count(*) as length, min(bin) as first_bin, max(bin) as last_bin
    from bars
    group by pair, bins, run
), longest as (
    select pair, least(bins, greatest(max(length), coalesce(sum(length) filter (where first_bin = 0), 0) + coalesce(sum(length) filter (where last_bin = bins - 1), 0)))::bigint as run
    from runs
    group by pair, bins
), persistence as (
    select pair, count(*) / sum(beats) as persistence
    from folded
    group by pair
), parts as (
    select p.pair, p.cohort, p.source, p.destination, p.name, p.address, p.port, p.connections, p.bins,
        t.n + 1 as sightings, t.q2 as period_seconds, t.skew as gap_skew, t.deviation as gap_deviation,
        round((1 - abs(t.skew) + t.steadiness) / 2, 3) as timing_score,
        z.q2 as typical_bytes, z.skew as size_skew, z.deviation as size_deviation,
        round((1 - abs(z.skew) + z.steadiness) / 2, 3) as size_score,
        h.bars, l.run as longest_run,
        greatest(
            case when h.cv > 1 then 0 else round(1 - h.cv, 3) end,
            case when h.bars >= 11 and wanted = 'rita' then least(round(c.bars / (h.bars - 1)::double, 3), 1) else 0 end
        ) as histogram_score,
        case
            when wanted = 'adaptive' then round(s.persistence, 3)
            when h.bars < 6 then 0
            else greatest(
                least(ceil((p.last_second - p.first_second) / (p.stop - p.start)::double * 1000) / 1000, 1),
                least(ceil(l.run / 12.0::double * 1000) / 1000, 1)
            )
        end as duration_score,
        p.first_second, p.last_second
    from pairs p
    join spread t on t.pair = p.pair and t.kind = 'gap'
    left join spread z on z.pair = p.pair and z.kind = 'size'
    join heights h on h.pair = p.pair
    join commonest c on c.pair = p.pair
    join longest l on l.pair = p.pair
    join persistence s on s.pair = p.pair
)
select
    nullif(source, '') as source, destination, name, connections::bigint as connections,
    round((timing_score + case when wanted = 'rita' then size_score else timing_score end + histogram_score + duration_score) / 4, 3) as score,
    timing_score, size_score, histogram_score, duration_score,
    cohort, address as destination_address, port as destination_port, sightings, round(period_seconds, 3) as period_seconds, gap_skew, gap_deviation,
    typical_bytes, size_skew, size_deviation, bins, bars, longest_run,
    make_timestamp(first_second * 1000000) as first_seen, make_timestamp(last_second * 1000000) as last_seen
from parts
order by score desc, source, destination, port;

create macro beacon_scores(chosen) as table
select * from beacon_scores_of(chosen, 'all');

/* What the detector and the report read, scored once. (A detector is checked by a parser that knows no functions of the case.) */
create table beacons as
select * from beacon_scores_of('adaptive', 'canary');
