"""IPv4 addresses that were written as IPv6 ones (RFC 4291, section 2.5.5.2) are the same addresses."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from forensics import views
from forensics.config import parse
from forensics.networks import plain, plain_sql
from forensics.store import literal, open_memory

NINE = datetime(2026, 3, 3, 9, 0)  # noqa: DTZ001 - table times have no zone
CONFIG = """
[[identity]]
address = "{held}"
pod = "c1"
cohort = "canary"
[[cohort]]
cohort = "baseline"
column = "source_address"
cidr = "10.42.7.0/24"
[[zone]]
name = "pods"
cidrs = ["10.42.0.0/16"]
kind = "internal"
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::FFFF:10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:a00:1", "::ffff:a00:1"),
        ("::ffff:", "::ffff:"),
        ("fd00::1", "fd00::1"),
    ],
)
def test_plain_in_both_languages(text: str, expected: str) -> None:
    assert plain(text) == expected
    with closing(open_memory(1)) as store:
        assert store.rows(f"select {plain_sql(literal(text))}") == [(expected,)]


@pytest.mark.parametrize("held", ["10.42.0.21", "::ffff:10.42.0.21"])
def test_owner_destination_and_zone(held: str) -> None:
    rows = [
        {"time": NINE, "observer": "o", "source_address": source, "destination_address": "::ffff:10.42.0.99", "destination_port": 80}
        for source in ("::ffff:10.42.0.21", "10.42.0.21", "::ffff:10.42.7.1")
    ]  # fmt: skip
    with closing(open_memory(1)) as store:
        views.load_rows(store, {"connections": rows})
        views.derive(store, parse(CONFIG.format(held=held)).config, [])
        owners = store.rows("select source_address, cohort from main.connections order by record_no")
        zones = store.rows("select distinct destination, destination_zone from outbound_named")
    assert owners == [("10.42.0.21", "canary"), ("10.42.0.21", "canary"), ("10.42.7.1", "baseline")]
    assert zones == [("10.42.0.99", "pods")]


def test_exports_and_sightings() -> None:
    tables: dict[str, list[dict[str, Any]]] = {
        "identities": [{"address": "::ffff:10.42.0.21", "k8s_pod_name": "c1", "service_version": "2"}],
        "http_requests": [{"time": NINE, "upstream_address": "::ffff:10.42.0.22", "k8s_pod_name": "c2"}],
    }
    with closing(open_memory(1)) as store:
        views.load_rows(store, tables)
        views.derive(store, parse("").config, [])
        found = store.rows("select address, pod from dims.identities order by address")
    assert found == [("10.42.0.21", "c1"), ("10.42.0.22", "c2")]


def test_people_have_stand_ins_under_both_spellings() -> None:
    tables = {"http_requests": [{"time": NINE, "client_address": "::ffff:198.51.100.7"}]}
    with closing(open_memory(1)) as store:
        views.load_rows(store, tables)
        views.derive(store, parse("").config, [])
        found = store.rows("select value from dims.ordinals order by value")
    assert found == [("198.51.100.7",), ("::ffff:198.51.100.7",)]
