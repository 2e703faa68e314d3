"""Findings that are one story become one incident."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from forensics.detectors import group, with_changed_components
from forensics.detectors.incidents import story_keys
from forensics.findings import Confidence, Count, Finding, Novelty, Severity, finding_id

UNITS = {"outbound": "connection", "supply_chain": "pod"}


def finding(
    detector: str,
    severity: Severity = "medium",
    *,
    details: dict[str, Any] | None = None,
    novelty: Novelty = "new",
    confidence: Confidence = "medium",
    **entity: Any,
) -> Finding:
    family = detector.partition(".")[0]
    return Finding(
        id=finding_id(detector, list(entity.items())), detector=detector, family=family, title=f"Title of {detector}", why="w", severity=severity,
        confidence=confidence, status="active", novelty=novelty, entity=entity, details=details or {}, unit=UNITS.get(family, "request"), strata=[],
        canary=Count(3, 10), baseline=Count(0, 1000), prior_n=0, effect=0.3, interval=None, p_value=None, q_value=None,
        first_seen="2026-03-03T09:10:00Z", last_seen="2026-03-03T09:20:00Z", modifiers=[], evidence=[], recommendation=f"Do {detector}",
    )  # fmt: skip


HOME = finding(
    "outbound.new_destination",
    "high",
    destination="collect.pixel.example",
    destination_port=443,
    details={"destination_address": "203.0.113.7", "pod": "pod-1", "bytes_up": 1000},
)
UPLOAD = finding(
    "outbound.upload_volume",
    destination="collect.pixel.example",
    destination_port=443,
    details={"bytes_up": 52000, "pod": "pod-1"},
)
BEACON = finding("outbound.beacon", destination="collect.pixel.example", destination_port=443, confidence="low")
BY_ADDRESS = finding("outbound.direct_to_ip", destination="203.0.113.7", destination_port=8443)
ADDED = finding(
    "supply_chain.component_added",
    "low",
    component="@org/helper",
    component_version="1.0.3",
    details={"purl": "pkg:npm/%40org/helper@1.0.3"},
)
CHANGED = finding(
    "supply_chain.component_changed", "info", component="express", version_from="4", version_to="5", novelty="changed"
)
OTHER = finding("outbound.new_destination", "high", destination="stats.other.example", destination_port=443)
ROUTE = finding(
    "disclosure.sql_error", "high", http_request_method="GET", route="/orders/{id}", pattern="sql_error.mysql"
)
TRACE = finding("disclosure.stack_trace", http_request_method="GET", route="/orders/{id}", pattern="stack_trace.java")
HEADER = finding("headers.security_header_lost", header="strict-transport-security", verdict="absent")


VULNERABLE = finding(
    "supply_chain.vulnerability_introduced",
    component="intro",
    vulnerability="GHSA-1",
    details={"versions": ["2.0.0"], "versions_from": ["1.9.9"], "fixed_version": "2.0.5"},
)


def names(findings: list[Finding]) -> list[set[str]]:
    by_id = {item.id: item.detector for item in findings}
    return [{by_id[key] for key in incident.findings} for incident in group(findings)]


@pytest.mark.parametrize(
    ("item", "keys"),
    [
        (HOME, {"destination collect.pixel.example", "destination 203.0.113.7"}),
        (ROUTE, {"route GET /orders/{id}"}),
        (HEADER, {"header strict-transport-security"}),
        (ADDED, {"component @org/helper"}),
        (VULNERABLE, {"component intro", "advisory GHSA-1"}),
    ],
)
def test_story_keys(item: Finding, keys: set[str]) -> None:
    assert story_keys(item) == keys


def test_a_finding_without_a_known_entity_is_its_own_story() -> None:
    alone = finding("mine.one", user_agent="x")
    assert story_keys(alone) == {f"finding {alone.id}"}


def test_phone_home_upload_beacon_address_and_added_component_are_one_incident() -> None:
    findings = with_changed_components([ADDED, BY_ADDRESS, BEACON, UPLOAD, HOME])
    [incident] = group(findings)
    assert set(incident.findings) == {item.id for item in findings}
    assert incident.id == "I-" + HOME.id.removeprefix("F-")
    assert incident.title == "Title of outbound.new_destination: collect.pixel.example:443 and 1 more"
    assert (incident.severity, incident.confidence) == ("high", "medium")
    assert incident.recommendation == "Do outbound.new_destination"
    assert incident.changed_components == ["pkg:npm/%40org/helper@1.0.3"]
    assert "3 connections of 10 on the canary, 0 of 1,000 on the baseline" in incident.summary
    assert "52,000 bytes" in incident.summary
    assert "collect.pixel.example:443" in incident.entities
    assert "pod pod-1" in incident.entities


def test_two_unrelated_destinations_are_two_incidents_and_a_component_joins_neither() -> None:
    assert sorted(map(sorted, names([HOME, OTHER, ADDED]))) == [
        ["outbound.new_destination"],
        ["outbound.new_destination"],
        ["supply_chain.component_added"],
    ]


def test_of_two_destinations_a_component_joins_the_one_it_shares_a_word_with() -> None:
    pixel = finding("supply_chain.component_added", "low", component="pixel-sync", component_version="1")
    [first, second] = sorted(names([HOME, OTHER, pixel]), key=len)
    assert first == {"outbound.new_destination"}
    assert second == {"outbound.new_destination", "supply_chain.component_added"}


def test_one_route_is_one_story_and_another_method_is_another() -> None:
    post = finding(
        "disclosure.stack_trace", http_request_method="POST", route="/orders/{id}", pattern="stack_trace.java"
    )
    assert sorted(map(len, names([ROUTE, TRACE, post, HEADER]))) == [1, 1, 2]


def test_worst_first_whatever_the_order_given() -> None:
    findings = [HEADER, TRACE, ROUTE, HOME, CHANGED]
    severities = [incident.severity for incident in group(findings)]
    assert severities == ["high", "high", "medium", "info"]
    assert group(findings) == group(findings)
    assert {incident.id for incident in group(findings)} == {incident.id for incident in group(findings[::-1])}


def test_pre_existing_and_suppressed_findings_open_no_incident() -> None:
    old = msgspec.structs.replace(HOME, novelty="pre_existing")
    suppressed = msgspec.structs.replace(UPLOAD, status="suppressed")
    assert group([old, suppressed]) == []


def test_additions_are_named_before_changes_and_the_like_named_first() -> None:
    pixel = finding("supply_chain.component_added", "low", component="pixel-sync", component_version="1")
    [home, *_] = with_changed_components([HOME, ADDED, pixel, CHANGED])
    assert home.changed_components == ["pixel-sync 1", "pkg:npm/%40org/helper@1.0.3"]
    [home, route, _] = with_changed_components([HOME, ROUTE, CHANGED])
    assert home.changed_components == ["express"]
    assert route.changed_components == [], "only outbound connections point at new code by themselves"


def test_hostile_names_stay_data() -> None:
    hostile = finding(
        "outbound.new_destination",
        "high",
        destination="<script>'; drop table x; --\u202e" + "x" * 10_000,
        destination_port=None,
    )
    [incident] = group(with_changed_components([hostile, ADDED]))
    assert len(incident.findings) == 2


def test_an_exception_names_the_components_its_function_shares_a_word_with() -> None:
    thrown = finding(
        "logs.new_exception", exception_type="java.lang.Error", exception_frame="org.express.Router.handle"
    )
    elsewhere = finding("logs.new_exception", exception_type="ValueError", exception_frame="cart.py:total")
    named, unnamed, *_ = with_changed_components([thrown, elsewhere, ADDED, CHANGED])
    assert named.changed_components == ["express"]
    assert unnamed.changed_components == []


def test_findings_of_one_check_of_the_rollout_are_one_incident() -> None:
    late = [
        finding("rollout.traffic_after_rollback", source_table=table)
        for table in ("connections", "dns_queries", "http_requests")
    ]
    [incident] = group(late)
    assert (
        incident.title == "Title of rollout.traffic_after_rollback: http_requests, connections, dns_queries"
    )  # the lead first
    assert "Also" not in incident.summary
    assert len(group([*late, finding("rollout.traffic_share", phase="weight-10")])) == 2


def test_an_advisory_is_named_with_component_versions_and_the_fixed_one() -> None:
    [incident] = group([VULNERABLE])
    assert incident.title == "Title of supply_chain.vulnerability_introduced: intro 1.9.9 -> 2.0.0 (GHSA-1)"
    assert incident.summary == "GHSA-1: intro 1.9.9 -> 2.0.0, fixed in 2.0.5."
    assert incident.entities == ["intro", "GHSA-1"]


def test_an_advisory_of_a_new_component_says_that_it_is_new() -> None:
    fresh = finding(
        "supply_chain.vulnerability_introduced",
        component="brandnew",
        vulnerability="GHSA-2",
        details={"versions": ["1.0.0"], "versions_from": None, "fixed_version": None},
    )
    added = finding("supply_chain.component_added", "low", component="brandnew", component_version="1.0.0")
    [incident] = group([fresh, added])
    assert incident.title.endswith(": brandnew 1.0.0 is new (GHSA-2)")
    assert incident.summary == "GHSA-2: brandnew 1.0.0 is new."


def test_advisories_of_one_component_are_one_incident_and_so_is_one_advisory_of_many() -> None:
    def of(component: str, vulnerability: str) -> Finding:
        details = {"versions": ["2"], "versions_from": ["1"]}
        return finding(
            "supply_chain.vulnerability_introduced", component=component, vulnerability=vulnerability, details=details
        )

    [incident] = group([of("libssl", "CVE-1"), of("libssl", "CVE-2"), of("libcrypto", "CVE-1")])
    assert incident.title.endswith(": libcrypto 1 -> 2 (CVE-1), libssl 1 -> 2 (CVE-1, CVE-2)")
    assert len(group([of("a", "CVE-1"), of("b", "CVE-2")])) == 2


def test_what_left_and_what_changed_hands_is_not_told_as_new() -> None:
    gone = finding("supply_chain.component_removed", component="gone", details={"versions": ["1.0.0"]})
    licence = finding(
        "supply_chain.licence_changed", component="lic", details={"licences_from": ["MIT"], "licences_to": ["GPL-3.0"]}
    )
    supplier = finding(
        "supply_chain.supplier_changed", component="sup", details={"suppliers_from": ["A"], "suppliers_to": ["B"]}
    )
    assert [group([item])[0].summary for item in (gone, licence, supplier)] == [
        "gone 1.0.0 is gone.",
        "lic: MIT -> GPL-3.0.",
        "sup: A -> B.",
    ]


def test_a_story_of_behaviour_names_its_advisories_too() -> None:
    bad = finding(
        "supply_chain.vulnerability_introduced",
        component="@org/helper",
        vulnerability="GHSA-3",
        details={"versions": ["1.0.3"]},
    )
    [incident] = group([HOME, ADDED, bad])
    assert "Advisories: GHSA-3: @org/helper 1.0.3 is new." in incident.summary


def test_a_long_list_of_components_is_cut_and_says_so() -> None:
    changed = [
        finding("supply_chain.component_changed", "info", component=f"c{i:03}", version_from="1", version_to="2")
        for i in range(30)
    ]
    assert group(changed)[0].summary.endswith("c019 1 -> 2; and 10 more.")


def new(destination: str, address: str, port: int = 443, severity: Severity = "high") -> Finding:
    return finding(
        "outbound.new_destination",
        severity,
        destination=destination,
        destination_port=port,
        details={"destination_address": address},
    )


def test_an_incident_names_every_destination_it_holds() -> None:
    """The title has the destination that most findings speak of, and the number of the others."""
    members = [
        new("203.0.113.5", "203.0.113.5", 1234),
        new("203.0.113.5", "203.0.113.5", 8443),
        new("203.0.113.5", "203.0.113.5", 443),
        finding("outbound.download_volume", destination="203.0.113.5", destination_port=443),
    ]
    [incident] = group(members)
    assert incident.title == "Title of outbound.new_destination: 203.0.113.5:443 and 2 more"
    assert "3 destinations: 203.0.113.5:443, 203.0.113.5:" in incident.summary
    assert {"203.0.113.5:443", "203.0.113.5:1234", "203.0.113.5:8443"} <= set(incident.entities)


def test_who_is_hosted_beside_another_is_another_story() -> None:
    shared = "203.0.113.55"
    strangers = [new("one.first.example", shared), new("two.second.example", shared), BY_ADDRESS]
    assert len(group([*strangers, finding("outbound.direct_to_ip", destination=shared, destination_port=8443)])) == 4
    assert len(group([new("a.first.example", shared), new("b.first.example", shared)])) == 1, "one registered domain"


def test_an_address_is_shared_also_with_what_is_known_or_suppressed() -> None:
    known = msgspec.structs.replace(new("api.known.example", "203.0.113.55"), novelty="pre_existing")
    raw = finding("outbound.direct_to_ip", destination="203.0.113.55", destination_port=8443)
    assert len(group([known, new("exfil.second.example", "203.0.113.55"), raw])) == 2


def test_names_of_one_registered_domain_or_one_burst_are_one_story() -> None:
    tunnel = [
        finding(
            "outbound.resolved_not_contacted", destination=f"h{n}.t.example", details={"registered_domain": "t.example"}
        )
        for n in range(40)
    ]
    carried = finding("outbound.dns_payload", destination="t.example")
    generated = [
        finding(
            "outbound.new_dns_name",
            destination=f"x{n}.com",
            details={"registered_domain": f"x{n}.com", "burst": "pod-1"},
        )
        for n in range(40)
    ]
    asked = finding("outbound.nxdomain_burst", source="pod-1", details={"burst": "pod-1", "destinations": ["x1.com"]})
    incidents = group([*tunnel, carried, *generated, asked])
    assert sorted(len(item.findings) for item in incidents) == [41, 41]
    assert {"x39.com", "x0.com"} <= set(next(item for item in incidents if asked.id in item.findings).entities)


def test_many_names_at_one_address_are_one_incident_with_its_total_and_span() -> None:
    """Sixty names, each its own registered domain: one incident, which names the address, counts all and lasts from the first to the last."""
    address = "203.0.113.66"
    names = [
        msgspec.structs.replace(new(f"n{n}.test", address), first_seen=f"2026-03-03T09:{n:02}:00Z", last_seen=f"2026-03-03T09:{n:02}:00Z", canary=Count(1, 500))
        for n in range(60)
    ]  # fmt: skip
    fan = finding(
        "outbound.many_names_one_address",
        destination=address,
        details={"destinations": [f"n{n}.test" for n in range(20)]},
    )
    [incident] = group([*names, fan])
    assert incident.title.endswith(" and 59 more at 203.0.113.66")
    assert "60 connections of 500 on the canary" in incident.summary
    assert "first 2026-03-03 09:00:00 UTC, last 2026-03-03 09:59:00 UTC" in incident.summary
    assert len(group(names)) == 60, "names that are hosted side by side"
