"""`scan FILE`: one row a hit, a bad line is a row and not an end, and no value comes out."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from forensics.scan import default_scanner, scan_lines

SCANNER = default_scanner()
JANE = "jane@example.com"


def rows(*lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    data = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(scan_lines(SCANNER, data))


def errors(*lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in rows(*lines) if "error" in row]


def test_a_text_line() -> None:
    """A hit has exactly the keys of the contract, and offsets of the text."""
    assert rows({"id": "t-1", "text": f"to {JANE}"}) == [
        {
            "id": "t-1",
            "pattern": "pii.email",
            "class": "pii",
            "confidence": "medium",
            "start": 3,
            "end": 19,
            "masked": "j***@e***.com",
        }
    ]


def test_a_response_line() -> None:
    """A response gives the hits of its body, of its headers with the header's name, and a verdict a header."""
    headers = [["Content-Type", "application/json"], ["X-Backend", "10.0.0.7"], ["X-Content-Type-Options", "nosniff"]]
    found = rows({"id": 5, "response": {"status": 200, "headers": headers, "body": f'{{"m":"{JANE}"}}'}})
    assert [(row["pattern"], row.get("in_header")) for row in found if "pattern" in row] == [
        ("pii.email", None),
        ("internal_address.private_ip", "x-backend"),
    ]
    verdicts = {row["header"]: row["verdict"] for row in found if "verdict" in row}
    assert len(verdicts) == 13
    assert verdicts["x-content-type-options"] == "x-content-type-options-nosniff"
    assert all(row["id"] == 5 for row in found)


def test_the_content_type_decides_what_is_looked_for() -> None:
    """A style sheet is not searched for addresses."""
    assert not [
        row
        for row in rows({"id": 1, "response": {"headers": [["content-type", "text/css"]], "body": JANE}})
        if "pattern" in row
    ]


def test_headers_that_were_not_captured_get_no_verdict() -> None:
    """No list of headers is not the same as an empty one."""
    assert rows({"id": 1, "response": {"body": "x"}}) == []
    assert len(rows({"id": 1, "response": {"headers": [], "body": "x"}})) == 13


def test_base64_bodies_are_decoded() -> None:
    """A body in base64 is scanned as the text it is; what is no base64 is an error row with the line's id."""
    body = base64.b64encode(JANE.encode()).decode()
    (row,) = rows({"id": 1, "response": {"body": body, "body_encoding": "base64"}})
    assert row["masked"] == "j***@e***.com"
    assert rows({"id": 7, "response": {"body": "*", "body_encoding": "base64"}}) == [
        {"id": 7, "line": 1, "error": "The body cannot be decoded."}
    ]


def test_an_unknown_body_encoding_is_not_guessed() -> None:
    """What is neither utf8 nor base64 is an error row that does not quote the word."""
    line = {"id": 1, "response": {"body": "x", "body_encoding": JANE}}
    assert rows(line) == [{"id": 1, "line": 1, "error": "The body cannot be decoded."}]


def test_a_caller_may_bring_a_decoder() -> None:
    """Content encodings are the caller's to undo; the decoder gets the two headers it needs."""
    seen: list[tuple[str, str | None, str | None]] = []

    def decode(body: str, encoding: str | None, kind: str | None) -> tuple[str | None, bool]:
        seen.append((body, encoding, kind))
        return JANE, False

    headers = [["Content-Encoding", "gzip"], ["Content-Type", "text/plain"]]
    line = json.dumps({"id": 1, "response": {"headers": headers, "body": "AA==", "body_encoding": "base64"}}).encode()
    assert [row["pattern"] for row in scan_lines(SCANNER, [line], decode) if "pattern" in row] == ["pii.email"]
    assert seen == [("AA==", "gzip", "text/plain")]


@pytest.mark.parametrize("line_id", ["x", "", 7, -1.5, 12345678901234567890])
def test_ids_come_back_as_they_were(line_id: str | float) -> None:
    """Text stays text and a number a number."""
    (row,) = rows({"id": line_id, "text": JANE})
    assert row["id"] == line_id
    assert type(row["id"]) is type(line_id)


def test_the_scheme_comes_from_the_request() -> None:
    """Over http the transport security header is judged to have no effect."""
    line = {
        "id": 1,
        "request": {"url": "http://x/"},
        "response": {"headers": [["strict-transport-security", "max-age=31536000"]]},
    }
    assert {"id": 1, "header": "strict-transport-security", "verdict": "hsts-not-implemented-no-https"} in rows(line)


def test_cookies_targets_and_pages_are_judged_by_what_the_request_tells() -> None:
    """A cookie is named, a target told, an origin that is echoed with credentials is every origin, a page's scripts are judged."""
    headers = [
        ["Set-Cookie", "sid=x; Secure"], ["Access-Control-Allow-Origin", "https://evil.test"],
        ["Access-Control-Allow-Credentials", "true"], ["Location", "http://shop.test/"], ["Content-Type", "text/html"],
    ]  # fmt: skip
    request = {"url": "https://shop.test:8443/a?b", "headers": [["Origin", "https://evil.test"]]}
    found = rows(
        {"id": 1, "request": request, "response": {"headers": headers, "body": "<script src='//cdn.test/a.js'>"}}
    )
    told = {row["header"]: row for row in found if "verdict" in row}
    assert told["set-cookie"]["verdict"] == "cookies-session-without-httponly-flag"
    assert told["set-cookie"]["subject"] == "sid"
    assert told["access-control-allow-origin"]["verdict"].endswith("universal-access")
    assert told["location"] == {
        "id": 1,
        "header": "location",
        "verdict": "redirection-not-to-https",
        "detail": "host=shop.test",
    }
    assert told["subresource-integrity"]["verdict"] == "sri-not-implemented-but-external-scripts-loaded-securely"


HOSTILE = {
    "not JSON": b"GET / HTTP/1.1",
    "NUL": b'{"id":1,"text":"\x00"}',
    "only NUL": b"\x00\x00\x00",
    "invalid UTF-8": b'{"id":1,"text":"\xff\xfe"}',
    "cut off": b'{"id":1,"text":"jane@example',
    "deep": b"[" * 100_000,
    "deep inside": b'{"id":1,"text":"x","other":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no id": b'{"text":"x"}',
    "id is null": b'{"id":null,"text":"x"}',
    "id is a list": b'{"id":[],"text":"x"}',
    "neither part": b'{"id":1}',
    "wrong type": b'{"id":1,"text":["jane@example.com"]}',
    "wrong header": b'{"id":1,"response":{"headers":["jane@example.com"]}}',
    "lone surrogate": b'{"id":1,"text":"\\ud800"}',
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_lines_are_rows(line: bytes) -> None:
    """A line that cannot be read is told with its number, quotes nothing of itself, and the next line is scanned."""
    first, second = rows(line, {"id": 2, "text": JANE})
    assert set(first) == {"id", "line", "error"}
    assert (first["id"], first["line"]) == (None, 1)
    assert first["error"].endswith(".")
    assert "jane" not in first["error"]
    assert second["id"] == 2


def test_a_line_longer_than_the_limit_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is on bytes of a line; what fits is scanned, however long."""
    line = json.dumps({"id": 1, "text": "x " * 1_000_000 + JANE}).encode()
    assert [row["pattern"] for row in rows(line)] == ["pii.email"]
    monkeypatch.setattr("forensics.scan.stream.MAX_LINE_BYTES", 1000)
    assert "longer than 1000 bytes" in errors(line)[0]["error"]


def test_blank_lines_count_but_say_nothing() -> None:
    """Line numbers are those of the file."""
    assert errors(b"\n", b"  \r\n", b"{\n")[0]["line"] == 3


def test_values_never_come_out() -> None:
    """Nothing a pattern holds for its true examples appears in the rows."""
    for pattern in SCANNER.patterns:
        for text in pattern.true_positives:
            out = rows({"id": 1, "text": text}, {"id": 2, "response": {"headers": [["x-note", text]], "body": text}})
            shown = json.dumps([row.get("masked", "") for row in out])
            assert text not in shown
            assert "jane" not in shown
