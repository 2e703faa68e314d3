"""The scan by batches finds what a plain loop over the rows finds, in the same order."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from forensics.case import create
from forensics.ingest import Options, ingest
from forensics.scan import Exchange, HeaderVerdict, content_rows, default_scanner, header_verdicts, scan_text
from forensics.scan.headers import script_verdict
from forensics.scan.sieve import doubtful, doubtful_headers, open_gates
from tests.ingest.helpers import Loaded, Row, lines, load

_MAIL = "anna.meier@mailer-shop.org"
_HITS = (
    f'{{"email":"{_MAIL}","x":[1,2]}}',
    '{"email":"anna.meier\\u0040mailer-shop.org"}',
    f"plain {_MAIL} text",
    f'{{"note":"{_MAIL}',
    'Traceback (most recent call last):\n  File "/app/x.py", line 3, in f\nValueError: x',
    f"ü€𝄞 {_MAIL} ü {_MAIL}",
    '{"dsn":"postgres://app:S3cr3tPassw0rd@db.internal:5432/shop"}',
    "AKIAQYLPMN5HFIQR7XYA",
    '{"host":"10.42.0.7"}',
)
_CLEAN = ("", '{"items":[]}', "ü€𝄞", '{"a":"\\\\ \\" \\n"}', "<html></html>", "x" * 5000)
_HEADERS: tuple[list[list[str | None]], ...] = (
    [],
    [["content-type", "application/json"]],
    [["Content-Type", "text/plain"], ["X-Frame-Options", "DENY"], ["x-note", _MAIL]],
    [["content-type", "text/html"], [" Strict-Transport-Security ", "max-age=31536000"], ["x-frame-options", None]],
    [["server", "10.42.0.9"], ["server", "10.42.0.9"], ["referrer-policy", "unsafe-url"]],
    [["x-trace", "a\nb"], ["content-security-policy", "default-src 'self'"]],
    [
        ["set-cookie", "sid={n}; Secure; Expires=Tue, 03 Mar 2026 08:00:0{d} GMT"],
        ["Set-Cookie", "theme={n}; Max-Age=60"],
    ],
    [["location", "https://evil.test/{n}"], ["content-security-policy", "script-src 'nonce-{n}'"], ["age", "{n}"]],
    [
        ["access-control-allow-origin", "https://evil.test"],
        ["access-control-allow-credentials", "true"],
        ["vary", "Origin"],
    ],
    [["content-type", "text/html"], ["cache-control", "public"]],
)
_PAGES = ('<script src="//cdn.test/a.js">', "<script>x()</script>")


def _exchange(draw: random.Random, number: int) -> Row:
    body: str | None = draw.choice(_HITS) if draw.random() < 0.1 else draw.choice(_CLEAN)
    chosen = draw.choice(_HEADERS)
    headers = [
        [name, value and value.replace("{n}", str(number)).replace("{d}", str(number % 10))] for name, value in chosen
    ]
    if draw.random() < 0.2:
        body = draw.choice(_PAGES)
    response: Row = {"status": 200, "headers": headers, "body": body}
    if draw.random() < 0.1:
        response["body"] = None
    elif draw.random() < 0.2:
        response |= {"body": base64.b64encode(str(body).encode()).decode(), "body_encoding": "base64"}
    url = draw.choice(("https://shop.example/a", "http://shop.example/a", "/a"))
    return {
        "time": f"2026-03-03T09:00:{number % 60:02}Z",
        "request": {
            "method": "GET",
            "url": url,
            "headers": draw.choice(([], [["Origin", "https://evil.test"], ["origin", "x"]])),
        },
        "response": response,
    }


def _pairs(row: Row) -> list[tuple[str, str]]:
    return [(item["name"] or "", item["value"] or "") for item in row["http_response_headers"] or []]


def _matches(loaded: Loaded) -> list[dict[str, Any]]:
    exchanges = [
        Exchange("e", row["record_no"], row["http_response_mime_type"], row["http_response_body"], _pairs(row))
        for row in loaded.rows("http_exchanges")
    ]
    return list(content_rows(default_scanner(), exchanges))


def _judged(row: dict[str, Any]) -> list[HeaderVerdict]:
    origin = next((item["value"] for item in row["http_request_headers"] if item["name"].lower() == "origin"), None)
    found = header_verdicts(_pairs(row), row["url_scheme"], row["server_address"], origin)
    is_page = row["http_response_mime_type"] == "text/html" and row["http_response_body"] is not None
    return [*found, script_verdict(row["http_response_body"])] if is_page else found


def _verdicts(loaded: Loaded) -> list[tuple[Any, ...]]:
    return [
        (
            row["record_no"],
            verdict.header,
            verdict.subject or None,
            verdict.verdict,
            verdict.rank,
            verdict.detail or None,
        )
        for row in loaded.rows("http_exchanges")
        if _pairs(row)
        for verdict in _judged(row)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_a_loop_over_rows(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - deterministic data
    loaded = load(tmp_path, lines(*(_exchange(draw, number) for number in range(700))))
    expected = _matches(loaded)
    found = loaded.rows("content_matches")
    assert len(expected) > 50
    assert [{key: row[key] for key in expected[0] if key != "evidence_id"} for row in found] == [
        {key: value for key, value in row.items() if key != "evidence_id"} for row in expected
    ]
    columns = ("record_no", "header", "subject", "verdict", "verdict_rank", "verdict_detail")
    told = _verdicts(loaded)
    assert [tuple(row[key] for key in columns) for row in loaded.rows("header_verdicts")] == told
    assert {"set-cookie", "location", "subresource-integrity"} <= {row[1] for row in told}
    assert any(row[3].endswith("universal-access") for row in told)


def test_exchanges_without_any_header(tmp_path: Path) -> None:
    record = {"time": "2026-03-03T09:00:00Z", "request": {"url": "/"}, "response": {"status": 200}}
    loaded = load(tmp_path, json.dumps(record) + "\n")
    assert (loaded.rows("content_matches"), loaded.rows("header_verdicts")) == ([], [])


@pytest.mark.parametrize("texts", [[], [None], ["", None, _MAIL], ["a"] * 63 + [_MAIL] + ["b"] * 64 + ["10.42.0.7"]])
def test_which_texts_open_a_gate(texts: list[str | None]) -> None:
    scanner = default_scanner()
    expected = [bool(text) and bool(scanner.candidates(str(text).encode())) for text in texts]
    assert open_gates(scanner, [None if text is None else text.encode() for text in texts]) == expected


def test_a_gate_at_the_edge_of_a_text_opens_beside_other_texts() -> None:
    """Letters of the next text must not close a word boundary."""
    scanner = default_scanner()
    for pattern in scanner.patterns:
        for text in pattern.true_positives:
            if scanner.candidates(text.encode()):
                assert open_gates(scanner, [b"word", text.encode(), b"word"])[1]


@pytest.mark.parametrize(
    ("body", "scanned"),
    [
        ('{"a":"\\n \\u0041"}', False),
        ('{"a":"anna.meier\\u0040mailer-shop.org"}', True),
        ('{"a":"anna.meier\\u0040mailer-shop.org', True),
        ('{"a":"\\"} anna.meier@mailer-shop.org', True),
        ("<p>anna.meier\\u0040mailer-shop.org</p>", False),
        (None, False),
    ],
)
def test_gates_see_what_escapes_spell(body: str | None, scanned: bool) -> None:
    """As the scan of one body: escapes mean something in JSON, whole or cut off, and nothing elsewhere."""
    assert doubtful(default_scanner(), pa.array([body], pa.string())).tolist() == [scanned]
    assert bool(body and scan_text(default_scanner(), body)) is scanned


def test_headers_are_found_by_their_row() -> None:
    pair = pa.struct([("name", pa.string()), ("value", pa.string())])
    rows = [None, [], [("a", None), ("b", _MAIL)], [("a", "x")], [("c", _MAIL)]]
    lists = pa.array(
        [None if row is None else [{"name": n, "value": v} for n, v in row] for row in rows], pa.list_(pair)
    )
    assert doubtful_headers(default_scanner(), lists).tolist() == [False, False, True, False, True]
    assert doubtful_headers(default_scanner(), lists.slice(3)).tolist() == [False, True]


def test_a_country_asks_for_its_numbers(tmp_path: Path) -> None:
    """`[privacy] countries` decides at ingest whether numbers without a check digit are looked for."""
    row = {
        "time": "2026-03-03T09:00:00Z",
        "request": {"method": "GET", "url": "/a", "headers": []},
        "response": {"status": 200, "headers": [], "body": '{"ssn":"512-34-6789"}'},
    }
    source = tmp_path / "exchanges.ndjson"
    source.write_text(lines(row), encoding="utf-8")
    found = {}
    for name, config in (("plain", ""), ("asked", '[privacy]\ncountries = ["us"]\n')):
        made = create(tmp_path / f"{name}.case")
        (made.folder / "canary.toml").write_text(config, encoding="utf-8")
        found[name] = [
            row["pattern"] for row in Loaded(made, ingest(made, [source], Options())).rows("content_matches")
        ]
    assert found == {"plain": [], "asked": ["national_id.us_ssn"]}
