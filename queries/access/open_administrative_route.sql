/*
title = "Canary answers anybody on an administrative route that the baseline does not have"
severity = "high"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "A console, metrics, debug or configuration route that the baseline does not have is answered without a proof of who asks."
recommendation = "Take the route away or put a check before it, and read what it returned."
false_positives = ["a documented, public health or documentation route of the release"]
references = ["CWE-489", "CWE-1295", "OWASP API9:2023", "ATT&CK T1595.003"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
administrative = "(?:^|[/._-])(?:admin[a-z]*|actuator|debug|metrics|internal|swagger[a-z-]*|graphiql|graphql|console|manage(?:ment)?|phpinfo|phpmyadmin|jolokia|pprof|trace|heapdump|env|config|git|\\\\.env|\\\\.git|backup|setup|install)(?:$|[/._-])"
*/
/* New is a route with a method that no source saw on the baseline, whatever it answered. Browsers send OPTIONS without a proof. Another spelling of a route that
   refuses is told by path_confusion. */
with known as (
    select distinct http_request_method, route from access_matrix where baseline_allow + baseline_deny > 0
), spelled as (
    select distinct r.route, u.http_request_method
    from dims.spellings s
    join dims.routes r on r.url_path = s.url_path
    join usual_refusals u on u.route = s.plain_route
), fresh as (
    select c.http_request_method, c.route, c.principal, c.source,
        sum(c.requests)::bigint as canary_total, sum(c.requests) filter (where c.decision = 'allow')::bigint as canary_n,
        min(c.first_seen) filter (where c.decision = 'allow') as first_seen, max(c.last_seen) filter (where c.decision = 'allow') as last_seen,
        flatten(list(c.evidence order by c.evidence) filter (where c.decision = 'allow')) as evidence
    from access_cells c
    left join known k on k.http_request_method is not distinct from c.http_request_method and k.route = c.route
    left join spelled s on s.http_request_method is not distinct from c.http_request_method and s.route = c.route
    where c.side = 'canary' and k.route is null and s.route is null and c.http_request_method is distinct from 'OPTIONS' and c.principal in ('anonymous', 'caller unknown') and regexp_matches(lower(c.route), $administrative)
    group by all
    having sum(c.requests) filter (where c.decision = 'allow') > 0
)
select http_request_method, route, principal as caller, canary_n, canary_total, 0::bigint as baseline_n, 0::bigint as baseline_total, 0::bigint as prior_n, first_seen, last_seen, evidence,
    case when principal = 'caller unknown' then [{'name': 'callers_unknown', 'change': -2, 'reason': 'nobody knows whether these callers had signed in'}] end as modifiers
from fresh
qualify row_number() over (partition by http_request_method, route order by principal, canary_n desc, source) = 1
order by http_request_method, route
