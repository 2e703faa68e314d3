/* What kind of thing a text is, never what it says: values of different people are compared by this alone. (`[\pL_-]{1,40}` as one pattern takes 8
   microseconds a text: its automaton has forty copies of all letters.) */
create or replace macro value_class(x) as
    case
        when trim(x) = '' then 'empty text'
        when length(x) <= 40 and not regexp_matches(x, '[^\pL_-]') then case when is_masked(x) then 'masked' else 'word' end
        when is_masked(x) then 'masked'
        when regexp_full_match(x, '\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?|[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} .*') then 'time'
        when contains(x, ' ') then 'text'
        when regexp_full_match(x, '[+-]?\d+(?:[.,]\d+)?') then 'digits'
        when regexp_full_match(x, '(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}') then 'uuid'
        when regexp_full_match(x, '(?i)[0-9a-f]{16,}') then 'hexadecimal'
        when starts_with(x, '/') then 'path'
        when regexp_full_match(x, '[^\s@]+@[^\s@]+\.[^\s@]+') then 'e-mail address'
        when regexp_full_match(x, '\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}') then 'address'
        when regexp_full_match(x, '(?i)[a-z][a-z0-9+.-]{1,20}://.*') then 'URL'
        when regexp_full_match(x, '[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*') then 'token'
        when regexp_full_match(x, '[A-Za-z0-9+/_=~-]{20,}') and regexp_matches(x, '\d') then 'token'
        else 'text'
    end;

/* An element of a page by its tag and what it is called or leads to: form[action=/login], input[name=password], script[src=cdn.example]. Hosts of links are
   told, paths of forms, names of fields; what holds a digit is *. */
create or replace macro page_element(tag) as
    lower(regexp_extract(tag, '^<([A-Za-z]+)', 1)) || coalesce('[' || nullif(regexp_replace(lower(left(concat_ws(' ',
        nullif(regexp_extract(tag, '(?i)\b(?:src|href)\s*=\s*["'']?(?:[a-z]+:)?(//[^/"''\s>?#]+)', 1), ''),
        nullif(regexp_extract(tag, '(?i)\baction\s*=\s*["'']?([^"''\s>?#]+)', 1), ''),
        nullif(regexp_extract(tag, '(?i)\btype\s*=\s*["'']?([^"''\s>]+)', 1), ''),
        nullif(regexp_extract(tag, '(?i)\bname\s*=\s*["'']?([^"''\s>]+)', 1), '')), 120)), '[^\s/]*[0-9@][^\s/]*', '*', 'g'), '') || ']', '');
