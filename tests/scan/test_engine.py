"""Where matches are said to be, in plain text, JSON, escaped JSON, broken JSON and hostile text."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.scan import Exchange, Match, content_rows, default_scanner, scan_text
from forensics.scan.json_strings import strings, unescape, unescape_body

SCANNER = default_scanner()
STACK = "Error: x\n    at A.b (/app/a.js:1:2)\n    at async /app/b.js:3:4"


def _find(text: str, pattern: str = "pii.email", content_type: str | None = None) -> list[Match]:
    return [match for match in scan_text(SCANNER, text, content_type) if match.pattern == pattern]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('{"customer":{"contact":{"email":"bob@mail.example"}}}', "$.customer.contact.email"),
        ('[{"email":"bob@mail.example"}]', "$[].email"),
        ('{"items":[1,[{"to":["x","bob@mail.example"]}]]}', "$.items[][].to[]"),
        ('{"bob@mail.example":1}', "$.*"),
        ('{"users":{"amy@mail.example":{"alias":"bob@mail.example"}}}', "$.users.*.alias"),
        ('{"users":{"u-104729":{"email":"bob@mail.example"}}}', "$.users.*.email"),
        (')]}\',\n{"email":"bob@mail.example"}', "$.email"),
        ('{"a":"x"}\n{"b":"bob@mail.example"}', "$.b"),
        ('{"a":{"email":"bob@mail.example"},"cut":{"b":[1,', "$.a.email"),
        ('{"a":{"email":"bob@mail.example', "$.a.email"),
    ],
)
def test_json_path(body: str, path: str) -> None:
    matches = {match.json_path: body[match.start : match.end] for match in _find(body)}
    assert matches[path] == "bob@mail.example"


@pytest.mark.parametrize("text", ["mail bob@mail.example now", "[ERROR] bob@mail.example failed", "ü → bob@mail.example", "\ud800 bob@mail.example"])
def test_offsets_are_characters_of_plain_text(text: str) -> None:
    (match,) = _find(text)
    assert (text[match.start : match.end], match.value) == ("bob@mail.example", "bob@mail.example")


def test_an_escaped_value_has_the_place_of_its_literal() -> None:
    body = r'{"ü":1,"email":"bob\u0040mail.example","x":2}'
    (match,) = _find(body)
    assert (match.value, match.json_path) == ("bob@mail.example", "$.email")
    assert body[match.start : match.end] == r'"bob\u0040mail.example"'


def test_a_value_next_to_an_escape_is_cut_right() -> None:
    body = r'{"note":"first\nbob@mail.example\tlast"}'
    (match,) = _find(body)
    assert (match.value, body[match.start : match.end]) == ("bob@mail.example", "bob@mail.example")


def test_an_escaped_stack_trace_is_found_once_with_its_path() -> None:
    (match,) = _find(json.dumps({"error": STACK}), "stack_trace.node", "application/json")
    assert (match.json_path, match.masked) == ("$.error", f"stack_trace ({len(match.value)} characters)")


def test_the_value_is_not_in_the_repr() -> None:
    assert "bob@mail.example" not in repr(_find("bob@mail.example"))


def test_media_types_that_hold_no_text_are_left_out() -> None:
    assert not _find("bob@mail.example", content_type="text/css")
    assert _find("bob@mail.example", content_type="TEXT/HTML; charset=utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + '"bob@mail.example"',
        '{"a":' * 100_000 + '"bob@mail.example"',
        '"' * 300_000 + " bob@mail.example",
        '{"a":"' + "\\n" * 200_000 + 'bob@mail.example"}',
        "\x00bob@mail.example\x00",
        "a://" * 200_000 + " bob@mail.example",
        "at " * 200_000 + " bob@mail.example",
    ],
    ids=["brackets", "objects", "quotes", "escapes", "nul", "schemes", "ats"],
)
def test_hostile_text_is_scanned_in_time(text: str) -> None:
    started = time.perf_counter()
    assert [match.value for match in _find(text)][-1:] == ["bob@mail.example"]
    assert time.perf_counter() - started < 5


@given(st.text())
def test_unescape_undoes_json(text: str) -> None:
    body = json.dumps(text)
    (literal,) = strings(body)
    assert (literal.value, literal.start, literal.end) == (text, 0, len(body))
    assert unescape(body[1:-1]) == text
    assert text.replace("\x01", '"') in unescape_body(body)


@given(st.text(alphabet='{}[],:"\\nu0041 a@b.example', max_size=200))
def test_nothing_breaks_the_scan_and_offsets_stay_inside(text: str) -> None:
    for match in scan_text(SCANNER, text, "application/json"):
        assert 0 <= match.start < match.end <= len(text)


def _exchange(number: int, body: str | None, *headers: tuple[str, str]) -> Exchange:
    return Exchange("e1", number, "application/json", body, list(headers))


def test_rows_number_distinct_values_by_first_appearance() -> None:
    exchanges = [
        _exchange(3, '{"to":"bob@mail.example","cc":["amy@mail.example","bob@mail.example","amy@mail.example"]}'),
        _exchange(4, None, ("X-Owner", "amy@mail.example")),
        _exchange(9, '{"to":"eve@mail.example"}'),
    ]
    rows = list(content_rows(SCANNER, exchanges))
    assert [(row["record_no"], row["part"], row["json_path"], row["match_count"], row["value_ordinal"]) for row in rows] == [
        (3, "response_body", "$.to", 1, 1),
        (3, "response_body", "$.cc[]", 2, 2),
        (3, "response_body", "$.cc[]", 1, 1),
        (4, "response_header", "x-owner", 1, 2),
        (9, "response_body", "$.to", 1, 3),
    ]
    assert rows[0] == {
        "evidence_id": "e1", "record_no": 3, "part": "response_body", "pattern": "pii.email", "pattern_class": "pii", "json_path": "$.to",
        "match_count": 1, "match_offset": 7, "match_length": 16, "value_ordinal": 1,
    }  # fmt: skip


def test_rows_of_plain_text_have_no_path() -> None:
    assert [row["json_path"] for row in content_rows(SCANNER, [_exchange(1, "bob@mail.example")])] == [None]
