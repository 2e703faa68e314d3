/* What went wrong, as application logs tell it: records with an exception, and records of level error and above, without what differs from
   record to record. A word is * as well where more than five others stand in its place, or where it names an account of this case. */
create table dims.log_templates as
with messages as (
    select distinct log_template(message) as message_template
    from main.app_logs
    where exception_type is null and log_severity(log_level) in ('error', 'critical') and message is not null
), words as (
    select message_template, string_split(message_template, ' ') as words from messages
), places as (
    select message_template, words, unnest(range(1, least(len(words), 30) + 1)) as place from words
), masked as (
    select message_template, place, words[place] as word, array_to_string(words[:place - 1] || ['*'] || words[place + 1:], ' ') as form from places
), varying as (
    select form from masked where word <> '*' group by form having count(*) > 5
), people as (
    select distinct lower(user_id) as name from facts.http_requests where user_id is not null
    union select distinct lower(user_id) from facts.http_exchanges where user_id is not null
    union select distinct lower(unnest([user_id, user_name])) from facts.auth_events
), hidden as (
    select message_template, list(distinct place) as places
    from masked
    where form in (select form from varying) or trim(lower(word), '.,:;!?()[]<>') in (select name from people where name is not null)
    group by message_template
)
select w.message_template,
    case when h.places is null then w.message_template
        else array_to_string(list_transform(w.words, lambda word, i: case when list_contains(h.places, i) then '*' else word end), ' ')
    end as template
from words w
left join hidden h on h.message_template = w.message_template
order by w.message_template;

create view log_faults as
select
    l.cohort, l.phase, l.time, l.k8s_pod_name, l.record_id, log_severity(l.log_level) as severity, exception_name(l.exception_type) as exception_type,
    case when l.exception_type is not null then coalesce(stack_frame(l.exception_stacktrace), '') end as exception_frame,
    t.template as log_template
from main.app_logs l
left join dims.log_templates t on l.exception_type is null and log_severity(l.log_level) in ('error', 'critical')
    and t.message_template = log_template(l.message)
where l.exception_type is not null or t.template is not null;
