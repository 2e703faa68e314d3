/*
title = "Canary contacts a destination at regular intervals"
severity = "medium"
confidence = "low"
compare = "new_in_canary"
unit = "connection"
why = "Implants ask for orders on a timer. The score is that of beacon_scores('adaptive'): regular gaps, also where beats are missed, even numbers over the span, few missed beats; the baseline's own timers are left out."
recommendation = "Look at the sizes and the payload if it was recorded, and ask which component owns this timer."
false_positives = ["health checks, metrics and configuration polls that are new in this release"]
references = ["ATT&CK T1071", "ATT&CK T1029"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 6
baseline_rows = 20
known = ["moments"]
[params]
min_sightings = 6
min_score = 0.83
many_sightings = 20
min_score_of_many = 0.79
*/
with regular as (
    select destination, destination_port, source, score, timing_score, histogram_score, duration_score, size_score, period_seconds, sightings,
        row_number() over (partition by destination, destination_port order by score desc, source) as place
    from beacons
    where cohort = 'canary' and sightings >= $min_sightings
        and score >= case when sightings >= $many_sightings then $min_score_of_many else $min_score end
)
select
    d.destination, d.destination_port, d.destination_address,
    r.source as pod,
    r.score, r.timing_score, r.histogram_score, r.duration_score, r.size_score,
    round(r.period_seconds, 1) as period_seconds,
    r.sightings,
    d.canary_n, t.canary_total, d.baseline_n, t.baseline_total, d.prior_n,
    d.first_seen, d.last_seen, d.evidence
from regular r
join destinations d on d.destination = r.destination and d.destination_port is not distinct from r.destination_port
cross join outbound_totals t
where r.place = 1 and d.baseline_n + d.prior_n = 0
order by d.destination, d.destination_port
