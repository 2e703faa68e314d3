"""`findings` filters, `pivot` finds one value in every table that may hold it; both print nothing of others raw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.investigate import pivot
from forensics.schema import TABLES
from tests.conftest import Reviewed
from tests.end_to_end.harness import findings_of, run, truth

NAME = "checkout-compromised"
COLLECTOR = "collect.pixel-sync.example"


@pytest.fixture
def case(reviewed: Reviewed) -> Path:
    return reviewed.case(NAME)


def listed(case: Path, *options: str) -> list[dict[str, Any]]:
    done = run("findings", case, *options, "--json")
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def test_all_findings_are_listed_worst_first(case: Path) -> None:
    every = listed(case)
    assert {item["id"] for item in every} == {item["id"] for item in findings_of(case)["findings"]}
    order = ["critical", "high", "medium", "low", "info"]
    ranks = [order.index(item["severity"]) for item in every]
    assert ranks == sorted(ranks)


def test_filters(case: Path) -> None:
    assert {item["severity"] for item in listed(case, "--severity", "high")} == {"critical", "high"}
    assert {item["family"] for item in listed(case, "--detector", "outbound.*")} == {"outbound"}
    assert {item["novelty"] for item in listed(case, "--novelty", "pre_existing")} == {"pre_existing"}
    assert {item["entity"]["destination"] for item in listed(case, "--text", "PIXEL-sync")} == {COLLECTOR}
    assert listed(case, "--status", "accepted") == []


def test_the_list_for_people_and_other_formats_have_columns(case: Path) -> None:
    done = run("findings", case, "--severity", "high")
    assert len(done.out.splitlines()) == 9, "three lines a finding where nothing is folded"
    assert f"3 of {len(findings_of(case)['findings'])} findings" in done.err
    csv = run("findings", case, "--severity", "critical", "--format", "csv").out.splitlines()
    assert csv[0].startswith("id,severity,confidence")
    assert len(csv) == 2


def asked(case: Path, *options: str) -> dict[str, Any]:
    done = run("pivot", case, *options, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def counts(case: Path, *options: str) -> dict[str, tuple[int, int, int]]:
    return {row["table"]: (row["canary"], row["baseline"], row["other"]) for row in asked(case, *options)["counts"]}


def test_the_collector_by_name_and_by_address(case: Path) -> None:
    planted = truth(NAME)["planted"]["phone_home"]
    assert counts(case, "--destination", COLLECTOR) == {"connections": (4, 0, 0), "dns_queries": (2, 0, 0)}
    sent = json.loads(run("pivot", case, "--destination", COLLECTOR, "--json").out)
    assert [row["text"].split(" B up")[0].split()[-1] for row in sent["rows"] if " B up" in row["text"]] == [
        "48213",
        "52087",
    ]
    # by address: two records each in conn.log and ssl.log, and the answers of DNS
    assert counts(case, "--ip", planted["address"]) == {"connections": (4, 0, 0), "dns_queries": (2, 0, 0)}
    assert counts(case, "--ip", f"::ffff:{planted['address']}") == counts(case, "--ip", planted["address"])
    rows = asked(case, "--destination", COLLECTOR)["rows"]
    # each of the two: the connection and its TLS record
    seen = [row["time"][:19] + "Z" for row in rows if row["what"] == "connections"]
    assert seen == [moment for moment in planted["times"] for _ in range(2)]


def test_component_pod_and_person(case: Path) -> None:
    assert counts(case, "--component", "cdn-metrics-helper") == {"components": (1, 0, 0)}
    assert counts(case, "--component", "pkg:npm/cdn-metrics-helper") == {"components": (1, 0, 0)}
    pod = truth(NAME)["planted"]["phone_home"]["pod"]
    assert {"http_requests", "connections", "dns_queries", "identities"} <= counts(case, "--pod", pod).keys()
    by_number = asked(case, "--user", "user-0004")
    assert by_number["total"] == 22
    assert "u-1" not in json.dumps(by_number), "people are numbered"


def test_nothing_found_and_bad_questions(case: Path) -> None:
    done = run("pivot", case, "--trace", "none")
    assert (done.code, done.err) == (0, "No record of this case has this trace.\n")
    assert run("pivot", case).code == 2
    assert run("pivot", case, "--pod", "a", "--ip", "b").code == 2
    assert run("pivot", case, "--pod", " ").code == 2


def test_sql_in_a_value_is_a_value(case: Path) -> None:
    for kind in pivot.COLUMNS:
        assert asked(case, f"--{kind}", "' or 1=1; --")["total"] == 0


def test_every_column_that_is_asked_exists() -> None:
    known = {column for table in TABLES.values() for column in table.types}
    assert {column for columns in pivot.COLUMNS.values() for column in columns} <= known


def test_each_way_is_kept_short(case: Path) -> None:
    found = asked(case, "--ip", "10.42.1.17", "--limit", "3")
    assert len(found["rows"]) == 3
    assert found["total"] > 3
    done = run("pivot", case, "--ip", "10.42.1.17", "--limit", "3")
    assert f"3 of {found['total']:,} shown" in done.err
