"""`policy convert`: a policy of Argo or Flagger as one of our own, with what lint finds put right where that can be done without guessing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import promql_parser as pq

from forensics.replay.lint import lint
from forensics.replay.lint.subject import is_single
from forensics.replay.policies.model import Gate, Policy
from forensics.replay.promql.syntax import parse, ranges
from forensics.replay.refusal import RefusalError
from forensics.text import safe_text

_PLAIN = re.compile(r"result\[0\]\s*(<=|>=|==|!=|<|>)\s*(-?[0-9.]+(?:[eE][+-]?[0-9]+)?)")


def converted(policies: Sequence[Policy]) -> str:
    """Return the text of a policy.toml; what could not be put right stands in comments.

    Windows that are longer than the interval are answered by a limit of failures in a row, no data is inconclusive, and the first measurement waits
    for the window. A query with several series is asked for all of them.
    """
    names = ", ".join(dict.fromkeys(policy.name for policy in policies))
    head = [
        f"# Converted from {safe_text(', '.join(dict.fromkeys(policy.path.name for policy in policies)))}. No data is inconclusive here, never a pass.",
        "", 'kind = "policy"', f"name = {_text(names)}",
    ]  # fmt: skip
    gates = {gate.name: (policy, gate) for policy in policies for run in policy.runs for gate in run.gates}
    left = lint(policies, 15.0, {})
    blocks = [
        list(_block(policy, gate, [row for row in left if row["gate"] == gate.name])) for policy, gate in gates.values()
    ]
    return "\n".join([*head, *(line for block in blocks for line in ["", *block])]) + "\n"


def _block(policy: Policy, gate: Gate, issues: list[dict[str, Any]]) -> Iterator[str]:
    if gate.refusal:
        yield f"# {safe_text(gate.name)} is left out: {safe_text(gate.refusal.message, 300)}"
        return
    for row in issues:
        if row["rule"] in ("L5", "L7", "L14"):
            yield f"# {row['rule']}, for you to decide: {safe_text(row['message'], 300)}"
    yield "[[gate]]"
    yield f"name = {_text(gate.name)}"
    yield f"query = {_text(_query(gate))}" if gate.query else f"sql = {_text(gate.sql)}"
    yield from _conditions(policy, gate)
    yield from _limits(policy, gate)
    yield 'on_no_data = "inconclusive"'
    if gate.dry_run:
        yield "dry_run = true"


def _query(gate: Gate) -> str:
    """Return the query with sum() around both sides of a ratio that has a series for each label set."""
    text = " ".join(gate.query.split())
    try:
        tree: Any = parse(gate.query)
    except RefusalError:
        return text
    if _is_plain_ratio(tree) and not is_single(tree):
        sides = [
            side if is_single(item) else f"sum({side})"
            for item, side in ((tree.lhs, _flat(tree.lhs)), (tree.rhs, _flat(tree.rhs)))
        ]
        return " / ".join(sides)
    return text


def _is_plain_ratio(tree: Any) -> bool:
    return (
        isinstance(tree, pq.BinaryExpr)
        and str(tree.op) == "/"
        and (tree.modifier is None or tree.modifier.matching is None)
    )


def _flat(tree: Any) -> str:
    return " ".join(str(tree.prettify()).split())


def _conditions(policy: Policy, gate: Gate) -> Iterator[str]:
    if policy.engine == "flagger":
        limits = [
            f"result[0] {sign} {value:g}" for sign, value in ((">=", gate.low), ("<=", gate.high)) if value is not None
        ]
        yield f"success = {_text(' && '.join(limits) or 'true')}"
        return
    single = bool(gate.sql) or _is_single(_query(gate))
    for name, text, every in (("success", gate.success, "all"), ("failure", gate.failure, "any")):
        plain = _PLAIN.fullmatch(text.strip())
        if text:
            yield f"{name} = {_text(text if single or not plain else f'{every}(result, # {plain[1]} {plain[2]})')}"
    if not gate.success and not gate.failure:
        yield 'success = "true"   # L13: no condition was given'


def _is_single(query: str) -> bool:
    try:
        return is_single(parse(query))
    except RefusalError:
        return True


def _limits(policy: Policy, gate: Gate) -> Iterator[str]:
    interval = gate.interval or 60.0
    longest = max(_windows(gate), default=0.0)
    yield f'interval = "{interval:g}s"'
    if max(longest, gate.initial_delay):
        yield f'initial_delay = "{max(longest, gate.initial_delay):g}s"'
    tolerated = policy.threshold - 1 if policy.engine == "flagger" else gate.failure_limit
    if tolerated > 0 and longest > interval:
        yield f"consecutive_failure_limit = {max(tolerated, math.ceil(longest / interval))}   # a blip fails each window that holds it"
    else:
        yield f"failure_limit = {max(tolerated, 0)}   # so many failures are tolerated"


def _windows(gate: Gate) -> list[float]:
    try:
        return ranges(parse(gate.query)) if gate.query else []
    except RefusalError:
        return []


def _text(value: str) -> str:
    """Return a TOML basic string: JSON's escapes are TOML's."""
    return json.dumps(safe_text(value), ensure_ascii=False)
