/* How bad a log record is, by the words that loggers use (syslog, RFC 5424; java.util.logging, Log4j, Python, Go, Ruby, .NET). */
create or replace macro log_severity(level) as
    case
        when lower(trim(level)) in ('fatal', 'critical', 'crit', 'alert', 'emerg', 'emergency', 'panic', 'dpanic', 'severe', 'f', 'c') then 'critical'
        when lower(trim(level)) in ('error', 'err', 'eror', 'fail', 'e') then 'error'
        when lower(trim(level)) in ('warn', 'warning', 'w') then 'warning'
        when trim(level) <> '' then 'other'
    end;

/* Numbers and addresses in the name of a function tell one build or process from another, not one fault from another. */
create or replace macro stable_name(text) as
    regexp_replace(regexp_replace(text, '(:[0-9]+)+$|\(.*', ''), '0x[0-9a-fA-F]+|[0-9]+', '0', 'g');
/* The innermost function of a stack trace, without file lines: `at a.b.C.method(...)` of the JVM, .NET and JavaScript, the last
   `File "...", line 1, in function` of Python, the first call below `goroutine` of Go, `file.rb:1:in 'method'` of Ruby. NULL where none is found.
   The first 20,000 characters are read: RE2 takes 0.1 ms for them. */
create or replace macro stack_frame(stack) as
    nullif(stable_name(coalesce(
        nullif(regexp_extract(left(stack, 20000), '(?m)^\s+at (?:async |new )?([^\s(]+)', 1), ''),
        nullif(regexp_replace(
            regexp_extract(left(stack, 20000), '(?s).*File "(?:[^"\n]*/)?([^"/\n]+", line [0-9]+, in [^\s]+)', 1), '", line [0-9]+, in ', ':'), ''),
        nullif(regexp_extract(left(stack, 20000), '(?m)^goroutine [^\n]*\n([^\s(]+(?:\(\*[A-Za-z_0-9]+\)[^\s(]*)?)', 1), ''),
        nullif(regexp_replace(
            regexp_extract(left(stack, 20000), '([^\s/:]+:[0-9]+:in [`''][^''\n]+)', 1), ':[0-9]+:in [`'']', ':'), '')
    )), '');

/* The name of an exception without its message: what stands before a blank, a parenthesis or a colon that is no part of `::`. */
create or replace macro exception_name(type) as
    nullif(regexp_extract(left(trim(type), 300), '^[^\s(:]+(?:::[^\s(:]+)*', 0), '');

/* A message without what differs from record to record: quoted text, values after =, words with a digit or an at sign, and what may name a person
   (words behind `user`, `customer` and the like, capitalised words that do not begin the message) are *. The first line, 300 characters at most. What else varies is found by comparison (queries/views/45_logs.sql). */
create or replace macro log_template(message) as
    left(trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        regexp_extract(left(trim(message), 1000), '^[^\r\n]*'),
        '"[^"]*"|`[^`]*`|(^|[\s=(\[{,:])''[^'']*''', '\1*', 'g'),
        '=[^\s,;)\]}]+', '=*', 'g'),
        '(?i)\b(user|username|customer|patient|member|employee|owner|recipient)(:? )[^\s,;*]+', '\1\2*', 'g'),
        '([\pL\pN*,] )(?:\p{Lu}[''’])?\p{Lu}[\p{Ll}''’-]+\b(?: (?:\p{Lu}[''’])?\p{Lu}[\p{Ll}''’-]+\b)*', '\1*', 'g'),
        '[^\s,;()\[\]{}<>|=]*[0-9@][^\s,;()\[\]{}<>|=]*', '*', 'g'),
        '\s+', ' ', 'g'),
        '\*(?: \*)+', '*', 'g')), 300);
