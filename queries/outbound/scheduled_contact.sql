/*
title = "Canary contacts a new destination two or three times by the clock"
severity = "low"
confidence = "low"
compare = "new_in_canary"
unit = "connection"
why = "Too few connections for statistics, but equal gaps, or gaps of whole five minutes, are those of a timer: by chance one pair in 75 has such a gap."
recommendation = "Look for a scheduler in the component that opens the connection; keep later audits to see whether it goes on."
false_positives = ["a job that is new in this release"]
references = ["ATT&CK T1029", "ATT&CK T1053"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
known = ["moments"]
[params]
min_gap = 60
tolerance = 2
*/
with moments as (
    select distinct d.destination, d.destination_port, epoch(unnest([c.first_seen, c.last_seen]))::bigint as second
    from destinations d
    join outbound_cells c on c.cohort = 'canary' and c.destination = d.destination and c.destination_port is not distinct from d.destination_port
    where d.is_external and d.baseline_n + d.prior_n = 0 and d.canary_n between 2 and 3
), gaps as (
    select destination, destination_port, second - lag(second) over (partition by destination, destination_port order by second) as gap
    from moments
    where second is not null
), judged as (
    select destination, destination_port, count(*) as gaps, min(gap) as gap_seconds, max(gap) as longest_gap,
        max(least(gap % 300, 300 - gap % 300)) as off_the_clock
    from gaps
    where gap is not null
    group by destination, destination_port
)
select
    d.destination, d.destination_port, d.destination_address, d.pod, j.gap_seconds, j.gaps + 1 as sightings,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n, d.first_seen, d.last_seen, d.evidence
from judged j
join destinations d on d.destination = j.destination and d.destination_port is not distinct from j.destination_port
cross join outbound_totals t
where j.gap_seconds >= $min_gap and (j.off_the_clock <= $tolerance or (j.gaps = 2 and j.longest_gap - j.gap_seconds <= greatest($tolerance, 0.02 * j.gap_seconds)))
order by d.destination, d.destination_port
