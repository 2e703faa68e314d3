/* What a case must know, and what its records must show, before a detector can speak: `known` and `shown` in the front matter name these views. One row each:
   `is_known`, and the reason that is told otherwise. Tokens, accounts and roles are often taken out of exports; where they are, nothing found means nothing. */
create view known_rollback as
select count(*) > 0 as is_known, 'no rollback is known: canary.toml has no rollback_at, and no rollout event tells one' as otherwise
from dims.rollout_window
where rollback_at is not null;

create view known_phases as
select count(*) > 0 as is_known, 'no phases are known: neither canary.toml nor rollout events tell any' as otherwise
from dims.phases;

create view known_moments as
select exists (from main.connections where not coalesce(is_aggregated, false)) as is_known,
    'intervals are not assessable: the connections come from an aggregated flow log, which does not tell when each began' as otherwise;

create view known_fingerprints as
select exists (from tls_seen where tls_client_ja3 is not null) as is_known, 'no sensor tells fingerprints of TLS clients' as otherwise;

create view known_certificates as
select exists (from tls_seen where tls_server_subject is not null) as is_known, 'no sensor tells certificates' as otherwise;

create view known_programs as
select exists (from main.connections where process_executable_path is not null) as is_known, 'no sensor tells which program opened a connection' as otherwise;

create view known_lookups as
select case
        when not exists (from main.dns_queries where cohort = 'canary' and client_address is not null) then false
        else count(*) = 0 or bool_or(is_covered)
    end as is_known,
    'no DNS evidence covers the pods of the canary when they connect to addresses without a name' as otherwise
from unnamed_cells
where cohort = 'canary';

create view known_earlier_days as
select coalesce(max(prior_days), 0) >= 3 as is_known, 'fewer than three days before the rollout are in evidence' as otherwise
from outbound_totals;

create view known_allow as
select count(*) > 0 as is_known, 'canary.toml has no [[allow]] rule that is in force' as otherwise
from dims.allow;

create view shown_tokens as
select exists (from access_samples where cohort = 'canary' and token_state <> 'opaque') as is_known, 'no canary sample shows a token that can be read' as otherwise;

create view shown_sessions as
select exists (from sessions where cohort = 'canary') as is_known, 'no canary record shows a session' as otherwise;

create view shown_credentials as
select exists (from sessions where cohort = 'canary' and is_somebodys)
    or exists (from access_samples where cohort = 'canary' and token_state <> 'opaque' and (user_key is not null or tenant is not null)) as is_known,
    'no canary record shows a session or a readable token, and whose it is' as otherwise;

create view shown_accounts as
select exists (from access_events where cohort = 'canary' and user_id is not null) as is_known, 'no canary record names the account that asked' as otherwise;

create view shown_objects as
select exists (from object_touches where is_canary) as is_known, 'no canary record shows who was given which object' as otherwise;

create view shown_tenants as
select exists (from access_samples where cohort = 'canary' and said_tenant is not null and user_key is not null) as is_known,
    'no canary sample says of which tenant its caller is' as otherwise;

create view shown_roles as
select exists (from access_cells where cohort = 'canary' and role is not null) as is_known, 'no canary record shows a role' as otherwise;
