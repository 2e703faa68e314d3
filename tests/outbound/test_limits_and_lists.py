"""What outbound evidence could not show, lists of known destinations, shared addresses, countries."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from forensics import verdict, views
from forensics.config import parse
from forensics.detectors.testing import DEFAULT_CONFIG, fill
from forensics.resources import tree, walk
from forensics.results import Context, outbound_limits
from forensics.store import open_memory
from forensics.views.lists import built_in
from tests.outbound.judging import Row, judged
from tests.views.mmdb import database

NINE = datetime(2026, 3, 3, 9, 0)  # noqa: DTZ001 - table times have no zone


def row(seconds: float, version: str | None = "2.4.0", **values: Any) -> Row:
    found = {
        "time": NINE + timedelta(seconds=seconds),
        "service_version": version,
        "destination_port": 443,
        "observer": "o",
        **values,
    }
    return {key: value for key, value in found.items() if value is not None}


class _Result:
    """A result without evidence files."""

    evidence: tuple[()] = ()


def limits(config: str = DEFAULT_CONFIG, **tables: list[Row]) -> dict[str, Any]:
    parsed = parse(config).config
    with closing(open_memory(1)) as sandbox:
        fill(sandbox, parsed, tables)
        return outbound_limits.build(Context(cast("Any", None), parsed, sandbox, cast("Any", _Result()), []))


def test_window_periods_and_names() -> None:
    rows = [
        row(0, destination_address="203.0.113.7"),
        row(1200, destination_domain="a.example"),
        row(600, "2.3.9", destination_domain="a.example"),
    ]
    told = limits(connections=rows)
    assert (told["window_seconds"], told["slowest_timer_seconds"]) == (1200, 100)
    periods = {item["period_seconds"]: item for item in told["periods"]}
    assert periods[60] == {"period_seconds": 60, "seen_once": 1.0, "can_be_scored": True, "can_be_told": True}
    assert periods[300] == {"period_seconds": 300, "seen_once": 1.0, "can_be_scored": True, "can_be_told": False}
    assert periods[3600]["seen_once"] == pytest.approx(1200 / 3600)
    assert {item["named_by"]: item["share"] for item in told["names"]} == {"connection": 0.5, "none": 0.5}
    assert told["missing"] == [
        "DNS",
        "TLS (names and fingerprints)",
        "HTTP of the clients (Host)",
        "programs (runtime sensor)",
    ]


def test_owners_and_shared_addresses() -> None:
    """Two pods on the network of their node: its address is nobody's; what comes from outside is not outbound."""
    identities = [
        {"address": "10.0.0.9", "k8s_pod_name": "a", "service_version": "2.4.0", "evidence_id": "e"},
        {"address": "10.0.0.9", "k8s_pod_name": "b", "service_version": "2.3.9", "evidence_id": "e"},
        {"address": "10.0.0.1", "k8s_pod_name": "c", "service_version": "2.4.0", "evidence_id": "e"},
    ]
    rows = [
        row(0, None, source_address="10.0.0.9", destination_domain="x.example"), row(1, None, source_address="10.0.0.1", destination_domain="a.example"),
        row(2, None, source_address="198.51.100.1", destination_address="10.0.0.1"),
    ]  # fmt: skip
    told = limits(connections=rows, identities=identities)
    assert told["owners"][0] == {"table": "connections", "rows": 2, "owned": 1, "share": 0.5}
    assert told["unowned"] == [{"address": "10.0.0.9", "rows": 1, "pods": 2}]
    assert told["shared_addresses"] == 1


def test_a_pod_that_followed_another_shares_nothing() -> None:
    identities = [
        {
            "address": "10.0.0.9",
            "k8s_pod_name": "a",
            "service_version": "2.3.9",
            "valid_from": NINE,
            "valid_to": NINE + timedelta(minutes=5),
        },
        {
            "address": "10.0.0.9",
            "k8s_pod_name": "b",
            "service_version": "2.4.0",
            "valid_from": NINE + timedelta(minutes=5),
        },
    ]
    rows = [
        row(60, None, source_address="10.0.0.9", destination_domain="a.example"),
        row(600, None, source_address="10.0.0.9", destination_domain="a.example"),
    ]
    told = limits(connections=rows, identities=identities)
    assert (told["owners"][0]["share"], told["shared_addresses"], told["taken_over"]) == (1.0, 0, 0)
    endless = [{key: value for key, value in item.items() if key != "valid_to"} for item in identities]
    told = limits(connections=rows, identities=endless)
    assert (told["owners"][0]["share"], told["taken_over"]) == (1.0, 1), "taken over by assumption, which is told"


def test_losses_are_told() -> None:
    rows = [
        row(
            0,
            destination_domain="a.example",
            source_bytes=5,
            destination_bytes=5,
            attributes='{"missed_bytes": 7}',
            sample_rate=0.1,
        ),
        row(1, destination_domain="a.example", is_aggregated=True),
    ]
    assert limits(connections=rows)["losses"] == [
        "The sensor missed 7 bytes of the canary's connections; it counted 10.",
        "1 connection from aggregated flow logs: intervals between them are not assessable.",
        "Connections were sampled, down to 10.000%.",
    ]


def test_lists_are_dated_and_each_entry_is_one() -> None:
    kinds = dict(built_in())
    assert set(kinds) == {"address_echo", "drop_service", "encrypted_dns", "miner", "paste", "tor", "webhook"} - {
        "drop_service"
    }
    for text in kinds.values():
        lines = text.splitlines()
        entries = [line for line in lines if not line.startswith("#")]
        assert any(line.startswith("# date: 20") for line in lines)
        assert len(entries) == len(set(entries))
        assert all(entry == entry.strip().lower() and entry for entry in entries)
    assert len(list(walk(tree("queries") / "lists" / "destinations", ".txt"))) == len(kinds)


LIST = '[[list]]\nkind = "webhook"\nentries = ["inbox.test", "203.0.113.9", ":8999"]\ndate = 2026-02-01\n'


@pytest.mark.parametrize("replace", [False, True])
def test_a_list_of_canary_toml_adds_or_replaces(replace: bool) -> None:
    config = DEFAULT_CONFIG + LIST + f"replace = {str(replace).lower()}\n"
    rows = [
        row(0, destination_domain="a.inbox.test"), row(1, destination_address="203.0.113.9"), row(2, destination_domain="webhook.site"),
        row(3, destination_domain="other.test", destination_port=8999), *[row(4 + n, "2.3.9", destination_domain="api.example") for n in range(20)],
    ]  # fmt: skip
    found = [item for item in judged(config, connections=rows)[0] if item.detector == "outbound.drop_service"]
    named = {item.entity["destination"] for item in found}
    assert named == {"a.inbox.test", "203.0.113.9", "other.test"} | (set() if replace else {"webhook.site"})


def test_a_new_country_and_operator_are_named(tmp_path: Path) -> None:
    places = {"203.0.113.0/25": {"country": {"iso_code": "FR"}}, "203.0.113.128/25": {"country": {"iso_code": "DE"}}}
    (tmp_path / "c.mmdb").write_bytes(database("Test-Country", places))
    rows = [
        row(0, destination_address="203.0.113.200"),
        row(1, destination_address="203.0.113.5"),
        row(2, "2.3.9", destination_address="203.0.113.6"),
    ]
    with closing(open_memory(1)) as store:
        views.load_rows(store, {"connections": rows})
        views.derive(store, parse(DEFAULT_CONFIG).config, [], {"country_file": tmp_path / "c.mmdb"})
        found = dict(store.rows("select destination, modifiers from destinations where canary_n > 0"))
    assert [item["name"] for item in found["203.0.113.200"]] == ["new_country"]
    assert found["203.0.113.5"] is None


def test_what_nobody_owns_counts_also_outside_of_the_zones() -> None:
    """A private address that no zone holds, and a public one that sends to the outside, are workloads without an owner; callers from outside are none."""
    rows = [
        row(0, source_address="10.0.0.1", destination_address="203.0.113.1"),
        row(1, None, source_address="192.168.77.7", destination_address="203.0.113.1"),
        row(2, None, source_address="192.168.77.7", destination_address="10.0.0.1"),
        row(3, None, source_address="198.51.100.1", destination_address="203.0.113.1"),
        row(4, None, source_address="198.51.100.1", destination_address="10.0.0.1"),
    ]
    asked = [
        {"time": NINE, "client_address": address, "server_address": "10.0.0.53", "dns_question_name": "a.example"}
        for address in ("192.168.77.7", "198.51.100.1")
    ]
    told = limits(connections=rows, dns_queries=asked)
    assert told["owners"] == [
        {"table": "connections", "rows": 4, "owned": 1, "share": 0.25},
        {"table": "dns_queries", "rows": 1, "owned": 0, "share": 0.0},
    ]
    assert told["unowned"] == [
        {"address": "192.168.77.7", "rows": 2, "pods": None},
        {"address": "198.51.100.1", "rows": 1, "pods": None},
    ]


def test_what_no_detector_can_judge_is_told() -> None:
    """Two connections without a name, one of a client whose lookups are in evidence; one to a known destination that did not end."""
    rows = [
        row(600, source_address="10.0.0.9", destination_address="203.0.113.7"),
        row(600, source_address="10.0.0.8", destination_address="203.0.113.8"),
        row(600, destination_domain="a.example", connection_state="S1"),
        row(600, destination_domain="a.example", connection_state="S1", duration_ms=5.0),
        row(600, destination_domain="b.example", connection_state="S1"),
        row(600, "2.3.9", destination_domain="a.example"),
    ]
    dns = [
        {
            "time": NINE + timedelta(seconds=300),
            "service_version": "2.4.0",
            "client_address": "10.0.0.9",
            "dns_question_name": "a.example",
        }
    ]
    told = limits(connections=rows, dns_queries=dns)["losses"]
    assert [sentence.split(" ", 1)[0] for sentence in told] == ["1", "1"]
    assert "no DNS evidence covers the client" in told[0]
    assert "tell no duration" in told[1]


def test_a_canary_that_was_not_observed_has_no_window() -> None:
    with closing(open_memory(1)) as sandbox:
        fill(sandbox, parse(DEFAULT_CONFIG).config, {"connections": [row(0, "2.3.9", destination_domain="a.example")]})
        told = [sentence for _, sentence in verdict._amount_marks(sandbox, 0)]
    assert "the canary was not observed: no timer can be seen" in told
