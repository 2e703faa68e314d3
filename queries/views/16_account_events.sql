/* What identity providers and applications say of accounts: events of the source that saw most of the cohort it saw least of; the audit log of the
   cluster stands apart. */
create view account_events as
with chosen as (
    select observer
    from dims.observer_counts
    where table_name = 'auth_events' and observer is distinct from 'kubernetes.audit'
    group by observer
    order by least(coalesce(sum(rows) filter (where cohort = 'canary'), 0), coalesce(sum(rows) filter (where cohort = 'baseline'), 0)) desc, sum(rows) desc, observer
    limit 1
)
select a.cohort, a.phase, a.phase not in ('before', 'after', 'between') as in_phase, a.time, a.record_id, coalesce(a.event_action, '') as event_action, a.event_outcome, a.event_reason,
    a.user_id, a.user_name, coalesce(a.user_id, a.user_name) as account, a.user_roles, lower(a.authentication_kind) as authentication_kind, a.client_address,
    coalesce(a.user_id, a.user_name, a.session_id, a.client_address) as unit_key, a.attributes,
    regexp_matches(lower(a.event_action), 'log.?[io]n|sign.?in|sign.?on|authenticat|token') and not regexp_matches(lower(a.event_action), 'revoke|fail.?over') as is_sign_in
from observed.auth_events a
join chosen c on c.observer is not distinct from a.observer;

/* Roles of accounts, role by role, as events name them. */
create view account_roles as
select e.cohort, e.phase, e.time, e.record_id, e.account, coalesce(m.role, e.role) as role,
    regexp_matches(lower(coalesce(m.role, e.role)), 'admin|root|owner|superuser|super.?user|system:masters|operator') as is_administrator
from (select cohort, phase, time, record_id, account, unnest(user_roles) as role from account_events where account is not null) e
left join dims.roles m on m.value = lower(e.role);

/* What accounts did in the cluster that reaches beyond their work, by the audit log; accounts of the cluster itself (`system:` names that are no
   service account) are left out. `before` is what lies before the first phase. */
create view cluster_deeds as
select e.*, a.zone, a.address_class
from (
    select time, record_id, user_name, client_address, event_outcome, event_action, phase not in ('before', 'after', 'between') as in_phase, phase = 'before' as is_before,
        starts_with(user_name, 'system:serviceaccount:') as is_service_account,
        case
            when attributes is not null and json_exists(attributes, '$.impersonated_user') and json_type(attributes, '$.impersonated_user') <> 'NULL' then 'acts as somebody else'
            when resource_kind in ('pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers') then 'enters pods'
            when resource_kind = 'secrets' and regexp_matches(event_action, '^(?:get|list|watch)') then 'reads secrets'
            when resource_kind = 'serviceaccounts/token' then 'issues tokens'
            when regexp_matches(resource_kind, '^(?:cluster)?role(?:binding)?s$') and regexp_matches(event_action, '^(?:create|update|patch|bind|escalate)') then 'changes rights'
        end as deed
    from observed.auth_events
    where observer = 'kubernetes.audit' and not (starts_with(coalesce(user_name, ''), 'system:') and not starts_with(user_name, 'system:serviceaccount:'))
) e
left join dims.addresses a on a.address = e.client_address;
