/*
title = "Canary downloads far more in one connection than the baseline ever did"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "connection"
why = "A second stage, a tool or stolen copies come in as one large download; the baseline's largest from the same destination, or from any outside one where the destination is new, is what is usual."
recommendation = "Find out what was fetched and whether it was run; keep the pod's disk."
false_positives = ["a new data set or model that is loaded at start"]
references = ["ATT&CK T1105"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_bytes = 1000000
factor = 3
*/
with usual as (
    select max(largest_download) as largest
    from outbound_cells
    where cohort in ('baseline', 'prior', 'after') and zone_kind = 'external'
)
select
    d.destination, d.destination_port, d.destination_address, d.pod, d.bytes_down, d.largest_download as canary_largest,
    coalesce(d.baseline_largest_download, u.largest) as usual_largest,
    d.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n, d.first_seen, d.last_seen, d.evidence
from destinations d
cross join usual u
cross join outbound_totals t
where d.is_external and d.largest_download >= $min_bytes and d.largest_download > $factor * coalesce(d.baseline_largest_download, u.largest, 0)
order by d.destination, d.destination_port
