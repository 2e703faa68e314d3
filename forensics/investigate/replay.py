"""Replay of policies over a case on disk: what is known of the rollout comes from its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from forensics import views
from forensics.case import Case
from forensics.errors import UsageError
from forensics.investigate.timeline import parse_time
from forensics.replay.backtest import Outcome, summary
from forensics.replay.labels import load as load_labels
from forensics.replay.policies import load as load_policies
from forensics.replay.promql import load as load_bindings
from forensics.replay.responses import compare
from forensics.replay.rollout import Known, episodes
from forensics.replay.run import Settings, outcome, replay
from forensics.replay.sweep import Axes, minutes_of, sweep
from forensics.results import material


def run(
    case: Case,
    files: Sequence[Path],
    binding: Path | None,
    arguments: Mapping[str, str],
    known: Known,
    settings: Settings,
) -> dict[str, Any]:
    """Return the replay of the policies in `files` (see `forensics.replay.run.replay`).

    Raises:
        ConfigError: a policy or the bindings cannot be read.

    """
    policies, bindings = load_policies(files, arguments), load_bindings(binding)
    with views.opened(case) as sandbox:
        return replay(sandbox, policies, bindings, known, settings)


def swept(case: Case, metric: str, axes: Axes, known: Known) -> list[dict[str, Any]]:
    """Return the rows of a sweep over the first episode of a case; raises `UsageError` as `sweep` does, or where there are no phases."""
    with views.opened(case) as sandbox:
        parts = episodes(sandbox, known)
        if not parts:
            raise UsageError("The case has no phases.", hint="Give them in canary.toml.")
        return sweep(minutes_of(sandbox, parts[0], metric), axes, parts[0].known.onset, parts[0].known.action)


def compared(case: Case, route: str) -> dict[str, Any]:
    """Return how the canary's responses differ from the baseline's (see `forensics.replay.responses.compare`); raises `UsageError` as that does."""
    with views.opened(case) as sandbox:
        return compare(sandbox, route)


def backtested(
    cases: Sequence[Case], files: Sequence[Path], binding: Path | None, arguments: Mapping[str, str], labels: Path
) -> list[dict[str, Any]]:
    """Return a summary a policy over many cases, and the outcome of each; a case without a label is unknown.

    Raises:
        ConfigError: a policy, the bindings or the labels cannot be read. UsageError: detection has not run in a case, or a case is named twice.

    """
    _require_once(cases)
    policies, bindings, told = load_policies(files, arguments), load_bindings(binding), load_labels(labels)
    outcomes: dict[str, list[Outcome]] = {policy.name: [] for policy in policies}
    for case in cases:
        label = told.get(case.name)
        known = known_of(case, label.onset.isoformat() if label and label.onset else "")
        with views.opened(case) as sandbox:
            for policy in policies:
                outcomes[policy.name].append(outcome(sandbox, case.name, policy, bindings, known, label))
    return [summary(name, items) | {"outcomes": [asdict(item) for item in items]} for name, items in outcomes.items()]


def _require_once(cases: Sequence[Case]) -> None:
    """Refuse a case that is there twice: it would count twice, and labels are by name."""
    twice = next((name for name, n in Counter(case.name for case in cases).items() if n > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice.", hint="Name each case once; labels are by the name of its folder.")


def known_of(case: Case, onset: str = "") -> Known:
    """Return onset, action, containment and outcome of a case; an onset that a person gives goes before the first finding.

    Raises:
        UsageError: detection has not run yet, or the onset is no time.

    """
    times = material(case)[1].get("times")
    if times is None:
        raise UsageError(f"{case.folder} has no results yet.", hint=f"Run: canary-forensics detect {case.folder}")
    found = _time(times["onset"])
    return Known(
        parse_time(onset) if onset else found,
        "given by hand" if onset else f"detector: {times['basis']['onset']}",
        _time(times["acted"]), times["basis"]["acted"], _time(times["contained"]), case.config().config.window.outcome,
    )  # fmt: skip


def arguments_of(given: Sequence[str]) -> dict[str, str]:
    """Return NAME=VALUE pairs; raises `UsageError` where one is none."""
    for item in given:
        if "=" not in item:
            raise UsageError(f"{item} is no argument.", hint="Write it as --arg NAME=VALUE.")
    return {name: value for name, _, value in (item.partition("=") for item in given)}


def _time(text: str) -> datetime | None:
    return parse_time(text) if text else None
