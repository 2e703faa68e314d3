"""Labels of past rollouts: what they were, and who says so, when and why. Without them precision and recall are decoration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from forensics.config.load import Problem, load_as

Word = Literal["good", "bad-security", "bad-other", "unknown"]


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """One rollout, by the name of its case; `onset` goes before what the case says, `chose` = its data helped to choose the policy."""

    case: str
    label: Word
    who: str
    when: date
    why: str
    onset: datetime | None = None
    chose: bool = False


class Labels(Struct, frozen=True, forbid_unknown_fields=True):
    """labels.toml."""

    label: list[Label] = field(default_factory=list)


def load(path: Path) -> dict[str, Label]:
    """Return labels by case; raises `ConfigError`."""
    return {label.case: label for label in load_as(path, Labels, _problems).label}


def _problems(labels: Labels) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, label in enumerate(labels.label):
        if label.case in seen:
            yield Problem(f"label[{index}].case", f"{label.case!r} is labelled twice.")
        seen.add(label.case)
        if not label.who.strip() or not label.why.strip():
            yield Problem(f"label[{index}]", "A label says who gives it and why.")
