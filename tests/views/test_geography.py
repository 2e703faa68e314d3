"""Country and operator from MaxMind DB files: what is read, where it is kept, and what a damaged file does."""

from __future__ import annotations

import builtins
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from forensics import views
from forensics.case import Case, LedgerEntry, create
from forensics.config import load, parse
from forensics.errors import ConfigError
from forensics.networks import key_of
from forensics.store import open_memory
from forensics.views.geography import locate
from tests.views.mmdb import database

COUNTRIES = {
    "203.0.113.0/25": {"country": {"iso_code": "FR"}},
    "203.0.113.128/25": {"registered_country": {"iso_code": "DE"}},
    "2001:db8::/33": {"country": {"iso_code": "JP"}},
    "198.51.100.0/24": {"country": {"iso_code": 7}},
    "192.0.2.0/24": {"country": "no map"},
}
OPERATORS = {
    "203.0.113.0/24": {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Été"},
    "198.51.100.0/24": {"autonomous_system_number": "64501"},
}
TOML = '[enrich]\ncountry_file = "country.mmdb"\nasn_file = "data/asn.mmdb"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "country.mmdb").write_bytes(database("Test-Country", COUNTRIES))
    (tmp_path / "data" / "asn.mmdb").write_bytes(database("Test-ASN", OPERATORS))
    (tmp_path / "canary.toml").write_text(TOML)
    return tmp_path


def files(folder: Path) -> Mapping[str, Path]:
    return {"country_file": folder / "country.mmdb", "asn_file": folder / "data" / "asn.mmdb"}


def test_places_of_addresses(folder: Path) -> None:
    addresses = ["203.0.113.5", "203.0.113.200", "::ffff:203.0.113.5", "2001:db8::7", "198.51.100.1", "192.0.2.1", "8.8.8.8", "name.example"]  # fmt: skip
    store = open_memory(1)
    rows = [{"time": "2026-03-03T09:30:00", "observer": "o", "destination_address": address} for address in addresses]
    views.load_rows(store, {"connections": rows})
    views.derive(store, parse("").config, [], files(folder))
    found = {row[0]: row[1:] for row in store.rows("select address, country, asn, as_organization from dims.addresses")}
    assert found == {
        "203.0.113.5": ("FR", 64500, "Example Été"),
        "203.0.113.200": ("DE", 64500, "Example Été"),
        "::ffff:203.0.113.5": ("FR", 64500, "Example Été"),
        "2001:db8::7": ("JP", None, None),
        "198.51.100.1": (None, None, None),
        "192.0.2.1": (None, None, None),
        "8.8.8.8": (None, None, None),
        "name.example": (None, None, None),
    }
    assert store.rows("select distinct destination_country from outbound where destination_address = '203.0.113.5'") == [("FR",)]  # fmt: skip


def test_neighbours_share_a_lookup_and_say_the_same(folder: Path) -> None:
    keys = sorted(key for number in range(256) if (key := key_of(f"203.0.113.{number}")))
    assert locate(keys, files(folder))["country"].to_pylist() == ["FR"] * 128 + ["DE"] * 128


def made(folder: Path) -> Case:
    case = create(folder / "x.case")
    loaded = load(folder / "canary.toml")
    case.write_config(loaded)
    case.finish_ingest([])
    views.keep_databases(case, loaded)
    return case


def test_a_case_keeps_its_own_copies(folder: Path) -> None:
    case = made(folder)
    (folder / "country.mmdb").unlink()
    (folder / "data" / "asn.mmdb").unlink()
    assert {path.name for path in views.databases_of(case).values()} == {"country-country.mmdb", "asn-asn.mmdb"}
    with views.opened(case) as sandbox:
        assert sandbox.select("select count(*) as n from dims.addresses") == [{"n": 0}]
    assert '"enrichment"' in (case.folder / "custody.jsonl").read_text()


def test_another_file_builds_the_cache_again(folder: Path) -> None:
    case = made(folder)
    views.ensure(case)
    before = (case.folder / "case.duckdb.key").read_text()
    (case.folder / "enrichment" / "asn-asn.mmdb").write_bytes(database("Test-ASN", {}))
    views.ensure(case)
    assert (case.folder / "case.duckdb.key").read_text() != before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is not there"),
        (b"", "cannot be read as a MaxMind DB file"),
        (b"not a database" * 100, "cannot be read as a MaxMind DB file"),
        (database("Test-ASN", OPERATORS), "not one for country_file"),
        (database("Test-Country", COUNTRIES)[-200:], "MaxMind DB file"),
    ],
)
def test_a_file_that_is_no_database_is_one_sentence(folder: Path, content: bytes | None, words: str) -> None:
    path = folder / "country.mmdb"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        views.check_databases(load(folder / "canary.toml"))
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert "enrich.country_file" in str(caught.value.location)


def test_damaged_bytes_end_in_a_sentence_or_an_answer(folder: Path) -> None:
    whole, draw = database("Test-Country", COUNTRIES), random.Random(7)  # noqa: S311 - not cryptography
    keys = sorted(key for text in ("203.0.113.5", "2001:db8::7", "8.8.8.8") if (key := key_of(text)))
    path = folder / "country.mmdb"
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(draw.randrange(1, 6)):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        path.write_bytes(broken)
        try:
            assert len(locate(keys, {"country_file": path})) == len(keys)
        except ConfigError as error:
            assert "MaxMind" in error.message or "not one for" in error.message  # noqa: PT017 - either is right


def test_without_the_reader_the_command_to_install_it_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "maxminddb":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as caught:
        views.check_databases(load(folder / "canary.toml"))
    assert "pip install 'canary-forensics[geo]'" in caught.value.hint


def test_an_unused_ledger_entry_changes_nothing(folder: Path) -> None:
    case = made(folder)
    case.finish_ingest([LedgerEntry("0" * 16, "a", "a", "unrecognised", 0, "", "", 0)])
    with views.opened(case) as sandbox:
        assert sandbox.select("select count(*) as n from dims.domains") == [{"n": 0}]
