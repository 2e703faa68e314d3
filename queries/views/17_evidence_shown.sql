/* What records of the canary show, for `shown` in the front matter of detectors: tokens, accounts and roles are often taken out of exports, and where they are,
   nothing found means nothing. `otherwise` is the reason that is told then. */
create table evidence_shown as
select * from (values
    ('tokens', 'no canary sample shows a token that can be read',
        (select count(*) from access_samples where cohort = 'canary' and token_state is not null and token_state <> 'opaque')),
    ('sessions', 'no canary record shows a session', (select count(*) from sessions where cohort = 'canary')),
    ('credentials', 'no canary record shows a session or a readable token, and whose it is',
        (select count(*) from sessions where cohort = 'canary' and is_somebodys)
        + (select count(*) from access_samples where cohort = 'canary' and token_state <> 'opaque' and (user_key is not null or tenant is not null))),
    ('accounts', 'no canary record names the account that asked', (select count(*) from access_events where cohort = 'canary' and user_id is not null)),
    ('objects', 'no canary record shows who was given which object', (select count(*) from object_touches where is_canary)),
    ('tenants', 'no canary sample says of which tenant its caller is',
        (select count(*) from access_samples where cohort = 'canary' and said_tenant is not null and user_key is not null)),
    ('roles', 'no canary record shows a role', (select count(*) from access_cells where cohort = 'canary' and role is not null))
) t(what, otherwise, canary_records)
order by what;
