"""What an audit says, night by night, against a table written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from forensics.audit import statement
from forensics.audit.rollouts import Finding, Judged
from forensics.audit.statement import CHANGES, Memory

A = Finding("F-a", "outbound.new_destination", "high", "phones home")
B = Finding("F-b", "access.anonymous_flip", "critical", "lets people in")


def rollout(
    name: str,
    *findings: Finding,
    start: str = "",
    silent: Sequence[str] = (),
    suppressed: Sequence[str] = (),
    config: str = "",
) -> Judged:
    detectors = {item.detector: "not_evaluated" if item.detector in silent else "clean" for item in (A, B)}
    detectors |= {item.detector: "finding" for item in findings}
    return Judged(
        name=name, tool="1", files=name, evidence=f"e-{name}", config=config, start=start or name, verdict="pass", reason="",
        grade="A", damaged=[], is_whole=True, findings=list(findings), suppressed=list(suppressed), detectors=detectors, expiring={},
    )  # fmt: skip


def nights(*evenings: Sequence[Judged]) -> list[dict[str, list[str]]]:
    """Return what changed in each night, without the empty lists."""
    memory = Memory()
    told: list[dict[str, list[str]]] = []
    for number, judged in enumerate(evenings, 1):
        now = statement.changed(judged, memory)
        said = statement.state(now, memory, f"2026-03-0{number}")
        told.append({change: said.changes[change] for change in CHANGES if said.changes[change]})
        memory = said.memory
    return told


@pytest.mark.parametrize(
    ("evenings", "truth"),
    [
        ([[rollout("1", A)], [rollout("2", A)], [rollout("3")]], [{"new": ["F-a"]}, {"recurring": ["F-a"]}, {"resolved": ["F-a"]}]),
        (
            [[rollout("1", A)], [rollout("2")], [rollout("3", A)], [rollout("4", A)]],
            [{"new": ["F-a"]}, {"resolved": ["F-a"]}, {"regressed": ["F-a"]}, {"recurring": ["F-a"]}],
        ),
        ([[rollout("1", A)], [], [rollout("3", A)]], [{"new": ["F-a"]}, {}, {"recurring": ["F-a"]}]),
        ([[rollout("1", A)], [rollout("1", A)]], [{"new": ["F-a"]}, {}]),
        ([[rollout("1", A)], [rollout("2", silent=[A.detector])]], [{"new": ["F-a"]}, {}]),
        ([[rollout("1", A, B)], [rollout("2", B)]], [{"new": ["F-a", "F-b"]}, {"recurring": ["F-b"], "resolved": ["F-a"]}]),
        ([[rollout("1", A), rollout("2")], [rollout("3", A)]], [{"new": ["F-a"]}, {"regressed": ["F-a"]}]),
        ([[rollout("1", A)], [rollout("2", suppressed=["F-a"])], [rollout("3")]], [{"new": ["F-a"]}, {}, {"resolved": ["F-a"]}]),
        # a late log of the first rollout: it brings nothing back and resolves nothing, but what it shows for the first time is new
        (
            [[rollout("1", A)], [rollout("2")], [rollout("1", A, B, config="changed")], [rollout("3", B)]],
            [{"new": ["F-a"]}, {"resolved": ["F-a"]}, {"new": ["F-b"], "recurring": ["F-a"]}, {"recurring": ["F-b"]}],
        ),
        ([[rollout("2", A)], [rollout("1", start="0")]], [{"new": ["F-a"]}, {}]),
    ],
    ids=["ends", "comes back", "a night without", "the same again", "detector silent", "two", "both in a night", "suppressed", "late", "older"],
)  # fmt: skip
def test_nights(evenings: list[list[Judged]], truth: list[dict[str, list[str]]]) -> None:
    assert nights(*evenings) == truth


def test_a_changed_configuration_is_judged_again_and_is_no_evidence() -> None:
    first = statement.state([rollout("1", A)], Memory(), "2026-03-01")
    again = rollout("1", A, config="changed")
    assert statement.changed([again], first.memory) == [again]
    assert not statement.has_new_evidence(again, first.memory)
    assert statement.changed([rollout("1", A)], first.memory) == []


def test_a_folder_without_evidence_brings_none() -> None:
    empty = Judged(**{name: getattr(rollout("1"), name) for name in Judged.__struct_fields__} | {"evidence": ""})
    assert not statement.has_new_evidence(empty, Memory())


def test_since_and_last_are_those_of_the_audits() -> None:
    memory = Memory()
    for number, judged in enumerate(([rollout("1", A)], [rollout("2", A)], [rollout("3")], [rollout("4", A)]), 1):
        memory = statement.state(judged, memory, f"2026-03-0{number}").memory
    known = memory.known["F-a"]
    assert (known.since, known.last, known.rollout, known.is_open) == ("2026-03-01", "2026-03-04", "4", True)
