"""What a rule looks at: a gate with its run and policy, its trees, and where a case is given the numbers of that case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import promql_parser as pq

from forensics.replay.conditions import Node, compiled, nodes
from forensics.replay.policies.model import Gate, Policy, Run
from forensics.replay.promql.bindings import load
from forensics.replay.promql.syntax import parse, parts, ranges, unsupported
from forensics.replay.refusal import RefusalError

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with a gate: the key it stands at, what happens, why, and what to write."""

    rule: str
    level: Level
    key: str
    message: str
    reason: str
    fix: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a case says about a ratio gate: events in one window (median), how often the baseline counts, events a minute."""

    per_minute: float
    baseline_rate: float
    baseline_n: int


@dataclass(frozen=True)
class Subject:
    """One gate; `scrape` is the scrape interval in seconds, `traffic` is known where a case is given."""

    policy: Policy
    run: Run
    gate: Gate
    scrape: float = 15.0
    traffic: Traffic | None = None

    @property
    def is_argo(self) -> bool:
        """Whether Argo's rules hold."""
        return self.policy.engine == "argo"

    @cached_property
    def query(self) -> Any:
        """The tree of the query; None without one, or where it cannot be parsed (which the replay refuses)."""
        try:
            return parse(self.gate.query) if self.gate.query else None
        except RefusalError:
            return None

    @cached_property
    def conditions(self) -> list[Node]:
        """The trees of the conditions that can be parsed."""
        found = []
        for text in (self.gate.success, self.gate.failure):
            try:
                condition = compiled(text)
            except RefusalError:
                continue
            if condition:
                found.append(condition.tree)
        return found

    @property
    def condition_key(self) -> str:
        """The key of the first condition."""
        return "successCondition" if self.gate.success else "failureCondition"

    @property
    def condition(self) -> str:
        """The text of the first condition."""
        return self.gate.success or self.gate.failure

    @property
    def fallback(self) -> str:
        """The first condition as the last part of `... || condition`."""
        loose = any(tree.kind == "ternary" or tree.value == "??" for tree in self.conditions[:1])
        return f"({self.condition})" if loose else self.condition

    @property
    def windows(self) -> list[float]:
        """Windows of the query in seconds."""
        return ranges(self.query) if self.query is not None else []

    def calls(self, *names: str) -> bool:
        """Say whether a condition calls one of these functions."""
        return any(node.value in names for tree in self.conditions for node in nodes(tree) if node.kind == "call")

    def indexes(self) -> Iterator[Node]:
        """Yield the indexes into the result."""
        for tree in self.conditions:
            yield from (node for node in nodes(tree) if node.kind == "index" and node.parts[0].kind == "result")

    def divides(self) -> bool:
        """Say whether the query divides."""
        return self.query is not None and any(
            isinstance(node, pq.BinaryExpr) and str(node.op) == "/" for node in parts(self.query)
        )


def refusals(gate: Gate) -> Iterator[tuple[str, RefusalError]]:
    """Yield key and refusal of each condition and construct of the query that cannot be replayed.

    What depends on bindings (metrics, labels, what a quantile is of) is left to the replay.
    """
    for key, text in (("successCondition", gate.success), ("failureCondition", gate.failure)):
        try:
            compiled(text)
        except RefusalError as error:
            yield key, error
    try:
        tree = parse(gate.query) if gate.query else None
    except RefusalError as error:
        yield "query", error
        return
    for found in unsupported(gate.query, tree, load(None)) if tree is not None else ():
        if found.code.startswith("E-PROMQL") and found.code != "E-PROMQL-HISTOGRAM":
            yield "query", found


def is_single(tree: Any) -> bool:
    """Say whether a query gives one series at most, whatever the labels."""
    if isinstance(tree, pq.ParenExpr | pq.UnaryExpr):
        return is_single(tree.expr)
    if isinstance(tree, pq.AggregateExpr):
        modifier = tree.modifier
        return modifier is None or (modifier.type == pq.AggModifierType.By and not set(modifier.labels) - {"le"})
    if isinstance(tree, pq.BinaryExpr):
        return is_single(tree.lhs) and is_single(tree.rhs)
    return _single_call(tree) if isinstance(tree, pq.Call) else isinstance(tree, pq.NumberLiteral)


def _single_call(tree: pq.Call) -> bool:
    if tree.func.name in ("vector", "absent"):
        return True
    return not _over_range(tree) and is_single(
        tree.args[-1] if tree.func.name == "histogram_quantile" else tree.args[0]
    )


def _over_range(tree: pq.Call) -> bool:
    return any(isinstance(item, pq.MatrixSelector) for item in tree.args)


def never_empty(tree: Any) -> bool:
    """Say whether a query always has a value: a number, `vector(n)`, or `... or vector(n)`."""
    if isinstance(tree, pq.ParenExpr | pq.UnaryExpr):
        return never_empty(tree.expr)
    if isinstance(tree, pq.BinaryExpr):
        if str(tree.op) == "or":
            return never_empty(tree.lhs) or never_empty(tree.rhs)
        return str(tree.op) in "+-*/" and never_empty(tree.lhs) and never_empty(tree.rhs)
    if isinstance(tree, pq.Call):
        return tree.func.name == "vector" or (
            tree.func.name in ("abs", "clamp_min", "clamp_max") and never_empty(tree.args[0])
        )
    return isinstance(tree, pq.NumberLiteral)


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def limits(tree: Node) -> list[tuple[str, float]]:
    """Return the comparisons of a result with a number in a condition, as (sign, number) with the result on the left."""
    found: list[tuple[str, float]] = []
    for node in nodes(tree):
        if node.kind != "binary" or node.value not in (*_TURNED, "==", "!="):
            continue
        left, right = node.parts
        if _is_number(right) and not _is_number(left):
            found.append((str(node.value), float(right.value)))
        elif _is_number(left) and not _is_number(right):
            found.append((_TURNED.get(str(node.value), str(node.value)), float(left.value)))
    return found


def _is_number(node: Node) -> bool:
    return node.kind == "literal" and isinstance(node.value, int | float) and not isinstance(node.value, bool)
