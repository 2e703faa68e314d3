"""A new destination is high only where something else speaks against it."""

from __future__ import annotations

import msgspec
import pytest

from forensics.detectors import group, with_changed_components, with_corroboration
from forensics.findings import Finding, Modifier
from tests.detectors.test_incidents import ADDED, BEACON, BY_ADDRESS, HOME, OTHER, UPLOAD, finding


def judged(*findings: Finding) -> Finding:
    return next(item for item in with_corroboration(with_changed_components([*findings])) if item.id == HOME.id)


def test_alone_it_is_medium_and_says_why() -> None:
    alone = judged(HOME)
    assert (alone.severity, [(item.name, item.change) for item in alone.modifiers]) == (
        "medium",
        [("uncorroborated", -1)],
    )


@pytest.mark.parametrize("other", [UPLOAD, BEACON, BY_ADDRESS, ADDED], ids=["upload", "timer", "address", "component"])
def test_one_more_indicator_keeps_it_high(other: Finding) -> None:
    both = judged(HOME, msgspec.structs.replace(other, details={**other.details, "destination_address": "203.0.113.7"}))
    [modifier] = both.modifiers
    assert (both.severity, modifier.name, modifier.change) == ("high", "corroborated", 0)
    assert (other.title[1:] if other is not ADDED else "new in this release") in modifier.reason


def test_what_corroborates_nothing() -> None:
    elsewhere = finding("outbound.beacon", destination="stats.other.example", destination_port=443)
    known = msgspec.structs.replace(UPLOAD, novelty="pre_existing")
    suppressed = msgspec.structs.replace(BEACON, status="suppressed")
    facet = finding("outbound.outside_allow_list", destination="collect.pixel.example", destination_port=443)
    assert judged(HOME, OTHER, elsewhere, known, suppressed, facet).severity == "medium"


def test_what_is_below_high_is_not_lowered() -> None:
    assert judged(msgspec.structs.replace(HOME, severity="medium")).severity == "medium"


def test_findings_that_list_destinations_are_of_their_incident() -> None:
    fingerprint = finding(
        "outbound.new_tls_fingerprint",
        "low",
        tls_client_ja3="abc",
        details={"destinations": ["collect.pixel.example", None]},
    )
    assert len(group([HOME, fingerprint])) == 1


def test_a_destination_without_port_is_named_without_one() -> None:
    [incident] = group([finding("outbound.new_dns_name", destination="a.example")])
    assert incident.title.endswith(": a.example")
    assert incident.entities == ["a.example"]
    [unknown] = group([finding("outbound.new_destination", destination="a.example", destination_port=None)])
    assert unknown.title.endswith(": a.example")


LOWERED = msgspec.structs.replace(
    HOME, severity="medium", modifiers=[Modifier("known_destination", -1, "the baseline uses it on another port")]
)


@pytest.mark.parametrize(
    "other", [UPLOAD, BEACON, finding("outbound.dns_payload", destination="collect.pixel.example")]
)
def test_another_port_of_the_baseline_excuses_no_behaviour(other: Finding) -> None:
    told = judged(LOWERED, other)
    assert told.severity == "high"
    assert [(item.name, item.change) for item in told.modifiers] == [("known_destination", 0), ("corroborated", 0)]


def test_another_port_of_the_baseline_lowers_what_is_only_new() -> None:
    elsewhere = finding("outbound.upload_volume", destination="collect.pixel.example", destination_port=8443)
    for other in (BY_ADDRESS, elsewhere):
        told = judged(LOWERED, other)
        assert (told.severity, told.modifiers[0].change) == ("medium", -1)
