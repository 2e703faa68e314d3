/*
title = "Canary believes a client that claims an internal address"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "A client from outside that writes 127.0.0.1 or a private address into a forwarding header is let in where it is refused otherwise: the canary trusts the header."
recommendation = "Take the client's address from the hop that is known, and remove these headers at the edge."
false_positives = ["a proxy of the team outside of the zones of canary.toml"]
references = ["CWE-290", "CWE-348", "OWASP API2:2023", "ATT&CK T1190"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "forwarding_header"]
[needs]
tables = ["http_exchanges"]
canary_rows = 1
clean_rows = 20
baseline_rows = 1
*/
with marked as (
    select s.http_request_method, s.route, s.inner_address_header as forwarding_header, s.cohort, s.decision, s.time, s.record_id
    from access_samples s
    join usual_refusals u on u.http_request_method is not distinct from s.http_request_method and u.route = s.route and u.principal = s.principal
    left join dims.addresses a on a.address = s.client_address
    where s.inner_address_header is not null and coalesce(a.address_class not in ('private', 'loopback', 'link_local', 'unique_local', 'carrier_nat'), true)
)
select http_request_method, route, forwarding_header,
    count(*) filter (where cohort = 'canary' and decision = 'allow') as canary_n,
    count(*) filter (where cohort = 'canary') as canary_total,
    count(*) filter (where cohort = 'baseline' and decision = 'allow') as baseline_n,
    count(*) filter (where cohort = 'baseline') as baseline_total,
    count(*) filter (where cohort in ('prior', 'after') and decision = 'allow') as prior_n,
    min(time) filter (where cohort = 'canary' and decision = 'allow') as first_seen,
    max(time) filter (where cohort = 'canary' and decision = 'allow') as last_seen,
    min(record_id, 20) filter (where cohort = 'canary' and decision = 'allow') as evidence
from marked
group by http_request_method, route, forwarding_header
having canary_n > 0
order by http_request_method, route, forwarding_header
