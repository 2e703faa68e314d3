"""The charts of the report; each one is followed by its data as a table, so a chart that cannot be drawn loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from forensics.report.words import moment

ERROR_POINTS = 48  # errors are few: longer steps show more than ones and zeros
FAILED = "The chart could not be drawn; the table has the same data."


def figures(context: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return drawing and note by chart name."""
    from forensics import charts

    minutes, phases = context["results"]["series"]["minutes"], _phases(context["case"]["phases"])
    destinations = context["results"]["outbound"]["destinations"]
    return {
        "requests": _drawn(lambda: charts.per_minute(_counts(minutes, "requests"), phases, "requests")),
        "errors": _drawn(lambda: charts.per_minute(_counts(minutes, "errors"), phases, "errors", ERROR_POINTS)),
        "uploads": _drawn(lambda: charts.uploads(destinations, "uploads")),
        "gates": _drawn(lambda: charts.gates(*_ticks(context["results"]["replay"]["replays"]), phases, "gates")),
    }


def _drawn(draw: Callable[[], Any]) -> dict[str, str]:
    """Draw; the renderer reports every trouble with hostile or odd data as a ValueError."""
    try:
        chart = draw()
    except ValueError:
        return {"svg": "", "note": FAILED}
    return {"svg": chart.svg, "note": chart.note}


def _counts(minutes: list[Mapping[str, Any]], field: str) -> list[tuple[Any, str, int]]:
    """Return time, cohort and count of every row with a readable time; the table shows the others too."""
    timed = ((moment(row.get("time")), row) for row in minutes)
    return [(at, str(row.get("cohort")), int(row.get(field) or 0)) for at, row in timed if at]


def _ticks(replays: list[Mapping[str, Any]]) -> tuple[list[tuple[str, Any, str]], list[tuple[str, Any]]]:
    """Return (gate, time, phase) of every tick of each gate alone, and (name, time) of onset, triggers, action and containment."""
    ticks, marks = [], []
    for replay in replays:
        runs = [run for policy in replay["policies"] for run in policy["runs"]]
        ticks += [
            (str(row["gate"]), moment(row["time"]), str(row["phase"]))
            for run in runs
            for row in run["trace"]
            if row["reading"] == "alone"
        ]
        marks += [("trigger", moment(run["trigger"])) for run in runs]
        marks += [(name, moment(replay[name])) for name in ("onset", "action", "contained")]
    return [tick for tick in ticks if tick[1]], list(dict.fromkeys((name, when) for name, when in marks if when))


def _phases(phases: list[Mapping[str, Any]]) -> list[tuple[str, Any, Any]]:
    spans = ((str(phase.get("name")), moment(phase.get("start")), moment(phase.get("end"))) for phase in phases)
    return [(name, start, end) for name, start, end in spans if start and end]
