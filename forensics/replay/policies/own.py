"""Our own policy, in TOML: Argo's words, and what Argo lacks (docs/replay.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from forensics.config.load import Problem, load_as
from forensics.errors import ConfigError
from forensics.replay.conditions import one_line
from forensics.replay.policies.documents import read as read_text
from forensics.replay.policies.documents import seconds
from forensics.replay.policies.model import Compare, Direction, Gate, NoData, Policy, Run, Start
from forensics.replay.refusal import Lines, Place

_KEY = re.compile(r"\s*([a-z_]+)\s*=\s*(\"\"\"|\'\'\')?")


class _Section(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section refuses keys that it does not know."""


class ComparePart(_Section, frozen=True):
    """Comparison with the baseline: an exact test over the counts that the SQL returns."""

    statistic: Literal["fisher"] = "fisher"
    alpha: float = 0.01
    direction: Direction = "two_sided"
    minimum_difference: float = 0.0


class GatePart(_Section, frozen=True):
    """One gate: a PromQL `query` or a `sql`, conditions or a comparison, limits, what no data means."""

    name: str
    query: str = ""
    sql: str = ""
    phase: str = ""
    success: str = ""
    failure: str = ""
    compare: ComparePart | None = None
    interval: str = "60s"
    window: str = "5m"
    initial_delay: str = "0s"
    failure_limit: int | None = None
    consecutive_failure_limit: int | None = None
    inconclusive_limit: int = -1
    consecutive_error_limit: int = 4
    min_samples: int = 0
    on_no_data: NoData = "inconclusive"
    dry_run: bool = False


class OwnPolicy(_Section, frozen=True):
    """policy.toml."""

    kind: Literal["policy"]
    name: str
    gate: list[GatePart] = field(default_factory=list)


def read(path: Path) -> Policy:
    """Return the policy of a TOML file.

    Raises:
        ConfigError: it cannot be read, has unknown keys, wrong types, or breaks a rule.

    """
    found = load_as(path, OwnPolicy, _problems)
    places = _places(path, read_text(path), len(found.gate))
    phases = dict.fromkeys(gate.phase for gate in found.gate)
    runs = tuple(
        Run(
            f"{found.name} in {phase}" if phase else found.name,
            tuple(_gate(part, places[index]) for index, part in enumerate(found.gate) if part.phase == phase),
            Place(path, None, "gate"),
            is_inline=bool(phase),
            start=Start(phase=phase),
        )
        for phase in phases
    )
    return Policy(found.name, "own", "policy", path, runs)


def _places(path: Path, text: str, count: int) -> list[Place]:
    """Return the place of each gate with the lines of its keys; without lines where gates are written in another way than `[[gate]]`."""
    lines = text.splitlines()
    heads = [number for number, line in enumerate(lines, 1) if line.strip().startswith("[[gate]]")]
    if len(heads) != count:
        return [Place(path, None, f"gate[{index}]") for index in range(count)]
    found = []
    for index, (head, end) in enumerate(zip(heads, [*heads[1:], len(lines) + 1], strict=True)):
        keys = dict(_keys(lines[: end - 1], head))
        below = tuple((key, number) for key, (number, _) in keys.items())
        found.append(
            Place(
                path,
                head,
                f"gate[{index}]",
                below=below,
                texts=tuple((key, rows) for key, (_, rows) in keys.items() if rows),
            )
        )
    return found


def _keys(lines: list[str], after: int) -> Iterator[tuple[str, tuple[int, Lines]]]:
    """Yield key, line, and where the value has several lines those: number and length."""
    number = after
    while number < len(lines):
        number += 1
        match = _KEY.match(lines[number - 1])
        if not match:
            continue
        begin, quote = number, match[2]
        first = lines[number - 1][match.end() :]
        rows = [(number, len(first))] if first else []
        while quote and quote not in first and number < len(lines):
            number, first = number + 1, lines[number]
            rows.append((number, len(first)))
        yield match[1], (begin, tuple(rows) if quote else ())


def _gate(part: GatePart, place: Place) -> Gate:
    compare = part.compare
    return Gate(
        part.name, place, part.query, part.sql, one_line(part.success), one_line(part.failure),
        interval=seconds(part.interval, place), window=seconds(part.window, place) or 300.0, initial_delay=seconds(part.initial_delay, place) or 0.0,
        failure_limit=_failure_limit(part), consecutive_failure_limit=part.consecutive_failure_limit, inconclusive_limit=part.inconclusive_limit,
        consecutive_error_limit=part.consecutive_error_limit, min_samples=part.min_samples, on_no_data=part.on_no_data, dry_run=part.dry_run,
        compare=Compare(compare.statistic, compare.alpha, compare.direction, compare.minimum_difference) if compare else None,
    )  # fmt: skip


def _failure_limit(part: GatePart) -> int:
    """Return how many failures are tolerated in all: none, or any number where only those in a row are limited."""
    if part.failure_limit is not None:
        return part.failure_limit
    return 0 if part.consecutive_failure_limit is None else -1


def _problems(policy: OwnPolicy) -> Iterator[Problem]:
    """Yield what a type cannot say."""
    if not policy.gate:
        yield Problem("gate", "A policy needs a [[gate]].")
    seen: set[str] = set()
    for index, gate in enumerate(policy.gate):
        key = f"gate[{index}]"
        if gate.name in seen:
            yield Problem(f"{key}.name", f"There is another gate called {gate.name!r}.")
        seen.add(gate.name)
        if bool(gate.query) == bool(gate.sql):
            yield Problem(key, "A gate has a query or a sql, and not both.")
        if bool(gate.compare) == bool(gate.success or gate.failure):
            yield Problem(key, "A gate has conditions (success, failure) or a compare, and not both.")
        if gate.compare and not gate.sql:
            yield Problem(f"{key}.compare", "A comparison needs a sql that returns k, n, baseline_k, baseline_n.")
        if gate.compare and not (0 < gate.compare.alpha < 1 and 0 <= gate.compare.minimum_difference <= 1):
            yield Problem(f"{key}.compare", "alpha lies between 0 and 1, minimum_difference from 0 to 1.")
        if gate.min_samples < 0:
            yield Problem(f"{key}.min_samples", "min_samples is 0 or more.")
        yield from _durations(gate, key)


def _durations(gate: GatePart, key: str) -> Iterator[Problem]:
    for name in ("interval", "window", "initial_delay"):
        try:
            value = seconds(getattr(gate, name), Place())
        except ConfigError as error:
            yield Problem(f"{key}.{name}", error.message)
            continue
        if name != "initial_delay" and (value is None or value < 1):
            yield Problem(f"{key}.{name}", f"{name} is at least one second.")
