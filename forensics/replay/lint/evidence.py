"""What a case says about ratio gates: how many events a minute the canary has, and how often the baseline counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import promql_parser as pq

from forensics.replay.lint.subject import Traffic
from forensics.replay.policies.model import Gate, Policy
from forensics.replay.promql import Bindings, Grid, Reader, matchers_of, prepared, selectors
from forensics.replay.promql.syntax import parts
from forensics.replay.refusal import RefusalError
from forensics.replay.rollout import Episode
from forensics.store import Sandbox

_MINUTE = 60_000_000


def traffic_of(
    sandbox: Sandbox, policies: Sequence[Policy], bindings: Bindings, episodes: Sequence[Episode]
) -> dict[tuple[str, str], Traffic]:
    """Return the numbers of each gate that is a ratio of two bound metrics, by policy and gate; others have none."""
    found = {}
    for policy in policies:
        for run in policy.runs:
            for gate in run.gates:
                traffic = _traffic(sandbox, gate, bindings, episodes)
                if traffic:
                    found[policy.name, gate.name] = traffic
    return found


def _traffic(sandbox: Sandbox, gate: Gate, bindings: Bindings, episodes: Sequence[Episode]) -> Traffic | None:
    try:
        ratio = _ratio(prepared(gate.query, bindings).tree) if gate.query and not gate.refusal else None
        if ratio is None or not episodes:
            return None
        minutes, canary, hits, base = 0.0, 0.0, 0.0, 0.0
        for episode in episodes:
            reader = Reader(
                sandbox,
                Grid(episode.start, _MINUTE, 0, max(1, int((episode.end - episode.start).total_seconds() // 60))),
            )
            minutes += reader.grid.last
            canary += _events(reader, bindings, ratio[1], "canary")
            hits += _events(reader, bindings, ratio[0], "baseline")
            base += _events(reader, bindings, ratio[1], "baseline")
    except RefusalError:
        return None  # told by the replay with its code
    return Traffic(canary / minutes, min(1.0, hits / base), round(base)) if base and canary else None


def _ratio(tree: Any) -> tuple[Any, Any] | None:
    """Return the selectors of the first division whose sides have one each."""
    for node in parts(tree):
        if isinstance(node, pq.BinaryExpr) and str(node.op) == "/":
            above, below = selectors(node.lhs), selectors(node.rhs)
            if len(above) == len(below) == 1:
                return above[0], below[0]
    return None


def _events(reader: Reader, bindings: Bindings, selector: Any, cohort: str) -> float:
    """Return the events of a selector within the grid, with the label that stands for the cohort set to `cohort`."""
    metric = bindings.metric[selector.name]
    cohorts = {label for label, expression in metric.labels.items() if expression.strip() == "cohort"}
    matchers = [item for item in matchers_of(selector) if item[0] not in cohorts] + [
        (label, "Equal", cohort) for label in sorted(cohorts)
    ]
    cells = reader.cells(metric, selector.name, matchers)
    return float(cells.count[cells.slot > 0].sum())
