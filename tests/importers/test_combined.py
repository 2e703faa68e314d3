r"""nginx and Apache access logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.helpers import Row, at, attributes, load

PLAIN = (
    '203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 512 "https://shop.example/" "curl/8.5"\n'
)


def one(folder: Path, line: str) -> Row:
    """The row of a line among plain ones, so that the file is recognised by its other lines."""
    rows = load(folder, PLAIN * 3 + line + "\n").rows("http_requests")
    assert [row["record_no"] for row in rows] == [1, 2, 3, 4]
    return rows[3]


def test_a_plain_line(tmp_path: Path) -> None:
    row = load(tmp_path, PLAIN).row("http_requests")
    expected = {
        "record_no": 1,
        "record_offset": 0,
        "observer": "weblog",
        "time": at("2026-03-03T09:00:00"),
        "time_raw": "03/Mar/2026:09:00:00 +0000",
        "http_request_method": "GET",
        "url_path": "/a",
        "url_query": "b=c",
        "server_address": None,
        "http_response_status_code": 200,
        "http_response_body_size": 512,
        "network_protocol_name": "http",
        "network_protocol_version": "1.1",
        "client_address": "203.0.113.7",
        "network_peer_address": "203.0.113.7",
        "user_id": None,
        "user_agent_original": "curl/8.5",
        "http_request_header_referer": "https://shop.example/",
    }
    assert {key: row[key] for key in expected} == expected


def test_common_format_has_no_referer(tmp_path: Path) -> None:
    row = load(tmp_path, '::1 - frank [10/Oct/2025:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 304 -\n').row(
        "http_requests"
    )
    assert row["time"] == at("2025-10-10T20:55:36")
    assert (
        row["client_address"],
        row["user_id"],
        row["http_response_status_code"],
        row["http_response_body_size"],
    ) == ("::1", "frank", 304, None)
    assert (row["user_agent_original"], row["http_request_header_referer"], attributes(row)) == (None, None, {})


def test_virtual_hosts_come_first(tmp_path: Path) -> None:
    text = "".join(f"shop{n}.example:443 " + PLAIN for n in range(3))
    rows = load(tmp_path, text).rows("http_requests")
    assert [(row["server_address"], row["server_port"], row["client_address"]) for row in rows] == [
        (f"shop{n}.example", 443, "203.0.113.7") for n in range(3)
    ]


def test_escaped_quotes_stay_in_their_field(tmp_path: Path) -> None:
    row = one(
        tmp_path,
        r'203.0.113.8 - - [03/Mar/2026:09:00:00 +0000] "GET /\"x\" HTTP/1.1" 200 5 "-" "a \"quoted\" \\ agent"',
    )
    assert row["url_path"] == r"/\"x\""
    assert row["user_agent_original"] == r"a \"quoted\" \\ agent"
    assert row["http_request_header_referer"] is None


def test_nginx_writes_a_quote_as_an_escape(tmp_path: Path) -> None:
    row = one(tmp_path, r'203.0.113.8 - - [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "say \x22hi\x22"')
    assert row["user_agent_original"] == r"say \x22hi\x22"


def test_a_request_that_never_came(tmp_path: Path) -> None:
    row = one(tmp_path, '203.0.113.8 - - [03/Mar/2026:09:00:00 +0000] "-" 408 0 "-" "-"')
    assert (row["http_request_method"], row["url_path"], row["network_protocol_version"]) == (None, None, None)
    assert (row["http_response_status_code"], row["http_response_body_size"]) == (408, 0)


def test_tls_bytes_sent_to_a_plain_port(tmp_path: Path) -> None:
    row = one(tmp_path, r'203.0.113.8 - - [03/Mar/2026:09:00:00 +0000] "\x16\x03\x01\x02\x00 \x01" 400 157 "-" "-"')
    assert (row["http_response_status_code"], row["network_protocol_name"]) == (400, None)


@pytest.mark.parametrize(
    ("request_line", "method", "path", "version"),
    [
        ("GET /a b c HTTP/1.1", "GET", "/a b c", "1.1"),
        ("GET /old", "GET", "/old", None),
        ("GET  HTTP/1.1", "GET", None, "1.1"),
        ("CONNECT db.example:5432 HTTP/1.1", "CONNECT", "db.example:5432", "1.1"),
        ("GET http://other.example/x?y HTTP/1.1", "GET", "http://other.example/x", "1.1"),
    ],
)
def test_request_lines(tmp_path: Path, request_line: str, method: str, path: str | None, version: str | None) -> None:
    row = one(tmp_path, f'203.0.113.8 - - [03/Mar/2026:09:00:00 +0000] "{request_line}" 200 5 "-" "-"')
    assert (row["http_request_method"], row["url_path"], row["network_protocol_version"]) == (method, path, version)


@pytest.mark.parametrize("user", ["jane doe", "[03/Mar/2026:01:00:00", "a [b] c", "x] ["])
def test_a_client_chooses_its_user_name(tmp_path: Path, user: str) -> None:
    row = one(tmp_path, f'203.0.113.8 - {user} [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 401 5 "-" "-"')
    assert (row["user_id"], row["client_address"], row["time"]) == (user, "203.0.113.8", at("2026-03-03T09:00:00"))


def test_a_user_name_cannot_be_another_time(tmp_path: Path) -> None:
    """The last bracket before the request is the server's; what stands before it is the client's."""
    user = "x [01/Jan/2020:00:00:00 +0000]"
    row = one(tmp_path, f'203.0.113.8 - {user} [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 401 5 "-" "-"')
    assert (row["user_id"], row["time"]) == (user, at("2026-03-03T09:00:00"))


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("03/Mar/2026:00:30:00 +0100", "2026-03-02T23:30:00"),
        ("02/Mar/2026:20:00:00 -0330", "2026-03-02T23:30:00"),
        ("03/Mar/2026:05:00:00 +0530", "2026-03-02T23:30:00"),
    ],
)
def test_offsets(tmp_path: Path, stamp: str, utc: str) -> None:
    assert one(tmp_path, f'203.0.113.8 - - [{stamp}] "GET / HTTP/1.1" 200 5 "-" "-"')["time"] == at(utc)


def test_fields_behind_the_agent_are_kept(tmp_path: Path) -> None:
    row = one(tmp_path, PLAIN.rstrip() + ' 0.123 "203.0.113.9"')
    assert (row["user_agent_original"], attributes(row)) == ("curl/8.5", {"rest": '0.123 "203.0.113.9"'})


def test_lines_of_another_kind_are_refused(tmp_path: Path) -> None:
    bad = ["nginx: reloaded", PLAIN.replace("Mar", "Mrz").strip(), '"GET / HTTP/1.1" 200 5 "-" "-"']
    loaded = load(tmp_path, PLAIN * 4 + "\n".join(bad))
    assert loaded.numbers("http_requests") == [1, 2, 3, 4]
    assert loaded.reasons() == [
        (5, "not the combined format"),
        (6, "the time in brackets cannot be read"),
        (7, "not the combined format"),
    ]


def test_sizes_that_are_no_numbers(tmp_path: Path) -> None:
    row = one(
        tmp_path, '203.0.113.8 - - [03/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 99999999999999999999 "-" "-"'
    )
    assert row["http_response_body_size"] is None
    assert attributes(row)["_invalid"]["http_response_body_size"] == "99999999999999999999"


@pytest.mark.parametrize("between", ["\r", "\0", " more\r"])
def test_more_than_one_record_in_a_line_is_a_reject(tmp_path: Path, between: str) -> None:
    record = PLAIN.rstrip("\n")
    loaded = load(tmp_path, PLAIN * 3 + record + between + record + "\n")
    assert (loaded.entry.accepted, loaded.entry.rejected) == (3, 1)


@pytest.mark.parametrize("offset", ["+9999", "-1900", "+2000"])
def test_an_offset_of_days_is_no_time(tmp_path: Path, offset: str) -> None:
    loaded = load(tmp_path, PLAIN * 3 + PLAIN.replace("+0000", offset))
    assert (loaded.entry.accepted, loaded.entry.rejected) == (3, 1)
    assert load(tmp_path / "b", PLAIN * 3 + PLAIN.replace("+0000", "+1845")).entry.accepted == 4
