"""CoreDNS: the query format behind the times of container runtimes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ingest.helpers import at, attributes, load

QUERY = '[INFO] 10.42.9.1:45123 - 4321 "A IN Collect.Example. udp 45 false 512" NXDOMAIN qr,rd,ra 120 0.0015s'
STAMP = "2026-03-03T09:00:00.123456789Z"


@pytest.mark.parametrize(
    "line",
    [
        f"{STAMP} {QUERY}",
        f"{STAMP} stdout F {QUERY}",
        json.dumps({"log": QUERY + "\n", "stream": "stdout", "time": STAMP}),
        f"2026-03-03T10:00:00.123456789+01:00 stdout F {QUERY}",
    ],
    ids=["kubectl", "cri", "docker", "zone"],
)
def test_a_query(tmp_path: Path, line: str) -> None:
    found = load(tmp_path, line + "\n")
    assert found.entry.format == "coredns"
    row = found.row("dns_queries")
    expected = {
        "observer": "coredns", "time": at("2026-03-03T09:00:00.123456"), "dns_question_name": "collect.example", "dns_question_type": "A",
        "dns_question_class": "IN", "dns_response_code": "NXDOMAIN", "dns_id": "4321", "client_address": "10.42.9.1", "client_port": 45123,
        "network_transport": "udp", "duration_ms": 1.5, "dns_answers": [],
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert attributes(row) == {
        "request_size": "45",
        "response_size": "120",
        "flags": "qr,rd,ra",
        "do_bit": "false",
        "buffer_size": "512",
    }


def test_version_6_and_an_odd_name(tmp_path: Path) -> None:
    line = f"{STAMP} " + QUERY.replace("10.42.9.1", "[fd00::1]").replace(
        "Collect.Example.", "');drop.example."
    ).replace("NXDOMAIN", "-")
    row = load(tmp_path, line + "\n").row("dns_queries")
    assert (row["client_address"], row["dns_question_name"], row["dns_response_code"]) == (
        "fd00::1",
        "');drop.example",
        None,
    )


def test_other_lines_are_counted_and_lines_without_time_refused(tmp_path: Path) -> None:
    good = f"{STAMP} {QUERY}\n"
    other = f"{STAMP} [ERROR] plugin/errors: 2 a.example. A: read udp 10.0.0.1:1->8.8.8.8:53: i/o timeout\n"
    found = load(tmp_path, good * 3 + other + QUERY + "\nhello\n" + QUERY.join(["soon ", "\n"]))
    assert found.entry.accepted == 3
    assert found.entry.skipped == {"a line of another plugin": 1}
    told = "no time: export with kubectl logs --timestamps, or the files of the container runtime"
    assert found.reasons() == [(5, told), (6, "not the query format of CoreDNS"), (7, told)]
