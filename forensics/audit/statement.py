"""What one audit says of a service, compared with what earlier audits knew: pure functions over what was judged.

A finding is known by its id, which is the same in every rollout of a service. It is open from the audit that first sees it until a newer
rollout, in which its detector could speak, does not show it. Where the detector could not speak, or no evidence came, it stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from forensics.audit.regular import Sighting
from forensics.audit.rollouts import Finding, Judged

Change = Literal["new", "recurring", "resolved", "regressed"]
_SIGHTINGS = 24  # rollouts of which the first sighting is remembered
CHANGES: tuple[Change, ...] = ("new", "recurring", "resolved", "regressed")


class Known(msgspec.Struct, frozen=True):
    """A finding over the audits: since when, in which audit and rollout it was last seen, whether it is still open, when rollouts first saw it."""

    finding: Finding
    since: str
    last: str
    rollout: str
    is_open: bool = True
    sightings: tuple[Sighting, ...] = ()


class Basis(msgspec.Struct, frozen=True):
    """What a rollout was judged on: hashes of its evidence and of its configuration."""

    evidence: str
    config: str


class Memory(msgspec.Struct, frozen=True):
    """What audits know of a service: findings by id, begin of the newest rollout, and on what each rollout was judged."""

    known: dict[str, Known] = {}
    newest: str = ""
    judged: dict[str, Basis] = {}


class Statement(msgspec.Struct, frozen=True):
    """The findings of one audit by change, each by id, and the memory behind it."""

    changes: dict[str, list[str]]
    memory: Memory


def changed(judged: Sequence[Judged], memory: Memory) -> list[Judged]:
    """Return the rollouts that earlier audits judged on something else or not at all, in the order of their windows."""
    return sorted(
        (item for item in judged if memory.judged.get(item.name) != _basis(item)),
        key=lambda item: (item.start, item.name),
    )


def has_new_evidence(judged: Judged, memory: Memory) -> bool:
    """Say whether a rollout has evidence that earlier audits did not see; a changed configuration is none."""
    earlier = memory.judged.get(judged.name)
    return bool(judged.evidence) and (earlier is None or earlier.evidence != judged.evidence)


def _basis(judged: Judged) -> Basis:
    return Basis(judged.evidence, judged.config)


def state(judged: Sequence[Judged], memory: Memory, as_of: str) -> Statement:
    """Return what the rollouts that were judged now, in the order of their windows, change in what is known."""
    before, now = memory.known, memory
    seen: dict[str, Change] = {}
    for item in judged:
        is_newest = item.start >= now.newest
        for finding in item.findings:
            seen[finding.id] = _change(before.get(finding.id), is_newest)
        now = _remembered(now, item, as_of, is_newest=is_newest)
    gone = [
        name for name, known in before.items() if known.is_open and not now.known[name].is_open and name not in seen
    ]
    changes: dict[str, list[str]] = {
        change: sorted(name for name in seen if seen[name] == change) for change in CHANGES
    }
    return Statement({**changes, "resolved": sorted(gone)}, now)


def _change(known: Known | None, is_newest: bool) -> Change:
    """Return what a finding is against what was known; a late log of an old rollout brings nothing back: only the newest can regress."""
    if known is None:
        return "new"
    return "recurring" if known.is_open or not is_newest else "regressed"


def _remembered(memory: Memory, judged: Judged, as_of: str, *, is_newest: bool) -> Memory:
    known = dict(memory.known)
    for finding in judged.findings:
        earlier = known.get(finding.id)
        sightings = _sightings(earlier, judged.start, finding)
        if earlier is None:
            known[finding.id] = Known(finding, as_of, as_of, judged.name, sightings=sightings)
        elif is_newest:
            known[finding.id] = Known(finding, earlier.since, as_of, judged.name, sightings=sightings)
        else:
            known[finding.id] = msgspec.structs.replace(earlier, sightings=sightings)
    if is_newest:
        shown = {*judged.suppressed, *(finding.id for finding in judged.findings)}
        for name, item in known.items():
            if item.is_open and name not in shown and item.finding.detector in judged.spoke:
                known[name] = msgspec.structs.replace(item, is_open=False)
    return Memory(known, max(memory.newest, judged.start), {**memory.judged, judged.name: _basis(judged)})


def _sightings(earlier: Known | None, start: str, finding: Finding) -> tuple[Sighting, ...]:
    """Return the first sighting in each of the newest rollouts; a rollout that is judged again counts once."""
    before = earlier.sightings if earlier else ()
    if not finding.first_seen:
        return before
    by_start = {item.start: item for item in before} | {start: Sighting(start, finding.first_seen)}
    return tuple(by_start[key] for key in sorted(by_start))[-_SIGHTINGS:]
