"""HAR documents."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, load


def entry(**change: Any) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-03-03T10:00:00.250+01:00",
        "time": 12.5,
        "request": {
            "method": "POST",
            "url": "https://shop.example:8443/a/b?c=d#e",
            "httpVersion": "HTTP/2",
            "headers": [{"name": "X-Request-Id", "value": "r-1"}, {"name": "User-Agent", "value": "curl"}],
            "bodySize": 3,
            "postData": {"mimeType": "text/plain", "text": "abc"},
        },
        "response": {
            "status": 200,
            "headers": [
                {"name": "Set-Cookie", "value": "b"},
                {"name": "X-App-Version", "value": "2.4.0"},
                {"name": "set-cookie", "value": "a"},
            ],
            "content": {"size": 5, "mimeType": "Text/Plain; charset=utf-8", "text": "hello"},
        },
        "serverIPAddress": "10.42.0.7",
        **change,
    }


def har(*entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": list(entries)}})


def test_a_full_entry(tmp_path: Path) -> None:
    row = load(tmp_path, har(entry())).row("http_exchanges")
    expected = {
        "record_no": 1,
        "observer": "har",
        "time": at("2026-03-03T09:00:00.25"),
        "time_raw": "2026-03-03T10:00:00.250+01:00",
        "http_request_id": "r-1",
        "http_request_method": "POST",
        "url_scheme": "https",
        "url_path": "/a/b",
        "url_query": "c=d",
        "server_address": "shop.example",
        "server_port": 8443,
        "http_response_status_code": 200,
        "http_request_body": "abc",
        "http_request_body_state": "full",
        "http_request_body_size": 3,
        "http_response_body": "hello",
        "http_response_body_size": 5,
        "http_response_mime_type": "text/plain",
        "duration_ms": 12.5,
        "network_protocol_version": "2",
        "service_version": "2.4.0",
        "upstream_address": "10.42.0.7",
        "user_agent_original": "curl",
    }
    assert {key: row[key] for key in expected} == expected
    assert [item["name"] for item in row["http_response_headers"]] == ["Set-Cookie", "X-App-Version", "set-cookie"]


def test_a_byte_order_mark(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + har(entry()).encode()).row("http_exchanges")["url_path"] == "/a/b"


def test_base64_content(tmp_path: Path) -> None:
    content = {"mimeType": "text/html", "encoding": "base64", "text": base64.b64encode("grüß".encode()).decode()}
    rows = load(
        tmp_path,
        har(
            entry(response={"status": 200, "content": content}), entry(response={"content": {**content, "text": "%%"}})
        ),
    ).rows("http_exchanges")
    assert [(row["http_response_body"], row["http_response_body_state"]) for row in rows] == [
        ("grüß", "full"),
        (None, "undecodable"),
    ]


def test_no_response_came(tmp_path: Path) -> None:
    row = load(tmp_path, har(entry(response={"status": 0, "headers": [], "content": {"size": -1}}))).row(
        "http_exchanges"
    )
    assert (row["http_response_status_code"], row["http_response_body_size"], row["http_response_body_state"]) == (
        None,
        None,
        "omitted",
    )


def test_entries_that_cannot_be_used(tmp_path: Path) -> None:
    loaded = load(tmp_path, har(entry(startedDateTime=None), entry(), 5, entry(request="GET"), None, {}))
    assert loaded.numbers("http_exchanges") == [2]
    assert [number for number, _ in loaded.reasons()] == [1, 3, 4, 5, 6]
    assert json.loads(loaded.rows("rejects")[1]["raw"]) == 5


@pytest.mark.parametrize("junk", [None, 5, -1, 1e400, 10**30, True, "x", [], [5], {}, {"name": []}, "\ud800", "a\x00b"])
def test_junk_anywhere(tmp_path: Path, junk: Any) -> None:
    """A hostile document never stops the ingest; the entry beside it is there."""
    base = entry()
    spoiled = [{**base, key: junk} for key in base]
    spoiled += [{**base, side: {**base[side], key: junk}} for side in ("request", "response") for key in base[side]]
    content = base["response"]["content"]
    spoiled += [{**base, "response": {"content": {**content, key: junk}}} for key in [*content, "encoding"]]
    loaded = load(tmp_path, har(*spoiled, base))
    assert loaded.entry.records == len(spoiled) + 1
    assert loaded.numbers("http_exchanges")[-1] == len(spoiled) + 1


@pytest.mark.parametrize("url", ["", "http://[", "http://h:99999999/", "http://h:x/", "//h", "::::"])
def test_odd_urls(tmp_path: Path, url: str) -> None:
    assert (
        load(tmp_path, har(entry(request={"method": "GET", "url": url}))).row("http_exchanges")["http_request_method"]
        == "GET"
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"log": {"version": "1.2", "entries": {"a": 1}}}',
        '{"log": {"version": "1.2", "entries": [' + "[" * 100_000,
        '{"log": {"version": "1.2"}}',
    ],
)
def test_a_broken_document_is_one_reject(tmp_path: Path, text: str) -> None:
    loaded = load(tmp_path, text)
    assert (loaded.entry.records, loaded.entry.rejected) == (1, 1)
