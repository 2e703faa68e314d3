"""Cohort rules, phases, zones and identities, each against rows written by hand."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics import cohort, views
from forensics.case import LedgerEntry
from forensics.cohort import Phase, Span, disjoint, observed_phases
from forensics.config import Config, parse
from forensics.networks import Networks
from forensics.store import Sandbox, open_memory

PHASES = """
[[phase]]
name = "ten"
start = 2026-03-03T09:00:00Z
end = 2026-03-03T10:00:00Z
weight = 10
[[phase]]
name = "fifty"
start = 2026-03-03T11:00:00+01:00
end = 2026-03-03T11:00:00Z
weight = 50
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-03T{text}")


def built(toml: str, ledger: list[LedgerEntry] | None = None, **tables: Any) -> Sandbox:
    store = open_memory(1)
    views.load_rows(store, tables)
    views.derive(store, parse(toml).config, ledger or [], query="requests")
    return store


def cohorts(toml: str, *rows: Mapping[str, Any], table: str = "http_requests", **more: Any) -> list[str]:
    facts: dict[str, Any] = {table: [{"time": "2026-03-03T09:30:00", "observer": "o", **row} for row in rows], **more}
    store = built(toml, **facts)
    return [row[0] for row in store.rows(f"select cohort from observed.{table} order by record_no")]


def rule(test: str, side: str = "canary") -> str:
    return f'[[cohort]]\ncohort = "{side}"\n{test}\n'


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ('column = "service_version"\nequals = "2.4.0"', "cuu"),
        ('column = "service_version"\nin = ["2.4.0", "2.3.9"]', "ccu"),
        ('column = "service_version"\nin = []', "uuu"),
        ('column = "service_version"\nglob = "2.[34].*"', "ccu"),
        ('column = "service_version"\nre2 = "^2\\\\.4"', "cuu"),
        ('column = "upstream_address"\ncidr = "10.42.0.0/24"', "cuu"),
        ('column = "upstream_address"\ncidr = "fd00::/8"', "ucu"),
        ('column = "http_response_status_code"\nequals = "200"', "cuu"),
        ('column = "http_response_status_code"\nre2 = "^5"', "ucu"),
        ('column = "http_response_status_code"\nequals = "many"', "uuu"),
        ('column = "http_response_status_code"\nin = ["200", "x"]', "cuu"),
        ('column = "http_response_status_code"\nglob = "5*"', "ucu"),
        ('table = "connections"\ncolumn = "source_address"\nequals = "x"', "uuu"),
        ('column = "source_address"\nequals = "x"', "uuu"),
        ('column = "service_version"\nequals = "it\'s"', "uuu"),
    ],
)
def test_each_kind_of_test(test: str, expected: str) -> None:
    rows: list[dict[str, Any]] = [
        {"service_version": "2.4.0", "upstream_address": "10.42.0.7", "http_response_status_code": 200},
        {"service_version": "2.3.9", "upstream_address": "fd00::7", "http_response_status_code": 503},
        {"service_version": None, "upstream_address": None, "http_response_status_code": None},
    ]
    found = cohorts(rule(test), *rows)
    assert "".join(name[0] for name in found) == expected


def test_the_first_rule_that_matches_wins() -> None:
    both = rule('column = "k8s_pod_name"\nglob = "shop-*"') + rule('column = "k8s_pod_name"\nglob = "*-b"', "baseline")
    rows = [{"k8s_pod_name": name} for name in ("shop-a", "shop-b", "other-b", "other")]
    assert cohorts(both, *rows) == ["canary", "canary", "baseline", "unknown"]
    store = built(both, http_requests=[{"time": "2026-03-03T09:30:00", **row} for row in rows])
    assert store.rows("select cohort_conflict from observed.http_requests order by record_no") == [
        (False,),
        (True,),
        (False,),
        (False,),
    ]
    assert store.rows("select sum(conflicts) from dims.observer_counts where table_name = 'http_requests'") == [(1,)]


def test_two_rules_of_one_cohort_are_no_conflict() -> None:
    both = (
        rule('column = "k8s_pod_name"\nglob = "a*"')
        + rule('column = "k8s_pod_name"\nglob = "*b"')
        + rule('column = "k8s_pod_name"\nequals = "x"', "baseline")
    )
    store = built(both, http_requests=[{"time": "2026-03-03T09:30:00", "k8s_pod_name": "ab"}])
    assert store.rows("select cohort, cohort_conflict from observed.http_requests") == [("canary", False)]


def test_rules_are_bounded_in_time() -> None:
    text = rule('column = "k8s_pod_name"\nequals = "p"\nfrom = 2026-03-03T09:00:00Z\nto = 2026-03-03T11:00:00+01:00')
    rows = [
        {"k8s_pod_name": "p", "time": f"2026-03-03T{clock}"}
        for clock in ("08:59:59.999999", "09:00:00", "09:59:59.999999", "10:00:00")
    ]
    assert cohorts(text, *rows) == ["unknown", "canary", "canary", "unknown"]


def test_rules_by_evidence() -> None:
    ledger = [LedgerEntry(name, f"{name}/access.log", "", "ingested", 0, "", "", 0) for name in ("canary", "stable")]
    text = rule('evidence = "canary/*"') + rule('evidence = "access.log"', "baseline")
    store = built(
        text,
        ledger,
        http_requests=[{"time": "2026-03-03T09:30:00", "evidence_id": name} for name in ("canary", "stable", "gone")],
    )
    assert store.rows("select cohort from observed.http_requests order by record_no") == [
        ("canary",),
        ("baseline",),
        ("unknown",),
    ]


def test_a_rule_on_a_column_within_some_evidence() -> None:
    ledger = [LedgerEntry(name, f"{name}.log", "", "ingested", 0, "", "", 0) for name in ("a", "b")]
    text = rule('evidence = "a.log"\ncolumn = "k8s_pod_name"\nequals = "p"')
    rows = [{"time": "2026-03-03T09:30:00", "evidence_id": item, "k8s_pod_name": pod} for item in "ab" for pod in "pq"]
    store = built(text, ledger, http_requests=rows)
    assert [row[0] for row in store.rows("select cohort from observed.http_requests order by record_no")] == [
        "canary",
        "unknown",
        "unknown",
        "unknown",
    ]


def test_a_network_is_tested_on_addresses_only() -> None:
    """200 is not 0.0.0.200."""
    text = rule('column = "http_response_status_code"\ncidr = "0.0.0.0/8"')
    assert cohorts(text, {"http_response_status_code": 200}) == ["unknown"]


def test_rules_by_flag() -> None:
    text = rule('flag = "new-checkout"\nequals = "on"')
    flags = [
        {"time": "2026-03-03T09:00:00", "feature_flag_key": key, "feature_flag_variant": variant, "user_id": user}
        for key, variant, user in (
            ("new-checkout", "on", "u1"),
            ("new-checkout", "off", "u2"),
            ("other", "on", "u3"),
            ("new-checkout", "on", None),
        )
    ]
    assert cohorts(
        text, {"user_id": "u1"}, {"user_id": "u2"}, {"user_id": "u3"}, {"user_id": None}, flag_events=flags
    ) == ["canary", "unknown", "unknown", "unknown"]
    assert cohorts(text, {"client_address": "a"}, table="dns_queries") == ["unknown"]


def test_baseline_before_and_after_the_phases_counts_apart() -> None:
    text = (
        PHASES
        + rule('column = "k8s_pod_name"\nequals = "c"')
        + rule('column = "k8s_pod_name"\nequals = "b"', "baseline")
    )
    clocks = ("08:59:59", "09:00:00", "10:30:00", "11:00:00")
    rows = [{"k8s_pod_name": pod, "time": f"2026-03-03T{clock}"} for pod in "bc" for clock in clocks]
    assert cohorts(text, *rows) == ["prior", "baseline", "baseline", "after", "canary", "canary", "canary", "canary"]
    store = built(text, http_requests=[{"observer": "o", **row} for row in rows])
    assert [row[0] for row in store.rows("select phase from observed.http_requests order by record_no")][:4] == [
        "before",
        "ten",
        "fifty",
        "after",
    ]
    assert store.rows("select count(*) from main.http_requests where cohort = 'baseline'") == [(2,)]


def test_phases_between_and_without() -> None:
    gap = PHASES.replace("11:00:00+01:00", "10:15:00Z")
    store = built(gap, http_requests=[{"time": "2026-03-03T10:05:00"}])
    assert store.rows("select phase from observed.http_requests") == [("between",)]
    window = "[window]\nstart = 2026-03-03T09:00:00Z\nend = 2026-03-03T10:00:00Z\n"
    store = built(
        window, http_requests=[{"time": f"2026-03-03T{clock}"} for clock in ("08:00:00", "09:00:00", "10:00:00")]
    )
    assert store.rows("select phase from observed.http_requests order by record_no") == [
        ("before",),
        ("all",),
        ("after",),
    ]
    assert built("", http_requests=[{"time": "2026-03-03T09:00:00"}]).rows(
        "select phase from observed.http_requests"
    ) == [("all",)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], []),
        (
            [("09:00", "weight_set", 10.0), ("09:30", "weight_set", 50.0), ("10:00", "completed", None)],
            [("weight-10", "09:00", "09:30"), ("weight-50", "09:30", "10:00")],
        ),
        (
            [("09:00", "weight_set", 10.0), ("09:10", "state", 10.0), ("09:30", "aborted", None)],
            [("weight-10", "09:00", "09:30")],
        ),
        (
            [
                ("09:00", "weight_set", 10.0),
                ("09:30", "weight_set", 0.0),
                ("09:40", "weight_set", 10.0),
                ("09:50", "aborted", None),
            ],
            [("weight-10", "09:00", "09:30"), ("weight-10", "09:40", "09:50")],
        ),
        ([("09:00", "weight_set", 10.0)], []),
        ([("09:00", "note", None), ("09:30", "aborted", None)], []),
        (
            [("09:00", "weight_set", 12.5), ("09:00", "aborted", None), ("09:30", "aborted", None)],
            [("weight-12.5", "09:00", "09:30")],
        ),
    ],
)
def test_phases_from_what_the_rollout_did(
    events: list[tuple[str, str, float | None]], expected: list[tuple[str, str, str]]
) -> None:
    found = observed_phases([(at(clock), kind, weight) for clock, kind, weight in events])
    assert [(phase.name, f"{phase.start:%H:%M}", f"{phase.end:%H:%M}") for phase in found] == expected


def test_given_phases_win_over_events() -> None:
    events = [
        {"time": "2026-03-03T09:00:00", "event_kind": "weight_set", "canary_weight": 5},
        {"time": "2026-03-03T09:30:00", "event_kind": "aborted"},
    ]
    assert built(PHASES, rollout_events=events).rows("select phase, source from dims.phases order by position") == [
        ("ten", "canary.toml"),
        ("fifty", "canary.toml"),
    ]
    assert built("", rollout_events=events).rows("select phase, weight, source from dims.phases") == [
        ("weight-5", 5.0, "rollout events")
    ]


ZONES = """
[[zone]]
name = "db"
kind = "datastore"
cidrs = ["10.42.9.0/24", "fd00:9::/32"]
[[zone]]
name = "pods"
kind = "internal"
cidrs = ["10.42.0.0/16", "fd00::/8"]
"""


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("10.42.9.1", ("db", "datastore")),
        ("10.42.0.1", ("pods", "internal")),
        ("::ffff:10.42.9.1", ("db", "datastore")),
        ("fd00:9::1", ("db", "datastore")),
        ("fd00:8::1", ("pods", "internal")),
        ("10.43.0.1", None),
        ("203.0.113.7", None),
        ("169.254.169.254", ("metadata", "metadata")),
        ("169.254.1.1", ("link-local", "internal")),
        ("127.0.0.1", ("loopback", "internal")),
        ("::1", ("loopback", "internal")),
        ("fe80::1", ("link-local", "internal")),
        ("255.255.255.255", ("multicast", "internal")),
        ("2001:db8::1", None),
        ("shop.example", None),
        ("", None),
        ("10.42.9.1/32", None),
        ("fe80::1%eth0", ("link-local", "internal")),
    ],
)
def test_zones(address: str, zone: tuple[str, str] | None) -> None:
    assert cohort.zones(parse(ZONES).config).find(address) == zone


def test_zones_without_an_internal_one_hold_the_workloads() -> None:
    found = cohort.zones(Config(), ["10.42.0.7", "203.0.113.9", "192.168.1.1"])
    assert found.find("10.42.200.1") == ("workloads", "internal")
    assert found.find("192.168.9.9") == ("workloads", "internal")
    assert found.find("10.43.0.1") is None
    assert found.find("203.0.113.9") is None


@given(
    networks=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=8),
    address=st.integers(0, 2**32 - 1),
)
def test_the_first_network_wins(networks: list[tuple[int, int]], address: int) -> None:
    """Against a loop over the networks in order."""
    cidrs = [str(ipaddress.ip_network((base, length), strict=False)) for base, length in networks]
    labelled = [(cidr, index) for index, cidr in enumerate(cidrs)]
    text = str(ipaddress.ip_address(address))
    expected = next(
        (index for cidr, index in labelled if ipaddress.ip_address(text) in ipaddress.ip_network(cidr)), None
    )
    assert Networks(labelled).find(text) == expected


def span(pod: str, start: str | None, stop: str | None, address: str = "10.42.0.7") -> Span:
    return Span(address, pod, None, None, None, at(start) if start else None, at(stop) if stop else None)


def test_an_address_is_held_by_one_pod_at_a_time() -> None:
    cut = disjoint([span("b", "10:00", None), span("a", None, None), span("c", "10:00", "10:30", "10.42.0.8")])
    assert [(item.pod, item.start, item.stop) for item in cut if item.address == "10.42.0.7"] == [
        ("a", None, at("10:00")),
        ("b", at("10:00"), datetime.fromisoformat("9999-01-01")),
    ]
    assert [(item.pod, item.stop) for item in cut if item.address == "10.42.0.8"] == [("c", at("10:30"))]


_CLOCKS = st.one_of(st.none(), st.integers(0, 23).map(lambda hour: f"{hour:02}:00"))


@given(st.lists(st.tuples(st.sampled_from("abc"), _CLOCKS, _CLOCKS), max_size=6))
def test_spans_never_overlap(given_spans: list[tuple[str, str | None, str | None]]) -> None:
    cut = disjoint([span(pod, start, stop) for pod, start, stop in given_spans])
    for first, second in pairwise(cut):
        assert first.stop is not None
        assert second.start is not None
        assert first.stop <= second.start


def test_an_address_that_another_pod_takes_over() -> None:
    text = rule('column = "k8s_pod_name"\nglob = "new-*"') + rule('column = "k8s_pod_name"\nglob = "old-*"', "baseline")
    identities = [
        {"address": "10.42.0.7", "k8s_pod_name": "old-1", "service_version": "1", "valid_from": "2026-03-03T08:00:00"},
        {"address": "10.42.0.7", "k8s_pod_name": "new-1", "service_version": "2", "valid_from": "2026-03-03T09:00:00"},
    ]
    rows = [
        {"upstream_address": "10.42.0.7", "time": f"2026-03-03T{clock}"}
        for clock in ("07:59:00", "08:00:00", "08:59:59", "09:00:00", "12:00:00")
    ]
    assert cohorts(text, *rows, identities=identities) == ["unknown", "baseline", "baseline", "canary", "canary"]
    store = built(text, http_requests=rows, identities=identities)
    assert store.rows("select service_version from observed.http_requests order by record_no") == [
        (None,),
        ("1",),
        ("1",),
        ("2",),
        ("2",),
    ]


def test_an_identity_may_name_the_cohort() -> None:
    text = '[[identity]]\naddress = "10.42.0.7"\npod = "p"\ncohort = "canary"\nfrom = 2026-03-03T09:00:00Z\n'
    rows = [
        {"source_address": address, "time": f"2026-03-03T{clock}"}
        for address, clock in (("10.42.0.7", "09:30:00"), ("10.42.0.7", "08:00:00"), ("10.42.0.8", "09:30:00"))
    ]
    assert cohorts(text, *rows, table="connections") == ["canary", "unknown", "unknown"]


def test_a_rule_wins_over_an_identity() -> None:
    text = '[[identity]]\naddress = "10.42.0.7"\npod = "p"\ncohort = "canary"\n' + rule(
        'column = "k8s_pod_name"\nequals = "p"', "baseline"
    )
    assert cohorts(text, {"source_address": "10.42.0.7"}, table="connections") == ["baseline"]


def test_phases_have_no_zone_in_tables() -> None:
    assert cohort.configured_phases(parse(PHASES).config) == [
        Phase("ten", at("09:00"), at("10:00"), 10.0),
        Phase("fifty", at("10:00"), at("11:00"), 50.0),
    ]


def test_a_zone_within_a_broader_one_counts_whatever_the_order() -> None:
    """A zone that stands behind a broader one, in another spelling, or within one that holds a built-in zone."""
    first, second = ZONES.split("[[zone]]")[1:3]
    config = parse(ZONES.replace(f"[[zone]]{first}[[zone]]{second}", f"[[zone]]{second}\n[[zone]]{first}")).config
    assert [zone.name for zone in config.zone][:2] == ["pods", "db"]
    assert cohort.zones(config).find("10.42.9.1") == ("db", "datastore")
    wide = '[[zone]]\nname = "all"\nkind = "internal"\ncidrs = ["0.0.0.0/0"]\n[[zone]]\nname = "db"\nkind = "datastore"\ncidrs = ["::ffff:10.42.9.0/120"]\n[[zone]]\nname = "mine"\nkind = "internal"\ncidrs = ["169.254.0.0/16"]\n'
    found = cohort.zones(parse(wide).config)
    assert found.find("10.42.9.1") == ("db", "datastore")
    assert found.find("169.254.169.254") == ("metadata", "metadata")
    assert found.find("169.254.1.1") == ("mine", "internal"), "of equals that of canary.toml"
