/* A name that is one, without case and final dot (RFC 4343, RFC 1034): SNI and Host, which the caller chooses, may hold the address itself, or nothing. */
create macro host_name(x) as case when not (regexp_full_match(x, '(?i)[0-9.]*|0x[0-9a-fx.]*') or contains(x, ':')) then lower(rtrim(x, '.')) end;

create macro is_icmp(transport) as transport in ('icmp', 'icmp6', 'icmpv6', 'ipv6-icmp');

/* How many connections records are: of those that sum up one direction over minutes (flow logs), the ones of one address and port of the opener are one.
   (`count(distinct ...)` takes 1.5 s of CPU for each million rows, also where none is such a record; a list takes none.) */
create macro connection_count(is_aggregated, address, port) as count(*) filter (where not coalesce(is_aggregated, false))
    + coalesce(len(list_distinct(list(hash(address, port)) filter (where is_aggregated))), 0);

/* A sum that fits: logs may claim any number of bytes, and two such sums can be added or subtracted. */
create macro bounded(x) as (case when x > 4611686018427387903 then 4611686018427387903 when x < -4611686018427387903 then -4611686018427387903 else x end)::bigint;

/* Names that DNS gave to addresses, by client: valid from the answer until the next answer for the same address. */
create table dims.dns_spans as
select
    client_address, address, host_name(name) as name, time as valid_from,
    coalesce(lead(time) over (partition by client_address, address order by time, name), timestamp '9999-01-01') as valid_to
from (
    select client_address, a.data as address, dns_question_name as name, min(time) as time
    from (select client_address, dns_question_name, time, unnest(dns_answers) as a from main.dns_queries where host_name(dns_question_name) is not null)
    where regexp_matches(a.data, '^[0-9a-fA-F.:]+$')
    group by all
    union all
    select client_address, a.data, dns_question_name, max(time)
    from (select client_address, dns_question_name, time, unnest(dns_answers) as a from main.dns_queries where host_name(dns_question_name) is not null)
    where regexp_matches(a.data, '^[0-9a-fA-F.:]+$')
    group by all
    having max(time) > min(time)
);

/* When DNS evidence covers a client, so that a connection without a name is one that nothing was asked for: from a question on, until no other came for ten
   minutes or, if that is longer, seven times the mean gap between the minutes in which it asked. Of lookups at random moments one gap in a thousand is
   longer (e^-7): then the evidence has stopped, or begins anew. Ten minutes are how long a name is kept at most by usual resolvers of programs. */
create table dims.dns_cover as
with minutes as (
    select distinct client_address, date_trunc('minute', time) as minute, min(time) over (partition by client_address, date_trunc('minute', time)) as first_time
    from main.dns_queries
    where client_address is not null and time is not null
), paced as (
    select *, greatest(600, coalesce(7 * (epoch(max(minute) over w) - epoch(min(minute) over w)) / nullif(count(*) over w - 1, 0), 0))::bigint as patience,
        lag(minute) over (partition by client_address order by minute) as previous
    from minutes
    window w as (partition by client_address)
), numbered as (
    select *, count(*) filter (where previous is null or epoch(minute) - epoch(previous) > patience) over (partition by client_address order by minute) as stretch
    from paced
)
select client_address, min(first_time) as valid_from, max(minute) + to_seconds(max(patience) + 60) as valid_to
from numbered
group by client_address, stretch;

/* Unencrypted protocols by their registered ports (IANA), where the source names none. */
create macro port_protocol(port) as
    case port
        when 21 then 'ftp' when 23 then 'telnet' when 80 then 'http' when 110 then 'pop3' when 143 then 'imap' when 161 then 'snmp' when 389 then 'ldap'
        when 1433 then 'mssql' when 3306 then 'mysql' when 5432 then 'postgresql' when 6379 then 'redis' when 11211 then 'memcached' when 27017 then 'mongodb'
    end;

/* Names other records of the same connection give: SNI, then Host. */
create table dims.connection_names as
select connection_uid, min(name) as name, min(source) as source
from (
    select connection_uid, host_name(coalesce(tls_client_server_name, destination_domain)) as name, 'sni' as source
    from observed.connections
    where connection_uid is not null and host_name(coalesce(tls_client_server_name, destination_domain)) is not null
        and not exists (select 1 from dims.observers o where o.table_name = 'connections' and o.observer is not distinct from connections.observer)
    union all
    select connection_uid, server_address, 'host'
    from observed.http_requests
    where connection_uid is not null and host_name(server_address) is not null
)
group by connection_uid;

/* Connections that were opened by a workload, with the name of the destination, as DNS writes it, where any record tells it; also those nobody answered. `is_contact`
   says whether it was answered. Where the source cannot say it, something must have come back where that is counted; ICMP is a contact only if
   something did: a server answers floods from forged addresses with ICMP errors, and each such address would be a new destination. What sensors write
   as its port is the code of a message, and none. */
create view client_connections as
select
    c.* replace (case when is_icmp(c.network_transport) then null else c.destination_port end as destination_port),
    case
        when is_icmp(c.network_transport) then coalesce(c.destination_packets, c.destination_bytes, 0) > 0
        else coalesce(c.is_established, coalesce(c.destination_packets, 1) > 0)
    end as is_contact,
    coalesce(w.ascii, host_name(c.tls_client_server_name), host_name(c.destination_domain), n.name, d.name) as destination_name,
    case
        when coalesce(host_name(c.tls_client_server_name), host_name(c.destination_domain)) is not null then 'connection'
        when n.name is not null then n.source
        when d.name is not null then 'dns'
        else 'none'
    end as named_by,
    coalesce(
        w.ascii, host_name(c.tls_client_server_name), host_name(c.destination_domain), n.name, d.name, c.destination_address, c.destination_domain
    ) as destination,
    z.zone as destination_zone,
    z.zone_kind as destination_zone_kind,
    z.address_class as destination_address_class,
    z.country as destination_country,
    z.asn as destination_asn,
    z.as_organization as destination_as_organization
from main.connections c
left join dims.connection_names n on n.connection_uid = c.connection_uid
left join dims.dns_spans d on d.client_address = c.source_address and d.address = c.destination_address
    and c.time >= d.valid_from and c.time < d.valid_to
left join dims.odd_names w on w.name = coalesce(host_name(c.tls_client_server_name), host_name(c.destination_domain), n.name, d.name)
left join dims.addresses z on z.address = c.destination_address
where coalesce(c.network_direction, 'outbound') <> 'inbound';

/* Those that were answered: contacts. */
create view outbound_named as
select * exclude (is_contact)
from client_connections
where is_contact;

/* The same with the registered domain; the join stands apart, since most readers do not need it and the engine does not leave it out. */
create view outbound as
select o.*, d.registered_domain as destination_registered_domain
from outbound_named o
left join dims.domains d on d.name = o.destination_name;

/* Outbound traffic by cohort, pod, destination and hour: what the outbound detectors count. */
create table outbound_cells as
select
    cohort, phase, k8s_pod_name, destination, destination_name, destination_address, destination_port, network_transport, network_protocol_name,
    coalesce(destination_zone_kind, 'external') as zone_kind, coalesce(destination_zone, 'external') as zone, named_by,
    destination_country as country, destination_asn as asn, date_trunc('hour', time) as hour,
    connection_count(is_aggregated, source_address, source_port) as connections,
    bounded(sum(source_bytes)) as source_bytes,
    bounded(sum(destination_bytes)) as destination_bytes,
    max(source_bytes) as largest_upload,
    max(destination_bytes) as largest_download,
    max(duration_ms) as longest_ms,
    bounded(sum(duration_ms)) as duration_ms,
    count(*) filter (where connection_state in ('S1', 'OTH') and duration_ms is null or connection_state = 'S1') as never_closed,
    min(time) as first_seen,
    max(time) as last_seen,
    min(record_id, 20) filter (where cohort = 'canary') as evidence
from outbound_named
where cohort <> 'unknown'
group by all;

/* What workloads tried to reach and nobody answered, by cohort, pod, destination and port; ICMP is left out. */
create table attempt_cells as
select
    cohort, k8s_pod_name, destination, destination_name, destination_address, destination_port,
    coalesce(destination_zone_kind, 'external') as zone_kind, coalesce(destination_zone, 'external') as zone, connection_state,
    connection_count(is_aggregated, source_address, source_port) as attempts,
    min(time) as first_seen, max(time) as last_seen, min(record_id, 20) filter (where cohort = 'canary') as evidence
from client_connections
where not is_contact and cohort <> 'unknown' and destination is not null
    and not coalesce(is_icmp(network_transport), false)
group by all;

/* Destinations of the canary that the baseline contacts under another name, or none, at the same address, port and protocol. Only where one side lacks
   the name: a destination without one whose address the baseline contacts; one with a name, all of whose addresses the baseline contacts and never names. */
create table address_matches as
with known as (
    select destination_address, destination_port, network_transport, bool_or(destination_name is not null) as is_named
    from outbound_cells
    where cohort <> 'canary' and destination_address is not null
    group by all
), places as (
    select distinct destination, destination_name, destination_address, destination_port, network_transport
    from outbound_cells
    where cohort = 'canary' and destination is not null
)
select p.*
from places p
left join known k on k.destination_address = p.destination_address and k.destination_port is not distinct from p.destination_port
    and k.network_transport is not distinct from p.network_transport
qualify bool_and(coalesce(k.destination_address is not null and (p.destination_name is null or not k.is_named), false))
    over (partition by p.destination, p.destination_port);

/* What is compared: the cells, and those of the baseline once more under the destination of the canary that they match by address. */
create view compared_cells as
select * from outbound_cells
union all
select c.* replace (m.destination as destination, m.destination_name as destination_name)
from outbound_cells c
join address_matches m on m.destination_address = c.destination_address and m.destination_port is not distinct from c.destination_port
    and m.network_transport is not distinct from c.network_transport
where c.cohort <> 'canary' and c.destination <> m.destination;

/* Connections to addresses outside that have no name, and whether DNS evidence covers the client at that time: else a lookup may have gone unseen. */
create table unnamed_cells as
select o.cohort, o.k8s_pod_name, o.destination_address, o.destination_port, o.network_transport, c.client_address is not null as is_covered,
    count(*) as connections, bounded(sum(o.source_bytes)) as source_bytes, min(o.time) as first_seen, max(o.time) as last_seen,
    min(o.record_id, 20) filter (where o.cohort = 'canary') as evidence
from outbound_named o
left join dims.dns_cover c on c.client_address = o.source_address and o.time >= c.valid_from and o.time < c.valid_to
where o.destination_name is null and o.destination_address is not null and o.cohort <> 'unknown'
    and coalesce(o.destination_zone_kind, 'external') = 'external'
group by all;

/* Ports on which the baseline contacts three addresses or more that no name explains, such as those of time servers and peers: another one is usual there. */
create table raw_ports as
select destination_port, network_transport, count(distinct destination_address) as addresses,
    'addresses without a name, ' || coalesce(network_transport || ' ', '') || 'port ' || coalesce(destination_port::varchar, 'unknown') as burst
from unnamed_cells
where cohort <> 'canary' and is_covered
group by destination_port, network_transport
having count(distinct destination_address) >= 3;

create view allowed_destinations as
select distinct c.destination, c.destination_port
from outbound_cells c
join dims.allow a on (c.destination || ':' || c.destination_port) glob a.destination or c.destination glob a.destination
    or (c.destination_address || ':' || c.destination_port) glob a.destination;

/* Registered domains that the baseline, at any time, contacted or asked for, and by how many names. */
create table known_domains as
select d.registered_domain, count(*) as names
from dims.domains d
where d.registered_domain is not null and (
    exists (select 1 from outbound_cells c where c.destination_name = d.name and c.cohort in ('baseline', 'prior', 'after'))
    or exists (select 1 from main.dns_queries q where q.dns_question_name = d.name and q.cohort in ('baseline', 'prior', 'after'))
)
group by d.registered_domain;

/* Countries and network operators that the baseline, at any time, reached outside; known where `[enrich]` names files. */
create view known_networks as
select distinct country, asn from outbound_cells where cohort <> 'canary' and zone_kind = 'external';

/* What each destination (name, else address) and port is to both cohorts, with the support: pods, hours, days. Detectors of what is new read this.
   `prior_n` counts what lies before and behind the phases; `evidence` is of the canary. */
create table destinations as
with sums as (
    select
        destination, destination_port, min(destination_address) as destination_address, min(destination_name) as destination_name,
        min(network_transport) as network_transport, min(zone) as zone, min(zone_kind) as zone_kind, min(zone_kind) = max(zone_kind) as is_one_zone, bool_or(zone_kind = 'external') as is_external,
        coalesce(sum(connections) filter (where cohort = 'canary'), 0)::bigint as canary_n,
        coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_n,
        coalesce(sum(connections) filter (where cohort in ('prior', 'after')), 0)::bigint as prior_n,
        count(distinct k8s_pod_name) filter (where cohort = 'canary') as pods,
        count(distinct k8s_pod_name) filter (where cohort <> 'canary') as baseline_pods,
        count(distinct hour) filter (where cohort = 'canary') as hours,
        count(distinct hour) filter (where cohort <> 'canary') as baseline_hours,
        min(k8s_pod_name) filter (where cohort = 'canary') as pod,
        min(country) filter (where cohort = 'canary') as country, min(asn) filter (where cohort = 'canary') as asn,
        min(named_by) filter (where cohort = 'canary') as named_by,
        bounded(sum(source_bytes) filter (where cohort = 'canary')) as bytes_up,
        bounded(sum(destination_bytes) filter (where cohort = 'canary')) as bytes_down,
        bounded(sum(source_bytes) filter (where cohort <> 'canary')) as baseline_bytes_up,
        bounded(sum(destination_bytes) filter (where cohort <> 'canary')) as baseline_bytes_down,
        max(largest_upload) filter (where cohort = 'canary') as largest_upload,
        max(largest_upload) filter (where cohort <> 'canary') as baseline_largest_upload,
        max(largest_download) filter (where cohort = 'canary') as largest_download,
        max(largest_download) filter (where cohort <> 'canary') as baseline_largest_download,
        max(longest_ms) filter (where cohort = 'canary') as longest_ms,
        max(longest_ms) filter (where cohort <> 'canary') as baseline_longest_ms,
        sum(never_closed) filter (where cohort = 'canary')::bigint as never_closed,
        coalesce(sum(never_closed) filter (where cohort <> 'canary'), 0)::bigint as baseline_never_closed,
        min(first_seen) filter (where cohort = 'canary') as first_seen,
        max(last_seen) filter (where cohort = 'canary') as last_seen,
        flatten(list(evidence) filter (where cohort = 'canary')) as evidence
    from compared_cells
    where destination is not null
    group by destination, destination_port
), judged as (
    select
        s.*,
        d.registered_domain,
        k.names as known_names,
        k.names is not null as is_known_domain,
        case when s.baseline_n + s.prior_n = 0 then coalesce(
            case when k.names >= 5 then 'hosts of ' || d.registered_domain end,
            case when s.destination_name is null and s.is_external then (
                select min(r.burst) from raw_ports r where r.destination_port is not distinct from s.destination_port and r.network_transport is not distinct from s.network_transport
            ) end
        ) end as burst,
        (select min(w.reads) from dims.odd_names w where w.ascii = s.destination_name) as reads,
        coalesce(bool_or(s.baseline_n + s.prior_n > 0) over (partition by s.destination), false) as is_known_destination,
        exists (
            select 1 from allowed_destinations a
            where a.destination = s.destination and a.destination_port is not distinct from s.destination_port
        ) as is_allowed,
        exists (select 1 from known_networks k where k.country is not null)
            and not exists (select 1 from known_networks k where k.country = s.country) and s.country is not null as is_new_country,
        exists (select 1 from known_networks k where k.asn is not null)
            and not exists (select 1 from known_networks k where k.asn = s.asn) and s.asn is not null as is_new_operator
    from sums s
    left join dims.domains d on d.name = s.destination_name
    left join known_domains k on k.registered_domain = d.registered_domain
)
select
    *,
    nullif(list_filter([
        case when zone_kind = 'internal' and is_one_zone
            then {'name': 'internal_destination', 'change': -1, 'reason': 'the destination lies in an internal zone'}
        end,
        case when is_known_destination and baseline_n + prior_n = 0
            then {'name': 'known_destination', 'change': -1, 'reason': 'the baseline uses it on another port'}
        end,
        case when is_known_domain and not is_known_destination then {
            'name': 'known_domain', 'change': case when known_names >= 5 then -2 else -1 end,
            'reason': 'the baseline uses or asks for ' || case when known_names >= 5 then known_names || ' ' else '' end || 'other names of its registered domain'
        } end,
        case when burst is not null and destination_name is null
            then {'name': 'usual_without_name', 'change': -2, 'reason': 'the baseline contacts other addresses without a name on this port'}
        end,
        case when zone_kind = 'metadata' and is_one_zone and destination_port = 53
            then {'name': 'cloud_dns', 'change': -2, 'reason': 'on port 53 the metadata address answers DNS for the cloud, and hands out nothing else'}
        end,
        case when reads is not null
            then {'name': 'letters', 'change': 0, 'reason': 'its name is written in letters beyond ASCII and reads ' || reads}
        end,
        case when is_new_country and is_external
            then {'name': 'new_country', 'change': 0, 'reason': 'the baseline reaches no address in ' || country}
        end,
        case when is_new_operator and is_external
            then {'name': 'new_operator', 'change': 0, 'reason': 'the baseline reaches no address of AS' || asn}
        end
    ], lambda m: m is not null), []) as modifiers
from judged;

/* Destinations outside that a list names (queries/lists/destinations, `[[list]]`), by name, address or port. */
create view listed_destinations as
select d.destination, d.destination_port, l.kind, min(l.entry) as entry, max(l.date) as list_date, bool_and(l.is_port) as is_port_only
from destinations d
join (
    select destination, null::varchar as address, null::integer as port, kind, entry, date, false as is_port from dims.listed where destination is not null
    union all
    select null, address, null, kind, entry, date, false from dims.listed where address is not null
    union all
    select null, null, port, kind, entry, date, true from dims.lists where port is not null
) l on l.destination = d.destination_name or l.address = d.destination_address or l.port = d.destination_port
where d.is_external
group by d.destination, d.destination_port, l.kind;

/* Destinations to which the canary speaks an unencrypted protocol, as the sensor names it, else by the port. */
create view plain_destinations as
select destination, destination_port, min(coalesce(network_protocol_name, port_protocol(destination_port))) as protocol
from outbound_cells
where cohort = 'canary' and case
    when network_protocol_name is null then port_protocol(destination_port) is not null
    else network_protocol_name in ('http', 'ftp', 'telnet', 'ldap', 'redis', 'mysql', 'imap', 'pop3', 'snmp')
end
group by destination, destination_port;

/* Fingerprints and certificates of TLS, by whichever sensor saw them. */
create view tls_seen as
select cohort, k8s_pod_name, coalesce(host_name(tls_client_server_name), destination_address) as destination, destination_address, destination_port,
    tls_client_ja3, tls_server_subject, tls_server_issuer, time, record_id
from observed.connections
where (tls_client_ja3 is not null or tls_server_subject is not null) and coalesce(network_direction, 'outbound') <> 'inbound' and cohort <> 'unknown';

/* How much there is of both cohorts: totals of the detectors, and the support that comparisons rest on. */
create table outbound_totals as
select
    coalesce(sum(connections) filter (where cohort = 'canary'), 0)::bigint as canary_total,
    coalesce(sum(connections) filter (where cohort = 'baseline'), 0)::bigint as baseline_total,
    count(distinct k8s_pod_name) filter (where cohort = 'canary') as canary_pods,
    count(distinct k8s_pod_name) filter (where cohort = 'baseline') as baseline_pods,
    count(distinct hour) filter (where cohort = 'canary') as canary_hours,
    count(distinct hour) filter (where cohort = 'baseline') as baseline_hours,
    count(distinct hour::date) filter (where cohort = 'prior') as prior_days
from outbound_cells;

/* TLS handshakes, counted by one log, since a sensor tells of one connection in several. A log that knows versions saw handshakes; one that does
   not only saw that TCP was opened, and is asked where there is no other. Of several the log that saw most of the cohort it saw least of is taken. */
create view tls_handshakes as
with seen as (
    select cohort, phase, k8s_pod_name, time, source_address, destination_address, destination_port, tls_client_server_name, destination_domain,
        tls_protocol_version, is_established, coalesce(observer, '') as observer, record_id
    from observed.connections
    where network_protocol_name in ('tls', 'ssl') and is_established is not null
), chosen as (
    select observer
    from seen
    group by observer
    order by count(tls_protocol_version) > 0 desc,
        least(count(*) filter (where cohort = 'canary'), count(*) filter (where cohort = 'baseline')) desc, count(*) desc, observer
    limit 1
)
select
    s.cohort, s.phase, s.k8s_pod_name, s.time, s.source_address, s.destination_port, s.is_established, s.record_id,
    coalesce(s.tls_client_server_name, s.destination_domain, s.destination_address) as destination,
    s.phase not in ('before', 'after', 'between') as in_phase
from seen s
join chosen c on c.observer = s.observer;
