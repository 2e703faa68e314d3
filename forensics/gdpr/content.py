"""The documents as plain objects, from which JSON, Markdown and HTML are made: what people said beside what the case tells.

Nothing here is decided: `aware_at`, categories, consequences and the decision are what gdpr.toml says, or blank.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from forensics.findings import moment
from forensics.gdpr.counting import TOTAL, Number
from forensics.gdpr.facts import Facts
from forensics.gdpr.human import Blank, due, late
from forensics.gdpr.model import Human
from forensics.resources import tree

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a document is made of."""

    facts: Facts
    human: Human
    blanks: Sequence[Blank]
    final: bool


def law(human: Human) -> dict[str, Any]:
    """Return the wording of the law that applies; EU wording where nobody said yet which."""
    name = human.jurisdiction.law or "eu"
    return tomllib.loads(tree("reports").joinpath("gdpr", f"{name}.toml").read_text(encoding="utf-8"))


def notification(given: Material) -> dict[str, Any]:
    """Return the Article 33 notification: 33(3)(a) to (d), the clock, the decision, criteria, limits, and every number with its query."""
    human = given.human
    return {
        **_head(given, "notification"),
        "controller": _plain(human.controller),
        "jurisdiction": _jurisdiction(human),
        "processors": [_plain(item) for item in human.processor],
        "nature": _nature(given),
        "people": _people(given),
        "data": _plain(human.data) | {"classes_found": _classes(given.facts.numbers)},
        "contact": _plain(human.contact),
        "consequences": _plain(human.consequences),
        "measures": _measures(given),
        "clock": _clock(given),
        "decision": _plain(human.decision),
        "criteria": _criteria(human),
        "numbers": _numbers(given.facts.numbers),
        "limits": _limits(given),
    }


def clock_sheet(given: Material) -> dict[str, Any]:
    """Return the clock sheet: what the logs and the tool know, and what only people know."""
    return {
        **_head(given, "clock sheet"),
        "clock": _clock(given),
        "processors": [_plain(item) for item in given.human.processor],
    }


def register_entry(given: Material) -> dict[str, Any]:
    """Return the entry for the register of breaches: facts, effects, remedial action (Article 33(5))."""
    return {
        **_head(given, "register entry"),
        "controller": _plain(given.human.controller),
        "jurisdiction": _jurisdiction(given.human),
        "facts": {**_nature(given), "people": _people(given), "data": _plain(given.human.data)},
        "effects": {
            **_plain(given.human.consequences),
            "numbers": [item for item in _numbers(given.facts.numbers) if item["about"] == TOTAL],
        },
        "remedial_action": _measures(given),
        "clock": _clock(given),
        "decision": _plain(given.human.decision),
        "limits": _limits(given),
    }


def counts(given: Material) -> dict[str, Any]:
    """Return the numbers alone, for programs."""
    told = ("id", "detector", "title", "what", "first_seen", "last_seen")
    return {
        **_head(given, "data subject counts"),
        "findings": [{name: item[name] for name in told} for item in given.facts.counted],
        "numbers": _numbers(given.facts.numbers),
        "limits": _limits(given),
    }


def _head(given: Material, document: str) -> dict[str, Any]:
    findings = given.facts.findings
    names = ("name", "service", "canary_version", "baseline_version", "window", "outcome", "config_sha256")
    return {
        "schema_version": SCHEMA_VERSION,
        "document": document,
        "status": "final" if given.final else "draft",
        "law": given.human.jurisdiction.law,
        "tool": findings["tool"],
        "case": {name: findings["case"].get(name) for name in names},
        "verdict": findings["verdict"],
        "blanks": [asdict(blank) for blank in given.blanks],
    }


def _plain(section: msgspec.Struct) -> dict[str, Any]:
    """Return a section with every key, times in UTC; what was left out is None or empty."""
    return {
        item.encode_name: _utc(value) if isinstance(value := getattr(section, item.name), datetime) else value
        for item in msgspec.structs.fields(type(section))
    }


def _utc(value: datetime | None) -> str:
    return moment(value.astimezone(UTC)) if value else ""


def _jurisdiction(human: Human) -> dict[str, Any]:
    return _plain(human.jurisdiction) | {
        "authority": human.jurisdiction.authority.strip() or law(human)["default_authority"]
    }


def _nature(given: Material) -> dict[str, Any]:
    human, facts = given.human.nature, given.facts
    suggested = ["confidentiality"] if facts.counted else []
    return {
        **_plain(human),
        "breach_types": human.breach_types or suggested,
        "breach_types_said_by": "people" if human.breach_types else "the tool, to be confirmed",
        "findings": facts.counted,
        "not_counted": facts.left,
        "onset": facts.times.get("onset") or "",
        "acted": facts.times.get("acted") or "",
        "contained": facts.times.get("contained") or "",
        "times_basis": facts.times.get("basis") or {},
    }


def _people(given: Material) -> dict[str, Any]:
    """Return the categories that people named, and how many they say it concerns."""
    nature = given.human.nature
    names = [category.name for category in given.human.category]
    return {"categories": names, "told": nature.people, "records_told": nature.records, "basis": nature.basis}


def _limits(given: Material) -> list[str]:
    """Return what the evidence does not show, and where people say less than it shows."""
    nature = given.human.nature
    told = {"people": nature.people, "records": nature.records}
    doubts = [
        f"The controller gives a smaller number of {measure} than the evidence shows."
        for measure, value in told.items()
        for number in given.facts.numbers
        if (number.about, number.measure) == (TOTAL, measure) and number.bound != "upper"
        if value is not None and number.value is not None and value < number.value
    ]
    return [*given.facts.limits, *doubts]


def _classes(numbers: Sequence[Number]) -> list[str]:
    return sorted({number.data_class for number in numbers if number.data_class})


def _measures(given: Material) -> dict[str, Any]:
    recommended = dict.fromkeys(item["recommendation"] for item in given.facts.counted if item["recommendation"])
    return {
        **_plain(given.human.measures),
        "by_the_log": given.facts.taken,
        "by_the_log_query": given.facts.taken_query,
        "recommended_by_the_tool": list(recommended),
    }


def _clock(given: Material) -> dict[str, Any]:
    """Return the times; the tool fills in those of the logs and of its own work, never when the controller became aware."""
    clock, facts = given.human.clock, given.facts
    first = [item["first_seen"] for item in facts.counted if item["first_seen"]]
    last = [item["last_seen"] for item in facts.counted if item["last_seen"]]
    return {
        "first_event": min(first, default=""),
        "last_event": max(last, default=""),
        "contained": facts.times.get("contained") or "",
        "first_seen_by_tool": _custody_time(facts.first_detected),
        "triaged_at": _utc(clock.triaged_at) or _custody_time(facts.first_triaged),
        "triaged_by": clock.triaged_by,
        "aware_at": _utc(clock.aware_at),
        "aware_at_as_given": clock.aware_at.isoformat() if clock.aware_at else "",
        "aware_by": clock.aware_by,
        "aware_reason": clock.aware_reason,
        "due_at": _utc(due(clock.aware_at)),
        "notified_at": _utc(clock.notified_at),
        "late": late(given.human) if clock.aware_at and clock.notified_at else None,
        "delay_reason": clock.delay_reason,
    }


def _custody_time(text: str) -> str:
    return _utc(datetime.fromisoformat(text)) if text else ""


def _criteria(human: Human) -> list[dict[str, str]]:
    """Return the factors for assessing the risk (EDPB Guidelines 9/2022, section IV), each with what people said of it."""
    said = _plain(human.risk)
    return [{"factor": factor, "assessment": said[key]} for key, factor in _FACTORS.items()]


_FACTORS = {
    "type_of_breach": "Type of breach (was data disclosed, altered, or lost)",
    "nature_of_data": "Nature, sensitivity and volume of the data (see the classes found and the categories of data)",
    "identification": "How easily people can be identified from it, directly or with other data",
    "severity": "How severe the consequences can be for them, and who may hold the data now",
    "individuals": "Special characteristics of the people (children, other vulnerable people)",
    "controller": "Special characteristics of the controller (what it does, and with which data)",
    "number_of_people": "Number of people (see the numbers and their bounds)",
}


def _numbers(numbers: Sequence[Number]) -> list[dict[str, Any]]:
    """Return numbers with an id each, so that texts can point to the query."""
    return [
        {"id": f"N{index}", **_told(number), "state": "unknown" if number.value is None else "known"}
        for index, number in enumerate(numbers, 1)
    ]


def _told(number: Number) -> Mapping[str, Any]:
    return asdict(number) | {"by": dict(number.by)}
