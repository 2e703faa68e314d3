/*
title = "Canary speaks a protocol to a destination that the baseline does not speak to it"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "connection"
why = "A known destination that is suddenly spoken to by SSH, or by something that is no TLS on the port of TLS, is a tunnel or a changed client."
recommendation = "Find the component that opens the connection and what it carries."
false_positives = ["a client that moved to another protocol in this release"]
references = ["ATT&CK T1571", "ATT&CK T1572"]
personal_data = false
gdpr = ["32"]
fingerprint = ["destination", "destination_port", "network_protocol_name"]
[needs]
tables = ["connections"]
canary_rows = 1
baseline_rows = 20
[params]
*/
with protocols as (
    select
        destination, destination_port, network_protocol_name,
        sum(connections) filter (where cohort = 'canary')::bigint as canary_n,
        coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_n,
        coalesce(sum(connections) filter (where cohort in ('prior', 'after')), 0)::bigint as prior_n,
        min(k8s_pod_name) filter (where cohort = 'canary') as pod,
        min(first_seen) filter (where cohort = 'canary') as first_seen,
        max(last_seen) filter (where cohort = 'canary') as last_seen,
        flatten(list(evidence) filter (where cohort = 'canary')) as evidence
    from compared_cells
    where network_protocol_name is not null and destination is not null
    group by destination, destination_port, network_protocol_name
), usual as (
    select destination, destination_port, min(network_protocol_name, 5) as usual_protocols, count(*) as known
    from protocols
    where baseline_n + prior_n > 0
    group by destination, destination_port
)
select
    p.destination, p.destination_port, p.network_protocol_name, p.pod, u.usual_protocols,
    case
        when p.destination_port = 443 and p.network_protocol_name in ('ssh', 'http', 'ftp', 'socks', 'irc', 'dns', 'rdp', 'smb') then 'not TLS on the port of TLS'
        when p.destination_port = 80 and p.network_protocol_name in ('ssh', 'tls', 'ssl', 'ftp', 'socks', 'irc', 'rdp', 'smb') then 'not HTTP on the port of HTTP'
    end as mismatch,
    p.canary_n, t.canary_total, p.baseline_n, t.baseline_total, p.prior_n, p.first_seen, p.last_seen, p.evidence
from protocols p
left join usual u on u.destination = p.destination and u.destination_port is not distinct from p.destination_port
cross join outbound_totals t
where p.canary_n > 0 and (
    (p.baseline_n + p.prior_n = 0 and u.known > 0)
    or (p.destination_port = 443 and p.network_protocol_name in ('ssh', 'http', 'ftp', 'socks', 'irc', 'dns', 'rdp', 'smb'))
    or (p.destination_port = 80 and p.network_protocol_name in ('ssh', 'tls', 'ssl', 'ftp', 'socks', 'irc', 'rdp', 'smb'))
)
order by p.destination, p.destination_port, p.network_protocol_name
