"""Indicators as people exchange them, and where they show in a case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.investigate.indicators import read
from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, run


@pytest.fixture
def case(reviewed: Reviewed) -> Path:
    return reviewed.case("checkout-compromised")


def parsed(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    path = tmp_path / "list"
    path.write_text(text, encoding="utf-8")
    return [(item.kind, item.value) for item in read(path)[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7", ("ip", "203.0.113.7/32")),
        ("203[.]0[.]113[.]7", ("ip", "203.0.113.7/32")),
        ("203.0.113.7/24", ("ip", "203.0.113.0/24")),
        ("2001:db8[:]:1", ("ip", "2001:db8::1/128")),
        ("Evil(.)Example.", ("domain", "evil.example")),
        ("*.evil{.}example", ("domain", "evil.example")),
        ("evil[dot]example # seen twice", ("domain", "evil.example")),
        ("hxxps[:]//evil[.]example/a,b", ("url", "https://evil.example/a,b")),
        ("D41D8CD98F00B204E9800998ECF8427E", ("hash", "d41d8cd98f00b204e9800998ecf8427e")),
        ("evil.example,malware,high", ("domain", "evil.example")),
        ('"evil.example"', ("domain", "evil.example")),
    ],
)
def test_one_line(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    assert parsed(tmp_path, f"# list\n\n{text}\n{text}\n") == [expected]


def test_csv_by_its_header(tmp_path: Path) -> None:
    assert parsed(tmp_path, 'type,Value,note\nip,198.51.100.9,"a, b"\nx,,\ndomain,evil.example,\n') == [
        ("ip", "198.51.100.9/32"),
        ("domain", "evil.example"),
    ]


def test_stix_single_comparisons_and_what_is_not_read(tmp_path: Path) -> None:
    patterns = [
        "[ipv4-addr:value = '198.51.100.9']",
        "[domain-name:value='evil.example']",
        "[url:value = 'https://evil.example/it\\'s']",
        "[file:hashes.'SHA-256' = '" + "a" * 64 + "']",
        "[domain-name:value = 'a.example' AND ipv4-addr:value = '1.2.3.4']",
        "[domain-name:value LIKE '%.example']",
        "[email-addr:value = 'a@b.example']",
    ]
    bundle = {
        "type": "bundle",
        "objects": [{"type": "identity"}, *({"type": "indicator", "pattern": pattern} for pattern in patterns)],
    }
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    found, unread = read(path)
    assert [(item.kind, item.line) for item in found] == [("ip", 2), ("domain", 3), ("url", 4), ("hash", 5)]
    assert found[2].value == "https://evil.example/it's"
    assert [(item.line, item.reason) for item in unread] == [
        (6, "not a single comparison with ="),
        (7, "not a single comparison with ="),
        (8, "email-addr:value is not looked for"),
    ]


def matched(case: Path, tmp_path: Path, text: str) -> list[dict[str, Any]]:
    path = tmp_path / "list"
    path.write_text(text, encoding="utf-8")
    done = run("match", case, path, "--json")
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def test_name_below_address_and_url_find_the_collector(case: Path, tmp_path: Path) -> None:
    for text in ("pixel-sync.example", "COLLECT.pixel-sync.example", "hxxps://collect.pixel-sync.example/x"):
        rows = matched(case, tmp_path, text)
        assert {(row["table"], row["matched"], row["canary"], row["baseline"], row["other"]) for row in rows} == {
            ("connections", "collect.pixel-sync.example", 2, 0, 0),
            ("dns_queries", "collect.pixel-sync.example", 2, 0, 0),
        }, text
    rows = matched(case, tmp_path, "203.0.113.77")
    assert {(row["table"], row["canary"]) for row in rows} == {("connections", 4), ("dns_queries", 2)}
    assert matched(case, tmp_path, "sync.example\nevil.example\n") == [], "a part of a label is no name above"


def test_a_network_counts_clients_without_naming_them(case: Path, tmp_path: Path) -> None:
    rows = matched(case, tmp_path, "192.0.2.0/24")
    assert rows
    assert all(row["matched"].startswith("client-") for row in rows if row["table"] == "http_requests")


def test_a_hash_among_the_components(case: Path, tmp_path: Path) -> None:
    bill = json.loads((SAMPLES / "checkout-compromised" / "sbom" / "checkout-2.4.0.cdx.json").read_text())
    component = next(item for item in bill["components"] if item.get("hashes"))
    (row,) = (row for row in matched(case, tmp_path, component["hashes"][0]["content"]) if row["canary"])
    assert (row["table"], row["kind"]) == ("components", "hash")


def test_hostile_lists(case: Path, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"\x1b[31m\xff\n' or 1=1; --\n" + b"[" * 100_000 + b"\n")
    done = run("match", case, path)
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert "0 of 0 indicators found." in done.err
    assert run("match", case, tmp_path / "none").code in (2, 3)
