/*
title = "Canary fails in a form that the baseline does not know"
severity = "low"
confidence = "medium"
compare = "new_in_canary"
unit = "request"
why = "Errors of another form come from code that is new or from a handler that was lost; what they say was reviewed by nobody."
recommendation = "Look at one of them, and let the error handler of the service answer."
false_positives = ["a fault that simply did not happen on the baseline while it was sampled"]
references = ["CWE-209", "CWE-755"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "http_response_status_code", "form"]
[needs]
tables = ["http_exchanges"]
canary_rows = 20
baseline_rows = 20
[params]
min_responses = 1
min_baseline = 20
*/
/* The form is status, media type, properties and message without what differs from one to the next. Baseline pods are compared with each other in the
   same way: where one of them has errors that no other has, new ones on the canary say less. A form so rare that the baseline would have missed it by
   chance (1 in 20) is left out, unless it tells details. */
with forms as (
    select http_request_method, route, http_response_status_code, left(form, 300) as form,
        count(*) filter (where cohort = 'canary') as canary_n,
        count(*) filter (where cohort in ('baseline', 'prior', 'after')) as other_n,
        count(distinct k8s_pod_name) filter (where cohort = 'baseline') as baseline_pods,
        bool_or(structure is not null and regexp_matches(lower(structure), '"(stack|stacktrace|trace|exception|sql|query|debug|file|line)"')) filter (where cohort = 'canary') as tells,
        min(time) filter (where cohort = 'canary') as first_seen,
        max(time) filter (where cohort = 'canary') as last_seen,
        min(distinct record_id, 20) filter (where cohort = 'canary') as evidence
    from error_forms
    group by all
), noise as (
    select http_request_method, route, count(*) filter (where baseline_pods = 1 and other_n = 1) as lonely
    from forms
    where (select count(distinct k8s_pod_name) from exchange_facts where cohort = 'baseline') > 1
    group by all
)
select f.http_request_method, f.route, f.http_response_status_code, f.form,
    f.canary_n, t.canary_total, 0::bigint as baseline_n, t.baseline_total, 0::bigint as prior_n, coalesce(n.lonely, 0) as forms_of_one_baseline_pod,
    case
        when f.tells and n.lonely > 0 then null
        when f.tells then [{'name': 'tells_details', 'change': 1, 'reason': 'its properties are named like details of the code'}]
        when n.lonely > 0 then [{'name': 'baseline_pods_differ', 'change': -1, 'reason': 'baseline pods have errors of this route that only one of them shows'}]
    end as modifiers,
    f.first_seen, f.last_seen, f.evidence
from forms f
join exchange_totals t on t.http_request_method is not distinct from f.http_request_method and t.route is not distinct from f.route
left join noise n on n.http_request_method is not distinct from f.http_request_method and n.route is not distinct from f.route
where f.canary_n >= $min_responses and f.other_n = 0 and t.baseline_total + t.other_total >= $min_baseline
    and (f.tells or pow(1 - f.canary_n / t.canary_total, t.baseline_total + t.other_total) <= 0.05)
order by f.http_request_method, f.route, f.http_response_status_code, f.form
