/*
title = "Canary tells which accounts exist"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "request"
why = "Refusals at login, registration or reset differ by whether the account exists: attackers sort lists of addresses by that before they try passwords."
recommendation = "Answer the same, with the same status, size and time, whether the account exists or not."
false_positives = ["a refusal for another reason, such as a locked account"]
references = ["CWE-204", "CWE-203", "OWASP API2:2023"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 2
*/
with refused as (
    select http_request_method, route, form, message, cohort, time, record_id
    from error_forms
    where http_response_status_code in (400, 401, 403, 404, 409, 410, 422)
        and regexp_matches(lower(coalesce(route, '')), 'login|signin|sign-in|logon|auth|token|session|password|passwd|reset|forgot|recover|register|signup|sign-up|invite')
), forms as (
    select http_request_method, route, form, min(message) as message,
        count(*) filter (where cohort = 'canary') as canary_n,
        count(*) filter (where cohort in ('baseline', 'prior', 'after')) as other_n
    from refused
    group by all
), split as (
    select http_request_method, route,
        count(*) filter (where canary_n >= $min_responses) as canary_forms,
        count(*) filter (where other_n >= 1) as baseline_forms,
        bool_or(canary_n >= $min_responses and other_n = 0 and regexp_matches(lower(coalesce(message, '')),
            'not (?:found|exist|registered|known)|does ?n.?t exist|no (?:such )?(?:user|account|customer|member)|unknown (?:user|account|e-?mail)|wrong password|incorrect password|invalid password|password (?:is )?(?:incorrect|wrong|invalid)|already (?:registered|exists|taken|in use)')) as says_so
    from forms
    group by all
)
select r.http_request_method, r.route, min(s.canary_forms) as canary_forms, min(s.baseline_forms) as baseline_forms, bool_or(s.says_so) as says_so,
    count(*) filter (where r.cohort = 'canary') as canary_n, min(t.canary_total) as canary_total,
    0::bigint as baseline_n, min(t.baseline_total) as baseline_total, 0::bigint as prior_n,
    case when not bool_or(s.says_so)
        then [{'name': 'by_form_only', 'change': -1, 'reason': 'the messages do not speak of accounts; the forms differ'}]
    end as modifiers,
    min(r.time) filter (where r.cohort = 'canary') as first_seen, max(r.time) filter (where r.cohort = 'canary') as last_seen,
    min(distinct r.record_id, 20) filter (where r.cohort = 'canary') as evidence
from refused r
join split s on s.http_request_method is not distinct from r.http_request_method and s.route is not distinct from r.route
join exchange_totals t on t.http_request_method is not distinct from r.http_request_method and t.route is not distinct from r.route
where s.canary_forms >= 2 and s.canary_forms > s.baseline_forms and s.baseline_forms >= 1
group by r.http_request_method, r.route
order by r.http_request_method, r.route
