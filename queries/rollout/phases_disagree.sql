/*
title = "Rollout events tell other phases than the configuration"
severity = "low"
confidence = "high"
compare = "changed"
unit = "request"
why = "Every comparison is made phase by phase. Phases that are not those of the controller put requests under the wrong weight, and hide how long the canary really took traffic."
recommendation = "Correct the phases of canary.toml, or export the rollout events that are missing."
false_positives = ["rollout events of another rollout in the same export"]
references = ["CWE-778"]
personal_data = false
gdpr = ["32"]
fingerprint = ["phase"]
[needs]
tables = ["rollout_events"]
canary_rows = 0
baseline_rows = 0
known = ["phases"]
[params]
max_seconds = 60
*/
with matched as (
    select p.position, p.phase, p.weight, p.start_time, p.end_time, e.weight as event_weight, e.start_time as event_start, e.end_time as event_end,
        row_number() over (partition by p.position order by
            least(epoch_us(p.end_time), epoch_us(e.end_time)) - greatest(epoch_us(p.start_time), epoch_us(e.start_time)) desc nulls last, e.position) as rank
    from dims.phases p
    left join dims.event_phases e on e.start_time < p.end_time and e.end_time > p.start_time
    where p.source = 'canary.toml' and exists (select 1 from dims.event_phases)
)
select
    phase, weight as configured_weight, event_weight, start_time as configured_start, event_start, end_time as configured_end, event_end,
    case
        when event_weight is null then 'no weight was set in this time'
        when event_weight <> weight then 'another weight'
        else 'another time'
    end as difference,
    1::bigint as canary_n, 0::bigint as canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n,
    start_time as first_seen, end_time as last_seen,
    (select min(record_id, 20) from rollout_events where event_kind = 'weight_set') as evidence
from matched
where rank = 1 and (event_weight is distinct from weight
    or abs(epoch_us(event_start) - epoch_us(start_time)) > $max_seconds * 1000000
    or abs(epoch_us(event_end) - epoch_us(end_time)) > $max_seconds * 1000000)
order by phase
