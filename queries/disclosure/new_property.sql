/*
title = "Canary returns properties that the baseline does not"
severity = "medium"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "More of an object leaves than before (excessive data exposure); names such as password, token, role or salary say how much it matters."
recommendation = "Return the properties that callers of this role need by name, and remove the others."
false_positives = ["a documented, reviewed extension of the interface"]
references = ["CWE-213", "CWE-201", "OWASP API3:2023"]
personal_data = true
gdpr = ["5(1)(c)", "25", "32", "33"]
fingerprint = ["http_request_method", "route", "json_path"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
min_baseline = 5
*/
/* Compared among answers to the same role: what an administrator was always given is new for a user. Of a new object only itself is told, and those of
   its properties whose names weigh. */
with asked as (
    select http_request_method, route, coalesce(user_role, '') as role, cohort, structure, time, record_id
    from response_bodies
    where structure is not null and http_response_status_code between 200 and 299
), known as (
    select http_request_method, route, role from asked
    where cohort = 'baseline'
    group by all
    having count(*) >= $min_baseline
), by_role as (
    select a.http_request_method, a.route, a.role, s.json_path,
        count(*) filter (where a.cohort = 'canary') as canary_n,
        count(*) filter (where a.cohort in ('baseline', 'prior', 'after')) as other_n,
        min(a.time) filter (where a.cohort = 'canary') as first_seen,
        max(a.time) filter (where a.cohort = 'canary') as last_seen,
        min(distinct a.record_id, 20) filter (where a.cohort = 'canary') as evidence
    from asked a
    join known k on k.http_request_method is not distinct from a.http_request_method and k.route is not distinct from a.route and k.role = a.role
    join dims.structures s on s.structure = a.structure
    group by all
), fresh as (
    select http_request_method, route, json_path,
        regexp_replace(json_path, '(?:\[\])*\.[^.]*$', '') as parent,
        string_agg(nullif(role, ''), ', ' order by role) as roles,
        sum(canary_n)::bigint as canary_n,
        min(first_seen) as first_seen, max(last_seen) as last_seen,
        min(evidence) as evidence
    from by_role
    where canary_n > 0 and other_n = 0
    group by all
), weighed as (
    select http_request_method, route, json_path, parent, roles, canary_n, first_seen, last_seen, evidence,
        regexp_matches(lower(json_path), '(?:passw|pwd|secret|token|hash|salt|private|api_?key|credential|ssn|social|iban|card|cvv|pin|otp|mfa|session)[^.]*$') as is_secret,
        regexp_matches(lower(json_path), '(?:role|admin|permission|scope|internal|debug|trace|salary|mail|phone|mobile|birth|dob|address|gender|religion|health|location|owner|user|note)[^.]*$') as is_sensitive
    from fresh
)
select w.http_request_method, w.route, w.json_path, w.roles,
    w.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n,
    case when w.is_secret then [{'name': 'named_like_a_secret', 'change': 1, 'reason': 'the name says that it is not for callers'}]
        when not w.is_sensitive then [{'name': 'plain_name', 'change': -1, 'reason': 'the name says nothing of people or secrets'}]
    end as modifiers,
    w.first_seen, w.last_seen, w.evidence
from weighed w
join exchange_totals t on t.http_request_method is not distinct from w.http_request_method and t.route is not distinct from w.route
where w.canary_n >= $min_responses
    and (w.is_secret or not exists (
        select 1 from weighed o
        where o.json_path = w.parent and o.http_request_method is not distinct from w.http_request_method and o.route is not distinct from w.route
    ))
order by w.http_request_method, w.route, w.json_path
