/* The text at a place of a JSON document; what is no text there is none: `$.error` may be an object. */
create or replace macro json_message(json, place) as case when json_type(json, place) = 'VARCHAR' then json_extract_string(json, place) end;

/* What an error says: the usual properties of JSON (RFC 9457 and custom), the title of a page, the first line of a text; 1,000 characters at most.
   `json` is the body where that is JSON. */
create or replace macro error_message(body, json) as left(coalesce(
    json_message(json, '$.message'), json_message(json, '$.error.message'), json_message(json, '$.error_description'), json_message(json, '$.detail'),
    json_message(json, '$.title'), json_message(json, '$.error'), json_message(json, '$.errors[0].message'), json_message(json, '$.reason'),
    nullif(trim(regexp_extract(body, '(?is)<title[^>]*>([^<]*)', 1)), ''),
    case when json is null then regexp_extract(ltrim(body), '^[^\r\n]*') end
), 1000);

/* How many things the largest list holds that a JSON document has at its root or one or two levels below. */
create or replace macro json_items(json) as
    greatest(json_array_length(json), list_max(json_array_length(json, '$.*')), list_max(json_array_length(json, '$.*.*')));

/* Whether the name of a property says something about a thing rather than what it is: emailVerified, passwordChangedAt, cardBrand, nextPageToken. */
create or replace macro is_about(path) as
    regexp_matches(path, '(?:[a-z]At|(?i:_at|(?:page|next|cursor|continuation)_?token|required|verified|enabled|visible|brand|type|count|policy|form|hint|label|format|length|status|date|expires?))$');
