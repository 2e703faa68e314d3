"""The checks of the rollout itself, of logs and of configuration: each fires on the careless sample with the numbers of the truth, none on the clean one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import findings_of, run, truth

NAME = "checkout-careless"


@pytest.fixture
def case(reviewed: Reviewed) -> Path:
    return reviewed.case(NAME)


def fired(case: Path) -> set[str]:
    return {state["id"] for state in findings_of(case)["detectors"] if state["state"] == "finding"}


def finding(case: Path, detector: str, **entity: object) -> dict[str, Any]:
    """Return the one finding of a detector about something."""
    every = findings_of(case)["findings"]
    (found,) = (item for item in every if item["detector"] == detector and entity.items() <= item["entity"].items())
    return dict(found)


def numbers() -> dict[str, Any]:
    return dict(truth(NAME)["careless"])


def test_each_fires_there_and_none_on_the_clean_sample(case: Path, reviewed: Reviewed) -> None:
    expected = set(truth(NAME)["fires"]["detectors"])
    assert fired(case) & expected == expected
    standing = {"outbound.outside_allow_list"}  # both cohorts use the mailer, which canary.toml does not allow
    assert {name.partition(".")[0] for name in fired(case) - expected - standing} <= {"disclosure", "supply_chain"}
    clean = reviewed.case("checkout-clean")
    assert fired(clean) & expected == set()
    evaluated = {state["id"] for state in findings_of(clean)["detectors"] if state["state"] == "clean"}
    # a promoted rollout has no rollback to look behind
    assert expected - evaluated == {"rollout.baseline_changed_after_rollback", "rollout.traffic_after_rollback"}
    assert findings_of(case)["verdict"]["outcome"] == truth(NAME)["verdict"]["outcome"]


def test_share_clock_gap_and_image(case: Path) -> None:
    for phase in truth(NAME)["traffic_share"]:
        found = finding(case, "rollout.traffic_share", phase=phase["phase"])
        assert found["canary"] == {"n": phase["canary"], "total": phase["requests"]}
    clock = finding(case, "rollout.clock_offset")
    assert clock["entity"] == {"first_source": "http_exchanges exchange", "second_source": "http_requests envoy"}
    assert (clock["details"]["offset_seconds"], clock["details"]["spread_seconds"]) == (
        -numbers()["clock_offset_seconds"],
        0,
    )
    gaps = {
        item["entity"]["source_observer"]: item["details"]["gap_minutes"]
        for item in findings_of(case)["findings"]
        if item["detector"] == "rollout.data_gap"
    }
    assert gaps == dict.fromkeys(("zeek.conn", "zeek.dns", "zeek.ssl"), numbers()["gap_minutes"])
    assert finding(case, "rollout.image_digest")["details"]["pod_names"] == [numbers()["moved_tag_pod"]]
    after = finding(case, "rollout.traffic_after_rollback", source_table="http_requests")
    assert after["canary"]["n"] == numbers()["requests_a_minute_after_rollback"]


def test_settings(case: Path) -> None:
    found = [item for item in findings_of(case)["findings"] if item["detector"] == "rollout.configuration_drift"]
    assert {(item["entity"]["configuration_key"], item["severity"]) for item in found} == {
        ("data.CACHE_TTL_SECONDS", "low"),
        ("data.MAILER_TLS_VERIFY", "medium"),
    }


def test_logs_and_configuration(case: Path) -> None:
    expected = numbers()
    thrown = finding(case, "logs.new_exception")
    assert thrown["entity"] == {
        "exception_type": expected["exception_type"],
        "exception_frame": "DiscountService.apply",
    }
    assert thrown["canary"]["n"] == expected["exceptions"]
    message = finding(case, "logs.new_error_message")
    assert message["entity"] == {"log_template": "identity provider answered temporarily_unavailable after * ms"}
    assert message["canary"]["n"] == expected["provider_errors"]
    assert finding(case, "config.waf_rule_new")["canary"]["n"] == expected["waf_detected"]
    mailer = finding(case, "config.tls_failures_higher")
    assert mailer["entity"]["destination_port"] == 443
    assert mailer["baseline"]["n"] == 0


def test_the_exception_shows_with_the_flag_only(case: Path) -> None:
    flags = json.loads((case / "results" / "flags.json").read_text(encoding="utf-8"))
    tied = {key for key, states in flags["findings"].items() for state in states if state["only_with"]}
    thrown = finding(case, "logs.new_exception")["id"]
    assert tied == {thrown}
    (state,) = flags["findings"][thrown]
    assert (state["flag"], state["variant"], state["records"]) == (numbers()["flag"], numbers()["variant"], 20)
    done = run("explain", case, thrown)
    assert f"{numbers()['flag']}: on in 20 of the records; only with on" in done.out


def test_who_did_what(case: Path) -> None:
    told = json.loads((case / "results" / "actions.json").read_text(encoding="utf-8"))
    assert told["sentence"] == "Approved by release.manager@shop.example; first 2026-03-03 09:43:00 UTC."
    people = [
        (row["actor"], row["action"], row["object"].split("/")[0], row["outcome"])
        for row in told["actions"]
        if row["source"] == "audit log"
    ]
    assert people == [
        ("release.manager@shop.example", "patch", "rollouts shop", ""),
        ("ops.two@shop.example", "create", "pods", ""),
        ("ops.two@shop.example", "get", "secrets shop", ""),
        ("ops.two@shop.example", "delete", "networkpolicies shop", "refused"),
    ]
