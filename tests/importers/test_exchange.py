"""Request/response samples as JSON lines."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, attributes, lines, load


def record(**response: Any) -> dict[str, Any]:
    return {
        "time": "2026-03-03T09:00:00Z",
        "id": "x-1",
        "request": {
            "method": "GET",
            "url": "https://user:pw@shop.example:8443/a/b?c=d",
            "headers": [["User-Agent", "curl"], ["Accept", "a"], ["accept", "b"]],
        },
        "response": {
            "status": 200,
            "headers": [["Set-Cookie", "b=2"], ["Content-Type", "Text/HTML; charset=utf-8"], ["set-cookie", "a=1"]],
            "body": "<p>",
            **response,
        },
        "client_address": "203.0.113.7:555",
        "server_address": "10.42.0.7:8080",
        "pod": "shop-1",
        "version": "2.4.0",
        "user": "u",
        "role": "admin",
        "session": "s",
        "sample_rate": 0.01,
    }


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_full_record(tmp_path: Path) -> None:
    row = load(tmp_path, lines(record())).row("http_exchanges")
    expected = {
        "observer": "exchange",
        "time": at("2026-03-03T09:00:00"),
        "http_request_id": "x-1",
        "url_scheme": "https",
        "url_path": "/a/b",
        "url_query": "c=d",
        "server_address": "shop.example",
        "server_port": 8443,
        "upstream_address": "10.42.0.7",
        "upstream_port": 8080,
        "client_address": "203.0.113.7",
        "http_response_status_code": 200,
        "user_agent_original": "curl",
        "k8s_pod_name": "shop-1",
        "service_version": "2.4.0",
        "user_id": "u",
        "user_role": "admin",
        "session_id": "s",
        "sample_rate": 0.01,
        "http_response_mime_type": "text/html",
        "http_response_body": "<p>",
        "http_response_body_size": 3,
        "http_response_body_state": "full",
        "http_request_body": None,
        "http_request_body_state": "omitted",
    }
    assert {key: row[key] for key in expected} == expected


def test_headers_keep_order_case_and_repeats(tmp_path: Path) -> None:
    row = load(tmp_path, lines(record())).row("http_exchanges")
    assert [(item["name"], item["value"]) for item in row["http_response_headers"]] == [
        ("Set-Cookie", "b=2"), ("Content-Type", "Text/HTML; charset=utf-8"), ("set-cookie", "a=1"),
    ]  # fmt: skip
    assert [item["name"] for item in row["http_request_headers"]] == ["User-Agent", "Accept", "accept"]


@pytest.mark.parametrize(
    ("headers", "data", "text"),
    [
        ([["content-encoding", "gzip"]], gzip.compress("grüß".encode(), mtime=0), "grüß"),
        ([["Content-Type", "text/plain; charset=iso-8859-1"]], "grüß".encode("latin-1"), "grüß"),
        ([["Content-Type", "text/plain; charset=nonsense"]], b"abc", "abc"),
        ([["Content-Encoding", "identity"]], b"a\x00b\xff", "a\\x00b\\xff"),
        ([], b"", ""),
    ],
)
def test_base64_bodies(tmp_path: Path, headers: list[list[str]], data: bytes, text: str) -> None:
    row = load(tmp_path, lines(record(headers=headers, body=packed(data), body_encoding="base64"))).row(
        "http_exchanges"
    )
    assert (row["http_response_body"], row["http_response_body_state"]) == (text, "full")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([], "!!"),
        ([["content-encoding", "gzip"]], packed(b"\x8b\xff not gzip")),
        ([["content-encoding", "pied-piper"]], packed(b"\x01x")),
        ([["content-encoding", "br"]], packed(b"\xff" * 20)),
    ],
)
def test_bodies_that_cannot_be_decoded(tmp_path: Path, headers: list[list[str]], body: str) -> None:
    row = load(tmp_path, lines(record(headers=headers, body=body, body_encoding="base64"))).row("http_exchanges")
    assert (row["http_response_body"], row["http_response_body_state"]) == (None, "undecodable")


def test_text_behind_a_coding_that_it_has_not(tmp_path: Path) -> None:
    """The exporter decoded it and left the header."""
    row = load(
        tmp_path, lines(record(headers=[["content-encoding", "gzip"]], body=packed(b"plain"), body_encoding="base64"))
    ).row("http_exchanges")
    assert (row["http_response_body"], row["http_response_body_state"]) == ("plain", "full")


def test_the_exporter_may_say_that_a_body_is_cut(tmp_path: Path) -> None:
    rows = load(tmp_path, lines(record(body_state="truncated"), record(body=None))).rows("http_exchanges")
    assert [row["http_response_body_state"] for row in rows] == ["truncated", "omitted"]


def test_a_record_without_a_response(tmp_path: Path) -> None:
    bare = {key: value for key, value in record().items() if key != "response"}
    loaded = load(tmp_path, lines(record(), record(), bare, {**record(), "response": None}, {**record(), "time": "?"}))
    assert loaded.numbers("http_exchanges") == [1, 2]
    assert loaded.reasons() == [
        (3, "request or response is missing"), (4, "request or response is missing"), (5, "time is missing or not a time"),
    ]  # fmt: skip


def test_times_in_seconds_and_with_an_offset(tmp_path: Path) -> None:
    rows = load(
        tmp_path, lines({**record(), "time": 1772528400.5}, {**record(), "time": "2026-03-03T10:00:00+01:00"})
    ).rows("http_exchanges")
    assert [row["time"] for row in rows] == [at("2026-03-03T09:00:00.5"), at("2026-03-03T09:00:00")]


def test_other_keys_are_attributes(tmp_path: Path) -> None:
    rows = load(tmp_path, lines({**record(), "tag": [1], 'odd"key': 2}, record())).rows("http_exchanges")
    assert [attributes(row) for row in rows] == [{"tag": [1], 'odd"key': 2}, {}]


def test_the_host_header_names_the_server_of_a_relative_url(tmp_path: Path) -> None:
    request = {"method": "GET", "url": "/a?b=https://other.example/", "headers": [["Host", "shop.example:81"]]}
    row = load(tmp_path, lines({**record(), "request": request})).row("http_exchanges")
    assert (row["url_scheme"], row["server_address"], row["server_port"]) == (None, "shop.example", 81)
    assert (row["url_path"], row["url_query"]) == ("/a", "b=https://other.example/")


def test_an_absolute_url_without_a_path(tmp_path: Path) -> None:
    row = load(
        tmp_path, lines({**record(), "request": {"method": "GET", "url": "https://[fd00::1]:8443?x=1", "headers": []}})
    ).row("http_exchanges")
    assert (row["server_address"], row["server_port"], row["url_path"], row["url_query"]) == (
        "fd00::1",
        8443,
        "/",
        "x=1",
    )


@pytest.mark.parametrize("side", ["request", "response"])
@pytest.mark.parametrize("value", ["x", 5, [], True, None])
def test_a_request_or_response_that_is_no_object_is_refused(tmp_path: Path, side: str, value: object) -> None:
    good = {"time": "2026-03-03T09:00:00Z", "request": {"method": "GET"}, "response": {"status": 200}}
    loaded = load(tmp_path, lines(*[good] * 20, {**good, side: value}, {**good, side: {}}))
    assert loaded.reasons() == [(21, "request or response is missing")]
    assert loaded.entry.accepted == 21
