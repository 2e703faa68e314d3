"""AWS VPC flow logs: both shapes, who opened, NAT, intervals without traffic, damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.helpers import at, attributes, load

OUT = "2 123456789012 eni-0a1b 10.42.9.1 203.0.113.7 45000 443 6 10 4200 1772528400 1772528459 ACCEPT OK"
BACK = "2 123456789012 eni-0a1b 203.0.113.7 10.42.9.1 443 45000 6 12 9000 1772528400 1772528459 ACCEPT OK"
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)


def test_the_default_format(tmp_path: Path) -> None:
    loaded = load(tmp_path, f"{OUT}\n{BACK}\n")
    assert loaded.entry.format == "aws-vpc-flow"
    out, back = loaded.rows("connections")
    expected = {
        "observer": "aws.vpc-flow", "time": at("2026-03-03T09:00:00"), "time_raw": "1772528400", "end_time": at("2026-03-03T09:00:59"),
        "duration_ms": None, "source_address": "10.42.9.1", "source_port": 45000, "destination_address": "203.0.113.7", "destination_port": 443,
        "network_transport": "tcp", "network_direction": None, "is_aggregated": True, "connection_state": "ACCEPT",
    }  # fmt: skip
    assert {key: out[key] for key in expected} == expected
    assert {key: back[key] for key in expected} == expected, "answers are turned round"
    sizes = (
        "source_bytes",
        "source_ip_bytes",
        "source_packets",
        "destination_bytes",
        "destination_packets",
        "is_established",
    )
    assert [out[key] for key in sizes] == [4200, 4200, 10, None, None, None]
    assert [back[key] for key in sizes] == [None, None, None, 9000, 12, True]
    assert attributes(out) == {"version": "2", "account-id": "123456789012", "interface-id": "eni-0a1b"}


def test_a_header_with_its_own_order(tmp_path: Path) -> None:
    header = "vpc-id start end srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport dstport protocol tcp-flags flow-direction bytes action"
    nat = "vpc-1 1772528400 1772528459 10.0.0.5 203.0.113.7 10.42.9.1 203.0.113.7 45000 443 6 3 egress 77 ACCEPT"
    loaded = load(tmp_path, f"{header}\n{nat}\n{header}\n{nat}\n")
    assert (loaded.entry.accepted, loaded.entry.skipped) == (2, {"header": 2})
    row = loaded.rows("connections")[0]
    assert (row["source_address"], row["network_direction"], row["source_bytes"]) == ("10.42.9.1", "outbound", 77)
    assert attributes(row) == {"vpc-id": "vpc-1", "tcp-flags": "3", "flow-direction": "egress"}


@pytest.mark.parametrize(
    ("flags", "direction", "source", "told"),
    [
        ("2", "egress", "10.42.9.1", "outbound"),
        ("3", "ingress", "10.42.9.1", "inbound"),
        ("18", "ingress", "203.0.113.7", "outbound"),
        ("19", "egress", "203.0.113.7", "inbound"),
        ("-", "-", "10.42.9.1", None),
        ("0", "ingress", "10.42.9.1", "inbound"),
    ],
)
def test_who_opened(tmp_path: Path, flags: str, direction: str, source: str, told: str | None) -> None:
    """Flags win over ports; where the record says neither, the lower port is the service."""
    line = f"10.42.9.1 203.0.113.7 45000 8443 6 {flags} {direction} 1772528400"
    row = load(tmp_path, f"srcaddr dstaddr srcport dstport protocol tcp-flags flow-direction start\n{line}\n").row(
        "connections"
    )
    assert (row["source_address"], row["network_direction"]) == (source, told)


def test_refused_icmp_and_other_protocols(tmp_path: Path) -> None:
    lines = [OUT.replace("ACCEPT", "REJECT"), OUT.replace(" 6 10 ", " 1 10 "), OUT.replace(" 6 10 ", " 47 10 ")]
    rows = load(tmp_path, "\n".join(lines) + "\n").rows("connections")
    assert [(row["network_transport"], row["is_established"]) for row in rows] == [
        ("tcp", False),
        ("icmp", None),
        ("47", None),
    ]


def test_intervals_without_traffic(tmp_path: Path) -> None:
    nothing = "2 123456789012 eni-0a1b - - - - - - - 1772528400 1772528459 - NODATA"
    loaded = load(tmp_path, "\n".join([HEADER, OUT, nothing, nothing.replace("NODATA", "SKIPDATA"), ""]))
    assert loaded.entry.accepted == 1
    assert loaded.entry.skipped == {"header": 1, "no traffic in the interval": 1, "records that AWS could not keep": 1}


def test_what_is_refused(tmp_path: Path) -> None:
    loaded = load(tmp_path, "\n".join([OUT, OUT + " more", OUT.replace("1772528400", "soon"), OUT, ""]) * 3)
    assert loaded.reasons()[:2] == [(2, "not 14 fields"), (3, "start is not a time")]
    assert loaded.entry.accepted == 6


def test_odd_values_are_kept(tmp_path: Path) -> None:
    line = OUT.replace(" 443 ", " high ").replace(" 4200 ", " -1 ").replace(" 45000 ", " 99999999 ")
    row = load(tmp_path, line + "\n").row("connections")
    assert (row["destination_port"], row["source_port"], row["source_bytes"], row["source_packets"]) == (
        None,
        None,
        None,
        10,
    )
    assert attributes(row)["_invalid"] == {
        "destination_port": "high", "source_port": "99999999", "source_bytes": "-1", "source_ip_bytes": "-1",
    }  # fmt: skip


def test_hostile_fields_stay_data(tmp_path: Path) -> None:
    row = load(tmp_path, f"{OUT}\n{OUT.replace('ACCEPT', chr(39) + ');drop')}\n").rows("connections")[1]
    assert row["connection_state"] == "');drop"
