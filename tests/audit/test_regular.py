"""Contact at the same minute of the hour over rollouts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from forensics.audit import statement
from forensics.audit.config import AuditConfig, Service
from forensics.audit.history import Record, ServiceRecord
from forensics.audit.overview import overview
from forensics.audit.regular import Sighting, regularity
from forensics.audit.rollouts import Finding
from forensics.audit.statement import CHANGES, Memory
from tests.audit.test_statement import rollout


def seen(*pairs: tuple[str, str]) -> list[Sighting]:
    return [
        Sighting(f"2026-03-{day:02d}T{start}Z", f"2026-03-{day:02d}T{first}Z")
        for day, (start, first) in enumerate(pairs, 1)
    ]


def test_three_rollouts_within_two_minutes() -> None:
    """Minutes 58.5, 59 and 0.5: an arc of 2 of 60 minutes, 3 * (2/60)^2 = 0.33 %."""
    found = regularity(seen(("09:00:00", "09:58:30"), ("14:20:00", "16:00:30"), ("20:41:00", "20:59:00")))
    assert found is not None
    assert (found.rollouts, found.minute) == (3, 58)
    assert found.width == pytest.approx(2.0)
    assert found.chance == pytest.approx(3 * (2 / 60) ** 2)
    assert str(found) == "first seen at minute 58 of the hour, within 2 min, in 3 rollouts (by chance 0.3%)"


def test_the_same_minute_is_a_minute_wide() -> None:
    found = regularity(seen(("09:00:00", "09:17:42"), ("14:20:00", "16:17:42"), ("20:41:00", "21:17:42")))
    assert found is not None
    assert found.chance == pytest.approx(3 / 3600)


@pytest.mark.parametrize(
    "pairs",
    [
        [("09:00:00", "09:17:00"), ("14:20:00", "16:17:30")],  # two
        [("09:00:00", "09:17:00"), ("14:20:00", "16:30:00"), ("20:41:00", "21:58:00")],  # apart
        [("09:00:00", "09:17:00"), ("14:20:00", "16:19:00"), ("20:41:00", "21:21:00")],  # 3 * (4/60)^2 = 1.3 %
        [("09:00:00", "09:17:00"), ("14:00:10", "16:17:30"), ("20:00:20", "21:17:30")],  # the rollouts began alike
    ],
)
def test_what_chance_or_the_begin_explains_is_not_told(pairs: list[tuple[str, str]]) -> None:
    assert regularity(seen(*pairs)) is None


def test_sightings_are_remembered_once_a_rollout() -> None:
    memory = Memory()
    starts = ("2026-03-01T09:00:00Z", "2026-03-02T14:20:00Z", "2026-03-02T14:20:00Z", "2026-03-03T20:41:00Z")
    firsts = ("2026-03-01T09:17:42Z", "2026-03-02T16:17:42Z", "2026-03-02T16:17:40Z", "2026-03-03T21:17:42Z")
    for night, (start, first) in enumerate(zip(starts, firsts, strict=True), 1):
        finding = Finding("F-a", "outbound.new_destination", "high", "phones home", first)
        memory = statement.state([rollout(f"r{night}", finding, start=start)], memory, f"2026-03-0{night}").memory
    assert [item.first_seen for item in memory.known["F-a"].sightings] == [firsts[0], firsts[2], firsts[3]]
    assert regularity(memory.known["F-a"].sightings) is not None


def test_other_findings_have_no_sightings() -> None:
    said = statement.state([rollout("1", Finding("F-b", "access.x", "high", "y"))], Memory(), "2026-03-01")
    assert said.memory.known["F-b"].sightings == ()


def test_the_overview_says_it_beside_the_finding(tmp_path: Path) -> None:
    pairs = (("09:00:00", "09:17:42"), ("14:20:00", "16:17:42"), ("20:41:00", "21:17:42"))
    finding, memory = Finding("F-a", "outbound.new_destination", "high", "phones home"), Memory()
    for night, item in enumerate(seen(*pairs), 1):
        contact = msgspec.structs.replace(finding, first_seen=item.first_seen)
        memory = statement.state([rollout(f"r{night}", contact, start=item.start)], memory, f"2026-03-0{night}").memory
    service = ServiceRecord("shop", 1, [], {change: [] for change in CHANGES}, {}, memory)
    config = AuditConfig([Service("shop", tmp_path / "drop")], tmp_path / "audit", "high")
    page = overview(config, [Record("2026-03-03", 1, [service])])
    assert "first seen at minute 17 of the hour, within 1 min, in 3 rollouts (by chance 0.1%)" in page
