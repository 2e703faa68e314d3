"""Contact at the same minute of the hour in rollout after rollout: what a single window, with fewer than four sightings, cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

_LEAST = 3
_CHANCE = 0.01
_HOUR = 60.0


class Sighting(msgspec.Struct, frozen=True):
    """When a rollout began, and when a finding was first seen in it (RFC 3339)."""

    start: str
    first_seen: str


class Regularity(msgspec.Struct, frozen=True):
    """So many rollouts saw it within `width` minutes of the same minute of the hour, which is `minute`; chance alone does so with probability `chance`."""

    rollouts: int
    minute: int
    width: float
    chance: float

    def __str__(self) -> str:
        """Return the sentence for people."""
        return f"first seen at minute {self.minute:02d} of the hour, within {self.width:.0f} min, in {self.rollouts} rollouts (by chance {self.chance:.1%})"


def regularity(sightings: Sequence[Sighting]) -> Regularity | None:
    """Return how regular the first sightings in at least three rollouts are; None where chance explains it, or that the rollouts began alike.

    m moments drawn at random lie within an arc of w of a circle of L with probability m (w/L)^(m-1), w at most L/2 (Stevens 1939); the arc is a minute wide at least.
    A rollout that always begins at the same minute makes whatever it does regular: then nothing is said.
    """
    moments = [(_minute(item.start), _minute(item.first_seen)) for item in sightings if item.start and item.first_seen]
    if len(moments) < _LEAST:
        return None
    begin, width = _arc([seen for _, seen in moments])
    chance = _by_chance(len(moments), width)
    if chance > _CHANCE or _by_chance(len(moments), _arc([start for start, _ in moments])[1]) <= 0.05:
        return None
    return Regularity(len(moments), int(begin), max(width, 1.0), chance)


def _arc(minutes: Sequence[float]) -> tuple[float, float]:
    """Return where the shortest arc of the hour that holds all minutes begins, and its width: the rest of the hour is the widest gap."""
    ordered = sorted(minutes)
    gaps = [
        ((later - earlier) % _HOUR if len(ordered) > 1 else _HOUR, later)
        for earlier, later in zip([ordered[-1], *ordered], ordered, strict=False)
    ]
    widest, begin = max(gaps)
    return begin, (_HOUR - widest) if widest else 0.0


def _by_chance(count: int, width: float) -> float:
    share = max(width, 1.0) / _HOUR
    return min(1.0, count * share ** (count - 1)) if share <= 0.5 else 1.0


def _minute(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return moment.minute + moment.second / 60 + moment.microsecond / 60e6
