"""Where matches are reported, how values are told apart, and that hostile bodies cost linear time."""

from __future__ import annotations

import json
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.scan import Match, default_scanner, scan_text
from forensics.scan.json_strings import is_valid, literal, looks_like_json, path_text, strings, unescape
from forensics.scan.sieve import doubtful

SCANNER = default_scanner()
JANE = "jane@example.com"


def mails(text: str, content_type: str | None = "application/json") -> list[Match]:
    return [match for match in scan_text(SCANNER, text, content_type) if match.pattern == "pii.email"]


def paths(text: str) -> list[str]:
    return [match.json_path for match in mails(text)]


def test_a_match_says_what_was_found() -> None:
    """A match carries pattern, class, risk, place and a masked sample; its repr hides the value."""
    (match,) = mails(f"to {JANE}", "text/plain")
    assert (match.pattern, match.pattern_class, match.severity, match.confidence) == (
        "pii.email",
        "pii",
        "medium",
        "medium",
    )
    assert (match.start, match.end, match.json_path, match.masked) == (3, 19, "", "j***@e***.com")
    assert match.value == JANE
    assert JANE not in repr(match)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"customer":{"contact":{"email":"jane@example.com"}}}', "$.customer.contact.email"),
        ('[{"email":"jane@example.com"}]', "$[].email"),
        ('{"items":[{"to":["x","jane@example.com"]}]}', "$.items[].to[]"),
        ('{"a":{"b":1},"c":[[{"d":2}],["jane@example.com"]]}', "$.c[][]"),
        ('{"a":[1,{"b":null}],"e":"jane@example.com"}', "$.e"),
        ('"jane@example.com"', "$"),
        ('{"jane@example.com":{"n":1}}', "$.*"),
        ('{"jane@example.com":{"n":"joe@example.com"}}', "$.*"),
        ('{"u-10001234":{"mail":"jane@example.com"}}', "$.*.mail"),
        ('{"first name":"jane@example.com"}', "$.*"),
        ('{"k\\u0065y":"jane@example.com"}', "$.*"),
        ('\ufeff{"a" : "jane@example.com"}', "$.a"),
        (')]}\',\n{"a":"jane@example.com"}', "$.a"),
        ('{"a":"jane@example.com","b":"cut of', "$.a"),
        ('{"a":1}\n{"b":"jane@example.com"}', "$.b"),
        ('{"a":"say \\"hi\\" to jane@example.com"}', "$.a"),
    ],
)
def test_paths_name_the_property(text: str, path: str) -> None:
    """A match in JSON names its property; keys that are data show as a star, so a path never leaks them."""
    assert path in paths(text)
    assert not any("@" in found or "jane" in found for found in paths(text))


def test_deep_paths_are_folded() -> None:
    """A path shows its last 32 components and two dots for what lies above."""
    (path,) = paths('{"a":' * 50 + f'"{JANE}"' + "}" * 50)
    assert path == "$." + ".a" * 32


@pytest.mark.parametrize(
    "text",
    [
        '{"email":"jane@example.com"}',
        '{"n":"ünïcödé 😀","email":"jane@example.com"}',
        '{"t":"line\\n\\tjane@example.com\\u0021"}',
        '["jane@example.com","\\u00fc jane@example.com"]',
        'größer "jane@example.com" 😀 <jane@example.com>',
        '{"a":"jane@example.com, jane@example.com\\n jane@example.com"}',
    ],
)
def test_offsets_point_at_the_value(text: str) -> None:
    """Offsets are characters of the text as received, with other scripts and escapes around."""
    found = mails(text)
    assert len(found) == text.count(JANE)
    assert len({match.start for match in found}) == len(found)
    assert all(text[match.start : match.end] == JANE for match in found)


def test_a_value_behind_escapes_is_the_literal() -> None:
    """What shows only when decoded is reported at the string literal that holds it, quotes included."""
    text = '{"id":7,"email":"jane\\u0040example.com","next":null}'
    (match,) = mails(text)
    assert text[match.start : match.end] == '"jane\\u0040example.com"'
    assert match.value == JANE
    assert match.json_path == "$.email"


def test_every_character_may_be_escaped() -> None:
    """Escaping each character hides nothing from gate or expression."""
    text = '{"email":"' + "".join(f"\\u{ord(char):04X}" for char in JANE) + '"}'
    assert [match.value for match in mails(text)] == [JANE]


def test_broken_json_is_scanned_around_its_strings_too() -> None:
    """A page that only starts like JSON, or a body that is cut off, loses nothing."""
    assert [match.value for match in mails(f"[ERROR] no mail for {JANE}")] == [JANE]
    assert [match.value for match in mails('{"a":"x"} trailing ' + JANE)] == [JANE]
    trace = '[1] Traceback (most recent call last):\n  File "/srv/a.py", line 3, in f\nKeyError'
    assert [match.pattern for match in scan_text(SCANNER, trace)] == ["stack_trace.python"]


def test_a_match_never_spans_two_strings() -> None:
    """What looks like one value across a comma or a line of an array is two strings."""
    assert not mails('["jane@","example.com"]')
    assert not mails('{"jane@":"example.com"}')


def test_adjacent_values_are_all_found() -> None:
    """One separator between two values serves both."""
    found = scan_text(SCANNER, "10.0.0.1,10.0.0.2 10.0.0.3")
    assert [match.value for match in found] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_parts_are_kept_apart() -> None:
    """A header is text: what looks like JSON in it is not taken apart, and its name is the path."""
    (match,) = scan_text(SCANNER, f'{{"u":"{JANE}"}}', None, "header", "x-user")
    assert match.json_path == "x-user"


def test_a_token_in_its_cookie_is_no_find() -> None:
    """Set-Cookie is where a session token belongs; any other header is not."""
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln"
    assert not scan_text(SCANNER, f"sid={jwt}; Secure", None, "header", "set-cookie")
    assert [match.pattern for match in scan_text(SCANNER, jwt, None, "header", "x-token")] == ["secret.jwt"]


@given(st.text(), st.sampled_from([None, "application/json", "text/html"]))
def test_any_text_can_be_scanned(text: str, content_type: str | None) -> None:
    """No text raises, and every span lies within it."""
    for match in scan_text(SCANNER, text + JANE + text, content_type):
        assert 0 <= match.start < match.end <= 2 * len(text) + len(JANE)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_value_is_found_in_any_document(document: object) -> None:
    """Wherever a document holds an address, escaped or not, it is found once, in its property."""
    for ascii_only in (True, False):
        text = json.dumps({"before": document, "holder": [JANE], "after": document}, ensure_ascii=ascii_only)
        assert [match.json_path for match in mails(text) if match.value == JANE] == ["$.holder[]"]


def test_lone_surrogates_do_no_harm() -> None:
    """Half a character, which JSON can carry and UTF-8 cannot, neither raises nor moves offsets."""
    text = f"\ud800 {JANE}"
    (match,) = mails(text)
    assert text[match.start : match.end] == JANE
    assert mails('{"a":"\\ud800 jane@example.com"}')


HOSTILE = {
    "open brackets": "[" * 1_000_000,
    "open objects with a find": '{"a":' * 200_000 + f'"{JANE}"',
    "open strings": '["' * 300_000 + JANE,
    "escaped quotes": '["' + '\\"' * 300_000 + JANE,
    "backslashes": '["' + "\\" * 600_000 + JANE,
    "half addresses": "a@b." * 200_000,
    "half tokens": "eyJhbGci.eyJhbGci." * 50_000,
    "half traces": "Traceback (most recent call last):\n" * 30_000,
    "half errors": "java.lang.Exception: at " * 30_000 + "A.java:1)",
    "half keys": "-----BEGIN PRIVATE KEY-----A" * 30_000,
    "half hosts": "a.b.svc." * 100_000 + ".internal",
    "dots": "10.1.1." * 100_000,
    "spaces": "Error:" + " " * 500_000 + "a.js:1:1",
    "white space in JSON": '{"a"' + " " * 500_000 + f':"{JANE}"',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_take_linear_time(text: str) -> None:
    """Half a megabyte built to hurt is done in seconds even on a busy machine, without deep recursion."""
    began = time.process_time()
    scan_text(SCANNER, text)
    assert time.process_time() - began < 5


def test_values_are_judged_once() -> None:
    """The cache of judged values gives the same answer again, also for values too long to be kept."""
    text = "jane@example.com a2@2x.png " + "a" * 300 + "@example.com"
    assert mails(text) == mails(text)
    assert len(mails(text)) == 1


@pytest.mark.parametrize(
    ("text", "json_like"),
    [
        ('{"a":1}', True),
        ("{}", True),
        (" [1]", True),
        ('"x"', True),
        ("[ERROR] x", False),
        ("{{ template }}", False),
        ("<html>", False),
        ("", False),
    ],
)
def test_what_looks_like_json(text: str, json_like: bool) -> None:
    """The first characters decide, not the content type a failing service sends along."""
    assert looks_like_json(text) is json_like


def test_validity() -> None:
    """Cut off, followed by more, or nested beyond reason is not valid."""
    assert is_valid(b'{"a":[1,"x"]}')
    assert not any(is_valid(data) for data in (b'{"a":', b"{} {}", b"[" * 100_000, b""))


@given(st.text())
def test_unescape_is_the_inverse_of_escaping(text: str) -> None:
    """Resolving what a JSON writer escaped gives the text back."""
    assert unescape(json.dumps(text)[1:-1]) == text


@pytest.mark.parametrize(("raw", "value"), [("\\q", "\\q"), ("\\u12", "\\u12"), ("\\\\n", "\\n"), ("a\\", "a\\")])
def test_unescape_leaves_what_is_no_escape(raw: str, value: str) -> None:
    """A wrong escape stays as it is; an escaped backslash does not start another escape."""
    assert unescape(raw) == value


def test_strings_are_found_with_their_places() -> None:
    """The walk gives keys and values, in order, with offsets that include the quotes."""
    text = '{"a":["x"],"b":{"c":"y'
    found = [literal(text, *place) for place in strings(text)]
    assert [(item.value, path_text(item.node), item.key) for item in found] == [
        ("a", "$.*", ""),
        ("x", "$.a[]", "a"),
        ("b", "$.*", ""),
        ("c", "$.b.*", ""),
        ("y", "$.b.c", "c"),
    ]
    assert [text[item.start : item.end] for item in found] == ['"a"', '"x"', '"b"', '"c"', '"y']


NESTED = {
    "an e-mail address": ('{"user":{"mail":"anna.meier\\u0040mailer-shop.org"}}', "pii.email", "$.payload.user.mail"),
    "a stack trace": ('{"error":"Traceback (most recent call last):\\n  File \\"/app/x.py\\", line 3, in f\\nValueError: x"}', "stack_trace.python", "$.payload.error"),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("depth", [1, 2])
def test_json_in_a_string_of_json(name: str, depth: int) -> None:
    """Its escapes are written twice, or four times; the path goes on inside, and the place is the whole string."""
    inner, pattern, path = NESTED[name]
    text = json.dumps({"payload": inner})
    if depth == 2:
        text, path = json.dumps({"event": text}), path.replace("$", "$.event")
    found = [match for match in scan_text(default_scanner(), text, "application/json") if match.pattern == pattern]
    assert [match.json_path for match in found] == [path]
    assert text[found[0].start] == '"'
    assert doubtful(default_scanner(), pa.array([text])).tolist() == [True]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"card":4539148803436467,"x":1}', "$.card"),
        ('[{"pan": 4539148803436467}]', "$[].pan"),
        ('{"a":"x\\n","card":4539148803436467}', "$.card"),
        ('{"card":4539148803436467', "$.card"),
        ('{"a":"{\\"card\\":4539148803436467}"}', "$.a.card"),
    ],
)
def test_numbers_that_are_no_strings(text: str, path: str) -> None:
    assert [(match.pattern, match.json_path) for match in scan_text(SCANNER, text)] == [("payment_card.pan", path)]


@pytest.mark.parametrize(
    "text",
    ['{"id":4539148803436467}', '{"x":4539148803436467.5}', '{"x":4.539148803436467e9}', '{"x":-4539148803436467}'],
)
def test_numbers_that_are_no_cards(text: str) -> None:
    assert scan_text(SCANNER, text) == []


def test_json_nested_without_end_is_bounded() -> None:
    """Four levels deep it is a text; a megabyte of escapes takes a moment."""
    text = '"a"'
    while len(text) < 1_000_000:
        text = json.dumps({"a": text})
    began = time.process_time()
    scan_text(default_scanner(), text, "application/json")
    assert time.process_time() - began < 5


ACCOUNTS = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"


@pytest.mark.parametrize(
    "label", ["image/png", "image/svg+xml", "application/pdf", "font/woff2", "text/javascript", "text/css"]
)
def test_a_file_under_a_wrong_label_is_looked_at(label: str) -> None:
    """A flaw that reads files answers with the type of the picture it was asked for."""
    assert "intrusion" in {match.pattern_class for match in scan_text(SCANNER, ACCOUNTS, label)}
    key = f"mail {JANE}"
    assert bool(scan_text(SCANNER, key, label)) == (not label.startswith("text/"))


def test_a_picture_is_none() -> None:
    """What is binary stays unread: its bytes look like anything."""
    assert scan_text(SCANNER, "\\x89PNG\r\n\\x1a\n" + JANE, "image/png") == []
