"""The rollout that is replayed: episodes of phases, onset, the real action, and when the canary was gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from forensics.replay.policies.model import Run
from forensics.store import Sandbox

_PHASES = "select phase, start_time, end_time, weight from dims.phases order by start_time, position"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A phase: one weight (percent) from start to end."""

    name: str
    start: datetime
    end: datetime
    weight: float


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the rollout from elsewhere, each with its source: onset of the trouble, action, when the canary was gone, outcome."""

    onset: datetime | None = None
    onset_from: str = "no onset is known"
    action: datetime | None = None
    action_from: str = "no rollback is known"
    contained: datetime | None = None
    outcome: str = "unknown"


@dataclass(frozen=True, slots=True)
class Episode:
    """Phases without a pause between them: a rollback and a second try are two episodes."""

    stretches: tuple[Stretch, ...]
    known: Known

    @property
    def start(self) -> datetime:
        """When the first phase begins."""
        return self.stretches[0].start

    @property
    def end(self) -> datetime:
        """When the last phase ends, or the action if that was sooner."""
        last = max(item.end for item in self.stretches)
        return min(last, self.known.action) if self.known.action and self.known.action > self.start else last

    def beginning(self, run: Run) -> datetime | None:
        """Return when a run begins; None where its phase never came."""
        found = self.of(run)
        return found.start + timedelta(seconds=run.start.delay) if found else None

    def stop(self, run: Run) -> datetime:
        """Return until when a run is replayed: the end of its phase where it names one, else that of the episode."""
        found = self.of(run) if run.start.phase else None
        return min(found.end, self.end) if found else self.end

    def of(self, run: Run) -> Stretch | None:
        """Return the phase that a run begins with; a weight of 0 is before the first, which nobody can measure."""
        if run.start.phase:
            return next((item for item in self.stretches if item.name == run.start.phase), None)
        if run.start.weight is None:
            return self.stretches[0]
        return next((item for item in self.stretches if abs(item.weight - (run.start.weight or 0.0)) < 0.5), None)


def episodes(sandbox: Sandbox, known: Known) -> list[Episode]:
    """Return the episodes of a case in order; none where it has no phases. Onset and action belong to the episode that they lie in, or end."""
    phases = [
        Stretch(name, start, end, float(weight or 0.0))
        for name, start, end, weight in sandbox.rows(_PHASES)
        if start and end
    ]
    groups: list[list[Stretch]] = [[item] for item in phases[:1]]
    for before, item in pairwise(phases):
        if item.start > before.end:
            groups.append([])
        groups[-1].append(item)
    return [
        Episode(tuple(group), _part(known, group, groups[index + 1][0].start if index + 1 < len(groups) else None))
        for index, group in enumerate(groups)
    ]


def _part(known: Known, group: list[Stretch], following: datetime | None) -> Known:
    """Return what is known of one episode: what lies before it or behind the next one's beginning is of another."""

    def inside(moment: datetime | None) -> bool:
        return moment is not None and moment >= group[0].start and (following is None or moment < following)

    onset = known.onset if known.onset and (following is None or known.onset < following) else None
    return Known(
        onset, known.onset_from if onset else "no onset in this episode", known.action if inside(known.action) else None,
        known.action_from if inside(known.action) else "no rollback in this episode", known.contained if inside(known.contained) else None, known.outcome,
    )  # fmt: skip
