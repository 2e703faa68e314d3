/*
title = "Role is let in on the canary where the baseline refuses it"
severity = "critical"
confidence = "high"
compare = "changed"
unit = "request"
why = "The baseline refuses this kind of caller on the route; one answered request on the canary shows that the check is gone or asks for less."
recommendation = "Take the canary out of traffic, restore the check of the role, and treat what the route returned to this role as disclosed."
false_positives = ["the role was given the right on purpose in this release", "a right that depends on the object: look whether the object was the caller's own"]
references = ["CWE-863", "CWE-285", "OWASP API5:2023", "OWASP A01:2021", "ATT&CK T1078"]
personal_data = true
gdpr = ["32", "33"]
fingerprint = ["http_request_method", "route", "principal"]
[needs]
shown = ["roles"]
tables = ["http_requests", "http_exchanges"]
either = true
canary_rows = 1
clean_rows = 20
baseline_rows = 5
[params]
min_denied = 5
min_callers = 2
min_unproven_callers = 3
many_callers = 20
max_p = 0.01
*/
/* 401 to a caller who is known says that the proof was not accepted (it expired), not that the role may not enter: such refusals count where several callers met
   them. Where the baseline lets in a few, the canary must let in clearly more (Fisher's exact test). */
with flipped as (
    select source, http_request_method, route, principal,
        canary_allow as canary_n, canary_allow + canary_deny + canary_unknown as canary_total, baseline_n, baseline_total, prior_n,
        baseline_deny as baseline_denied, baseline_refused_callers as refused_callers
    from access_matrix
    where principal <> 'anonymous' and canary_allow > 0
        and baseline_deny >= $min_denied and baseline_deny >= 19 * baseline_allow
        and (baseline_forbidden >= $min_denied and baseline_refused_callers >= $min_callers or baseline_refused_callers >= $min_unproven_callers)
        and (baseline_allow = 0 or chance <= $max_p)
    qualify row_number() over (partition by http_request_method, route, principal order by canary_allow desc, source) = 1
), requests_behind as (
    select source, http_request_method, route, principal,
        min(first_seen) as first_seen, max(last_seen) as last_seen, flatten(list(evidence order by evidence)) as evidence, bool_and(attack is not null) as is_probing
    from access_cells
    where side = 'canary' and decision = 'allow'
    group by all
), named as (
    select distinct source, http_request_method, route
    from access_matrix
    where baseline_allow > 0 and principal not in ('anonymous', 'caller unknown')
), probed as (
    select distinct http_request_method, route, principal
    from access_cells
    where side = 'baseline' and decision = 'deny' and attack is not null
)
select f.http_request_method, f.route, f.principal, f.source, f.canary_n, f.canary_total, f.baseline_n, f.baseline_total, f.prior_n, f.baseline_denied, f.refused_callers,
    b.first_seen, b.last_seen, b.evidence,
    case
        when f.principal = 'caller unknown' and n.route is not null
            then [{'name': 'account_unnamed', 'change': -1, 'reason': 'the log names the accounts of others on this route, and none for these'}]
        when f.principal = 'caller unknown' or ends_with(f.principal, ' (role unknown)')
            then [{'name': 'role_unknown', 'change': case when f.refused_callers >= $many_callers then -2 else -3 end, 'reason': 'nobody knows which role these callers have'}]
        when b.is_probing and p.route is not null then [{'name': 'known_probe', 'change': 1, 'reason': 'the baseline refuses the same probing'}]
    end as modifiers
from flipped f
join requests_behind b on b.source = f.source and b.http_request_method is not distinct from f.http_request_method and b.route = f.route and b.principal = f.principal
left join named n on n.source = f.source and n.http_request_method is not distinct from f.http_request_method and n.route = f.route
left join probed p on p.http_request_method is not distinct from f.http_request_method and p.route = f.route and p.principal = f.principal
order by http_request_method, route, principal
