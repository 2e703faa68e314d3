/*
title = "Canary contacts a destination the baseline never used"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "A new destination that nobody approved is how a compromised dependency, a back door or a wrong configuration first shows; one connection is enough. What the baseline contacts at the same address, port and protocol is not new where one side lacks the name. Another host of a registered domain that the baseline uses is of lower severity (low from five names on, and one story), but not below suffixes where strangers get names (private section of the Public Suffix List, queries/lists/shared_suffixes.txt): there each name is another party. Low is also another address without a name on a port where the baseline contacts three or more such addresses, and DNS at the metadata address."
recommendation = "Find the component that opens the connection, block the destination, and rotate every secret the pod could read."
false_positives = ["a new, approved dependency: put it under [[allow]] with an owner", "a content network that answers under changing names"]
references = ["CWE-506", "ATT&CK T1071"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
min_connections = 1
*/
select
    d.destination,
    d.destination_port,
    d.destination_address,
    d.zone,
    d.canary_n,
    t.canary_total,
    d.baseline_n,
    t.baseline_total,
    d.prior_n,
    d.pods,
    d.pod,
    d.hours,
    t.baseline_pods,
    t.baseline_hours,
    t.prior_days,
    d.bytes_up,
    d.bytes_down,
    d.registered_domain,
    d.country,
    d.asn,
    d.first_seen,
    d.last_seen,
    d.named_by,
    d.burst,
    d.modifiers,
    d.evidence
from destinations d
cross join outbound_totals t
where not d.is_allowed and d.baseline_n + d.prior_n = 0 and d.canary_n >= $min_connections
order by d.destination, d.destination_port
