"""The three samples through the command line, against the truth that the generator wrote down."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from forensics.findings import level
from tests.conftest import Reviewed
from tests.end_to_end.harness import ROLLOUTS, SAMPLES, findings_of, run, truth

COMPROMISED = "checkout-compromised"
# What an incident of the truth must name, in its entities.
SUBJECTS = {
    "phone_home": "collect.pixel-sync.example:443",
    "open_admin_reports": "GET /admin/reports",
    "stack_traces": "POST /checkout",
    "hsts_lost": "strict-transport-security",
    "order_contact_email": "GET /orders/{id}",
}


def incidents(case: Path) -> list[dict[str, Any]]:
    """Incidents of medium severity or above."""
    return [item for item in findings_of(case)["incidents"] if level(item["severity"]) >= level("medium")]


def finding(case: Path, detector: str, **entity: object) -> dict[str, Any]:
    """Return the one finding of a detector about something."""
    found = [
        item
        for item in findings_of(case)["findings"]
        if item["detector"] == detector and entity.items() <= item["entity"].items()
    ]
    assert len(found) == 1
    return dict(found[0])


def counts(case: Path, sql: str) -> dict[str, int]:
    """Return the first column to the second of a SELECT through `sql`."""
    import json

    done = run("sql", case, sql, "--json")
    assert done.code == 0, done.err
    return {row["key"]: row["n"] for row in json.loads(done.out)}


@pytest.mark.parametrize(
    ("name", "verdict", "code"),
    [(COMPROMISED, "block", 1), ("checkout-clean", "pass", 0), ("checkout-thin", "inconclusive", 3)],
)
def test_exit_codes_with_a_gate(name: str, verdict: str, code: int, tmp_path: Path) -> None:
    done = run("review", SAMPLES / name, "--case", tmp_path / "a.case", "--fail-on", "medium")
    assert done.code == code
    assert f"\nVerdict    {verdict}\n" in done.out
    assert done.err == ""
    assert (tmp_path / "a.case" / "reports" / "report.html").is_file()


@pytest.mark.parametrize("name", ROLLOUTS)
def test_without_a_gate_the_exit_code_is_0_and_the_verdict_stands_in_words(
    name: str, reviewed: Reviewed, tmp_path: Path
) -> None:
    case = reviewed.copy(name, tmp_path / "a.case")
    done = run("detect", case)
    assert done.code == 0
    expected = truth(name)["verdict"]["outcome"]
    assert f"\nVerdict    {expected}\n" in done.out
    assert findings_of(case)["verdict"]["outcome"] == expected


def test_every_planted_incident_is_exactly_one_incident_and_there_is_no_other(reviewed: Reviewed) -> None:
    serious = incidents(reviewed.case(COMPROMISED))
    expected = truth(COMPROMISED)["incident"]
    assert {item["key"] for item in expected} == set(SUBJECTS)
    for wanted in expected:
        found = [item for item in serious if SUBJECTS[wanted["key"]] in item["entities"]]
        assert len(found) == 1, wanted["key"]
        assert level(found[0]["severity"]) >= level(wanted["severity_at_least"]), wanted["key"]
    assert len(serious) == len(expected)


@pytest.mark.parametrize("name", ROLLOUTS)
def test_nothing_of_must_not_is_an_incident(name: str, reviewed: Reviewed) -> None:
    planted = set(SUBJECTS.values()) if name == COMPROMISED else set()
    for incident in incidents(reviewed.case(name)):
        named = set(incident["entities"])
        assert named & planted, incident["title"]
        for harmless in truth(name)["must_not"]:
            assert not named & set(harmless["entity"].split()), harmless["key"]


def test_the_phone_home_is_one_incident_that_names_everything(reviewed: Reviewed) -> None:
    case = reviewed.case(COMPROMISED)
    planted = truth(COMPROMISED)["planted"]["phone_home"]
    mentioning = [
        item
        for item in findings_of(case)["incidents"]
        if any(planted["destination"] in text or planted["address"] in text for text in item["entities"])
    ]
    assert len(mentioning) == 1
    incident = mentioning[0]
    assert {"collect.pixel-sync.example:443", "203.0.113.77"} <= set(incident["entities"])
    assert "checkout-5f6b7d9c84-lc7hs" in incident["summary"]
    assert "100,300 bytes" in incident["summary"]
    assert (incident["first_seen"][:19], incident["last_seen"][:19]) == ("2026-03-03T09:17:42", "2026-03-03T09:47:42")
    assert incident["changed_components"] == ["pkg:npm/cdn-metrics-helper@1.0.3"]
    by_id = {item["id"]: item["detector"] for item in findings_of(case)["findings"]}
    assert {by_id[item] for item in incident["findings"]} == {
        "outbound.new_destination",
        "outbound.new_dns_name",
        "outbound.outside_allow_list",
        "outbound.scheduled_contact",  # 09:17:42 and 09:47:42
        "outbound.upload_volume",
        "supply_chain.component_added",
    }


def test_counts_of_the_phone_home(reviewed: Reviewed) -> None:
    found = finding(reviewed.case(COMPROMISED), "outbound.new_destination", destination="collect.pixel-sync.example")
    planted = truth(COMPROMISED)["planted"]["phone_home"]
    assert (found["canary"]["n"], found["baseline"]["n"]) == (planted["connections"], planted["baseline_connections"])
    assert (found["details"]["bytes_up"], found["details"]["bytes_down"]) == (
        planted["bytes_up"],
        planted["bytes_down"],
    )
    assert found["details"]["pod"] == planted["pod"]
    connections = truth(COMPROMISED)["connections"]
    assert found["canary"]["total"] == connections["canary"]["tcp"] + connections["canary"]["dns"]


def test_counts_of_the_open_admin_reports(reviewed: Reviewed) -> None:
    found = finding(reviewed.case(COMPROMISED), "access.anonymous_allow_flip", route="/admin/reports")
    planted, anonymous = (
        truth(COMPROMISED)["planted"]["open_admin_reports"],
        truth(COMPROMISED)["anonymous_admin_reports"],
    )
    assert found["canary"] == {"n": planted["canary_answered_200"], "total": anonymous["canary"]["total"]}
    assert found["baseline"] == {"n": anonymous["baseline"]["answered"], "total": anonymous["baseline"]["total"]}
    assert found["details"]["clients"] == planted["canary_clients"]
    assert found["details"]["baseline_denied"] == planted["baseline_denied_401"]
    assert (found["first_seen"][:19] + "Z", found["last_seen"][:19] + "Z") == (planted["first"], planted["last"])


def test_counts_of_the_stack_traces(reviewed: Reviewed) -> None:
    case, planted = reviewed.case(COMPROMISED), truth(COMPROMISED)["planted"]["stack_traces"]
    found = finding(case, "disclosure.stack_trace", route="/checkout", pattern="stack_trace.node")
    assert (found["canary"]["n"], found["baseline"]["n"]) == (
        planted["canary_exchanges"],
        planted["baseline_exchanges"],
    )
    hosts = finding(case, "disclosure.internal_address", route="/checkout", pattern="internal_address.cluster_host")
    assert hosts["canary"]["n"] == planted["canary_exchanges"]


def test_counts_of_the_lost_header(reviewed: Reviewed) -> None:
    found = finding(reviewed.case(COMPROMISED), "headers.security_header_lost", header="strict-transport-security")
    planted, exchanges = truth(COMPROMISED)["planted"]["hsts_lost"], truth(COMPROMISED)["exchanges"]
    assert found["canary"] == {"n": planted["canary_exchanges_without"], "total": sum(exchanges["canary"].values())}
    assert found["baseline"] == {
        "n": 0,
        "total": exchanges["baseline"]["weight-5"] + exchanges["baseline"]["weight-25"],
    }


def test_counts_of_the_new_property(reviewed: Reviewed) -> None:
    found = finding(reviewed.case(COMPROMISED), "disclosure.email_property", route="/orders/{id}")
    planted = truth(COMPROMISED)["planted"]["order_contact_email"]
    assert found["entity"]["json_path"] == "$.customerContact.email"
    assert found["canary"]["n"] == planted["canary_exchanges"]
    assert found["baseline"]["n"] == planted["baseline_exchanges_with_property"]
    assert found["details"]["distinct_values"] == planted["distinct_emails_in_exchanges"]


def test_the_address_both_cohorts_show_is_pre_existing_and_low(reviewed: Reviewed) -> None:
    found = finding(reviewed.case(COMPROMISED), "disclosure.email_property", route="/api/v1/profile")
    assert (found["novelty"], found["severity"]) == ("pre_existing", "low")


@pytest.mark.parametrize("name", ROLLOUTS)
def test_requests_per_cohort_and_phase(name: str, reviewed: Reviewed) -> None:
    """The table's cohorts tell baseline before and after the phases apart; the truth keeps them in one."""
    found = counts(
        reviewed.case(name), "select cohort || ' ' || phase as key, count(*) as n from requests group by all"
    )
    expected = truth(name)["requests"]
    for phase, count in expected["canary"].items():
        assert found.get(f"canary {phase}", 0) == count, phase
    for phase, count in expected["baseline"].items():
        cohort = {"before": "prior", "after": "after"}.get(phase, "baseline")
        assert found.get(f"{cohort} {phase}", 0) == count, phase
    assert sum(n for key, n in found.items() if key.startswith("unknown ")) == expected["unknown"]["no_http"]


@pytest.mark.parametrize("name", ROLLOUTS)
def test_statuses_in_the_phases(name: str, reviewed: Reviewed) -> None:
    sql = "select cohort || ' ' || http_response_status_code as key, count(*) as n from requests where in_phase and cohort in ('canary', 'baseline') group by all"
    found = counts(reviewed.case(name), sql)
    expected = truth(name)["status_in_phases"]
    assert found == {
        f"{cohort} {status}": count for cohort, statuses in expected.items() for status, count in statuses.items()
    }


@pytest.mark.parametrize("name", ROLLOUTS)
def test_destinations_per_cohort(name: str, reviewed: Reviewed) -> None:
    """The truth's baseline is the pods of the old version at any time; the table's is those inside the phases."""
    sql = (
        "select if(cohort = 'canary', cohort, 'baseline') || ' ' || destination || ':' || destination_port as key, sum(connections)::bigint as n "
        "from outbound_cells where cohort <> 'unknown' group by all"
    )
    found = counts(reviewed.case(name), sql)
    for cohort, destinations in truth(name)["destinations"].items():
        for destination, count in destinations.items():
            assert found.get(f"{cohort} {destination}") == count, (cohort, destination)


@pytest.mark.parametrize("name", ROLLOUTS)
def test_records_per_file_and_sums_of_the_ledger(name: str, reviewed: Reviewed) -> None:
    ledger = {entry["name"]: entry for entry in findings_of(reviewed.case(name))["evidence"]}
    for file, count in truth(name)["records"].items():
        assert (ledger[file]["accepted"], ledger[file]["rejected"]) == (count, 0), file
    for entry in ledger.values():
        assert entry["records"] == entry["accepted"] + entry["rejected"] + sum(entry["skipped"].values())


def test_the_thin_sample_says_why_in_words(reviewed: Reviewed) -> None:
    """The truth: 15 canary requests, 4 canary exchanges."""
    verdict = findings_of(reviewed.case("checkout-thin"))["verdict"]
    assert verdict["outcome"] == "inconclusive"
    assert "access could not be evaluated: only 4 canary rows in http_exchanges, 20 needed" in verdict["reason"]
    assert "only 4 canary responses with a body that could be searched, 20 needed" in verdict["reason"]


@pytest.mark.parametrize("name", ROLLOUTS)
def test_the_proposed_configuration_accepted_unchanged_gives_the_same_verdict(name: str, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    shutil.copytree(SAMPLES / name, evidence, ignore=shutil.ignore_patterns("*.toml"))
    assert run("init", evidence, "-o", tmp_path / "canary.toml").code == 0
    done = run("review", evidence, "--config", tmp_path / "canary.toml", "--case", tmp_path / "a.case")
    assert done.code == 0, done.err
    assert findings_of(tmp_path / "a.case")["verdict"]["outcome"] == truth(name)["verdict"]["outcome"]
    assert len(incidents(tmp_path / "a.case")) == len(truth(name).get("incident", []))


def test_evidence_is_not_changed(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    shutil.copytree(SAMPLES / "checkout-thin", evidence)

    def state() -> dict[str, tuple[str, int, int]]:
        files = [path for path in evidence.rglob("*") if path.is_file()]
        return {
            str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns, path.stat().st_mode)
            for path in files
        }

    before = state()
    assert run("review", evidence, "--case", tmp_path / "a.case").code == 0
    assert state() == before
