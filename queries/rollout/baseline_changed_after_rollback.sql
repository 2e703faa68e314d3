/*
title = "Baseline behaves differently after the rollback than before the canary"
severity = "medium"
confidence = "medium"
compare = "changed"
unit = "client"
why = "A rollback is meant to restore the state before. A baseline that fails or refuses more often afterwards was changed on the way: by data the canary wrote, by a migration, or by an old flaw that came back."
recommendation = "Look for migrations, caches and configuration that the canary left behind, and compare the versions that run now."
false_positives = ["another time of day with other callers", "a cache that has to fill again"]
references = ["CWE-1329"]
personal_data = false
gdpr = ["32"]
fingerprint = ["http_request_method", "route", "outcome"]
[needs]
tables = ["http_requests"]
canary_rows = 0
baseline_rows = 0
known = ["rollback"]
[params]
min_callers = 20
min_points = 0.1
sigmas = 4
*/
/* Callers with at least one such answer; the baseline before the first phase against the baseline after the last. */
with callers as (
    select http_request_method, route, cohort, coalesce(unit_key, record_id) as caller,
        bool_or(http_response_status_code between 500 and 599) as failed,
        bool_or(http_response_status_code in (401, 403)) as refused,
        max(time) as time, max(record_id) as record_id,
        max(record_id) filter (where http_response_status_code between 500 and 599) as failed_id,
        max(record_id) filter (where http_response_status_code in (401, 403)) as refused_id
    from requests
    where cohort in ('prior', 'after') and route is not null and not is_synthetic
    group by all
), outcomes as (
    select http_request_method, route, cohort, 'failed' as outcome, failed as happened, time, coalesce(failed_id, record_id) as record_id from callers
    union all
    select http_request_method, route, cohort, 'refused', refused, time, coalesce(refused_id, record_id) from callers
), shares as (
    select http_request_method, route, outcome,
        count(*) filter (where cohort = 'after' and happened) as after_n, count(*) filter (where cohort = 'after') as after_total,
        count(*) filter (where cohort = 'prior' and happened) as prior_n, count(*) filter (where cohort = 'prior') as prior_total,
        min(time) filter (where cohort = 'after' and happened) as first_seen, max(time) filter (where cohort = 'after') as last_seen,
        min(record_id, 20) filter (where cohort = 'after' and happened) as evidence
    from outcomes
    group by all
), judged as (
    select *, after_n / after_total::double as after_share, prior_n / prior_total::double as prior_share,
        (after_n + prior_n) / (after_total + prior_total)::double as overall
    from shares
    where after_total >= $min_callers and prior_total >= $min_callers
)
select
    s.http_request_method, s.route, s.outcome, s.after_n, s.after_total, round(s.after_share, 6) as after_share, s.prior_total, round(s.prior_share, 6) as prior_share,
    0::bigint as canary_n, 0::bigint as canary_total, s.after_n as baseline_n, s.after_total as baseline_total, s.prior_n,
    coalesce(s.first_seen, s.last_seen) as first_seen, s.last_seen, s.evidence
from judged s
cross join dims.rollout_window w
where w.rollback_at is not null
    and abs(s.after_share - s.prior_share) >= $min_points
    and abs(s.after_share - s.prior_share) > $sigmas * sqrt(s.overall * (1 - s.overall) * (1.0 / s.after_total + 1.0 / s.prior_total))
order by s.http_request_method, s.route, s.outcome
