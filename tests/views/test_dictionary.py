"""The dimension tables are what the dictionary says, and addresses have their zone and class."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics import views
from forensics.config import parse
from forensics.store import Sandbox, open_memory

ZONE = '[[zone]]\nname = "cluster"\ncidrs = ["10.42.0.0/16", "fd00:1::/32"]\nkind = "internal"\n'


def built(toml: str, *addresses: str) -> Sandbox:
    store = open_memory(1)
    rows = [{"time": "2026-03-03T09:30:00", "observer": "o", "destination_address": address} for address in addresses]
    views.load_rows(store, {"connections": rows})
    views.derive(store, parse(toml).config, [])
    return store


@pytest.mark.parametrize("title", views.DIMENSIONS)
def test_columns_and_types_are_those_named(title: str) -> None:
    found = built("").rows(f"select column_name, column_type from (describe select * from {title})")
    assert found == [(column.name, column.type) for column in views.DIMENSIONS[title].own_columns]


@pytest.mark.parametrize("title", views.DIMENSIONS)
def test_columns_are_documented(title: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for column in views.DIMENSIONS[title].own_columns:
        assert f"| `{column.name}` | {column.type} |" in section


def test_addresses_by_zone_and_class() -> None:
    store = built(ZONE, "10.42.0.7", "::ffff:10.42.0.7", "10.43.0.1", "fd00:1::7", "FD00:1:0::7", "169.254.169.254", "8.8.8.8", "unix:/run/x")  # fmt: skip
    found = store.rows(
        "select address, address_version, address_canonical, address_class, zone, zone_kind from dims.addresses"
    )
    assert {row[0]: row[1:] for row in found} == {
        "10.42.0.7": (4, "10.42.0.7", "private", "cluster", "internal"),
        "::ffff:10.42.0.7": (4, "10.42.0.7", "private", "cluster", "internal"),
        "10.43.0.1": (4, "10.43.0.1", "private", "external", "external"),
        "fd00:1::7": (6, "fd00:1::7", "unique_local", "cluster", "internal"),
        "FD00:1:0::7": (6, "fd00:1::7", "unique_local", "cluster", "internal"),
        "169.254.169.254": (4, "169.254.169.254", "metadata", "metadata", "metadata"),
        "8.8.8.8": (4, "8.8.8.8", "public", "external", "external"),
        "unix:/run/x": (None, None, None, None, None),
    }
    assert store.value("select count(distinct address_key) from dims.addresses") == 5


def test_workloads_written_as_mapped_addresses_are_internal() -> None:
    store = open_memory(1)
    row = {"time": "2026-03-03T09:30:00", "observer": "o", "source_address": "::ffff:10.7.0.1", "destination_address": "10.7.9.9"}  # fmt: skip
    views.load_rows(store, {"connections": [row]})
    views.derive(store, parse("").config, [])
    assert store.rows("select destination_zone from outbound") == [("workloads",)]
