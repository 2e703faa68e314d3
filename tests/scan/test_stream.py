"""Lines in, lines out: nothing stops the stream, and no value leaves it."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from forensics.scan import default_scanner, scan_lines
from forensics.scan.stream import MAX_LINE_BYTES

SCANNER = default_scanner()
HIT = {"id": "b", "pattern": "pii.email", "class": "pii", "confidence": "medium", "start": 3, "end": 19, "masked": "b***@m***.example"}


def _rows(*lines: bytes) -> list[dict[str, Any]]:
    return list(scan_lines(SCANNER, lines))


def _line(**response: Any) -> bytes:
    return json.dumps({"id": "a", "request": {"url": "https://shop.example/"}, "response": response}).encode()


def test_text_line() -> None:
    assert _rows(b'{"id":"b","text":"to bob@mail.example"}\n') == [HIT]


@pytest.mark.parametrize(
    "bad",
    [
        b"\x00\x01\x02",
        b'{"id":"a","text":"\xff\xfe"}',
        b"[" * 100_000,
        b'{"id":"a","x":' + b"[" * 100_000,
        b"not json bob@mail.example",
        b"[1]",
        b'{"id":"a"}',
        b'{"id":"a","text":5}',
        b'{"id":"a","response":{"headers":[["x"]]}}',
        b'{"id":"a","response":{"body":"x","body_encoding":"rot13"}}',
        b'{"text":"' + b"x" * MAX_LINE_BYTES + b'"}',
    ],
    ids=["nul", "utf8", "brackets", "skipped-brackets", "text", "array", "empty", "type", "header", "encoding", "huge"],
)
def test_a_bad_line_is_a_row_and_the_next_line_is_scanned(bad: bytes) -> None:
    rows = _rows(b"\n", bad, b"  \n", b'{"id":"b","text":"to bob@mail.example"}')
    assert (rows[0]["id"], rows[0]["line"], rows[1:]) == (None, 2, [HIT])
    assert "bob" not in rows[0]["error"]


def test_a_hit_in_a_header_names_it() -> None:
    rows = _rows(_line(headers=[["X-Owner", "bob@mail.example"], ["Referrer-Policy", "no-referrer"]], body=None))
    assert rows[0] == {**HIT, "id": "a", "start": 0, "end": 16, "header": "x-owner"}
    assert {row["header"]: row["verdict"] for row in rows[1:]}["referrer-policy"] == "strict"
    assert len(rows) == 6


def test_without_headers_there_is_no_verdict() -> None:
    assert _rows(_line(body="{}")) == []


def test_base64_and_content_encoding_are_undone() -> None:
    body = base64.b64encode(gzip.compress(b"to bob@mail.example")).decode()
    rows = _rows(_line(headers=[["Content-Encoding", "gzip"]], body=body, body_encoding="base64"))
    assert rows[0] == {**HIT, "id": "a"}


def test_a_body_that_cannot_be_decoded_is_said_so() -> None:
    assert _rows(_line(body="%%%", body_encoding="base64")) == [{"id": "a", "line": 1, "error": "The body is undecodable."}]


def test_no_value_leaves() -> None:
    values = ["bob.builder@mail.example", "10.20.30.40", "db.shop.svc.cluster.local"]
    out = json.dumps(_rows(*(_line(headers=[["x-a", value]], body=json.dumps({value: value})) for value in values)))
    assert not [value for value in values if value in out]
