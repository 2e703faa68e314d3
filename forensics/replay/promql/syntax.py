"""PromQL: the tree of `promql_parser`, and what of it is outside the subset, each with its code and column (docs/replay.md lists both)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import promql_parser as pq

from forensics.replay.promql.bindings import Bindings, Metric
from forensics.replay.refusal import RefusalError

MAX_CHARACTERS = 10_000
MAX_NESTING = 60
OVER_RANGE = ("rate", "increase", "irate", "count_over_time")
FUNCTIONS = (*OVER_RANGE, "absent", "abs", "clamp_min", "clamp_max", "vector", "histogram_quantile")
AGGREGATES = ("sum", "count", "min", "max", "avg")
ARITHMETIC = ("+", "-", "*", "/")
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
_HINTS = {
    "label_replace": "bind the label as it should be",
    "label_join": "bind the label as it should be",
    "topk": "use max()",
    "bottomk": "use min()",
    "delta": "bind a counter and use increase()",
    "deriv": "compare two rates",
}


def parse(text: str) -> pq.Expr:
    """Return the tree of a query.

    Raises:
        RefusalError: E-PROMQL-SYNTAX.

    """
    deep = max(text.count(sign) for sign in "([{")
    if len(text) > MAX_CHARACTERS or deep > MAX_NESTING:
        raise RefusalError("E-PROMQL-SYNTAX", "the query is too long or nested too deeply", column=1)
    try:
        tree: pq.Expr = pq.parse(text)
    except (ValueError, RecursionError) as error:
        unknown = re.search(r"unknown function with name '([^']*)'", str(error))
        if unknown:
            raise _refused(
                text, ("E-PROMQL-FUNCTION", f"{unknown[1]}() is not supported", unknown[1], _HINTS.get(unknown[1], ""))
            ) from error
        told = str(error)[:200]
        column = _column_told(text, told)
        raise RefusalError("E-PROMQL-SYNTAX", f"the query cannot be parsed: {told}", column=column) from error
    if isinstance(tree, pq.MatrixSelector | pq.StringLiteral):
        raise RefusalError("E-PROMQL-UNSUPPORTED", "a condition needs a number or an instant vector", column=1)
    return tree


def _column_told(text: str, told: str) -> int:
    """Return the column of what the parser names (`...: 5q`, quoted or not), else that of the query: it tells no places."""
    named = told.rpartition(": ")[2].strip("'\"") if ": " in told else ""
    return max(text.find(named), 0) + 1 if named else 1


def refuse_unsupported(text: str, tree: Any, bindings: Bindings) -> None:
    """Refuse what the subset does not have.

    Raises:
        RefusalError: E-PROMQL-* for a construct, E-BIND-MISSING for a metric, E-LABEL-MISSING for a label.

    """
    for refusal in unsupported(text, tree, bindings):
        raise refusal


def unsupported(text: str, tree: Any, bindings: Bindings) -> Iterator[RefusalError]:
    """Yield all that `refuse_unsupported` would refuse."""
    for node in parts(tree):
        problem = _problem(node, bindings)
        if problem:
            yield _refused(text, problem)


def _refused(text: str, problem: tuple[str, str, str, str]) -> RefusalError:
    code, what, token, hint = problem
    return RefusalError(code, what, hint=hint, column=column_of(text, token))


def parts(tree: Any) -> Iterator[Any]:
    """Yield every expression of a tree, from the top."""
    waiting = [tree]
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting[:0] = _children(node)


def _children(node: Any) -> list[Any]:
    if isinstance(node, pq.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, pq.AggregateExpr):
        return [node.expr, *([node.param] if node.param is not None else [])]
    if isinstance(node, pq.Call):
        return list(node.args)
    if isinstance(node, pq.MatrixSelector):
        return [node.vector_selector]
    return [node.expr] if isinstance(node, pq.ParenExpr | pq.UnaryExpr | pq.SubqueryExpr) else []


def selectors(tree: Any) -> list[Any]:
    """Return the vector selectors, from left to right."""
    return [node for node in parts(tree) if isinstance(node, pq.VectorSelector)]


def ranges(tree: Any) -> list[float]:
    """Return the windows of a query in seconds, from left to right."""
    return [seconds_of(node.range) for node in parts(tree) if isinstance(node, pq.MatrixSelector)]


def seconds_of(span: timedelta | None) -> float:
    """Return a span in seconds, 0 for none."""
    return span.total_seconds() if span else 0.0


_Problem = tuple[str, str, str, str]


def _problem(node: Any, bindings: Bindings) -> _Problem | None:
    if isinstance(node, pq.SubqueryExpr):
        return "E-PROMQL-SUBQUERY", "subqueries are not supported", ":", "use a window"
    if isinstance(node, pq.StringLiteral):
        return "E-PROMQL-UNSUPPORTED", "texts are not supported", '"', ""
    if isinstance(node, pq.VectorSelector):
        return _selector_problem(node, bindings)
    if isinstance(node, pq.Call):
        return _call_problem(node, bindings)
    if isinstance(node, pq.AggregateExpr):
        return _aggregate_problem(node, bindings)
    return _binary_problem(node, bindings) if isinstance(node, pq.BinaryExpr) else None


def _aggregate_problem(node: pq.AggregateExpr, bindings: Bindings) -> _Problem | None:
    name = str(node.op)
    if name not in AGGREGATES:
        hint = _HINTS.get(name, f"supported are {', '.join(AGGREGATES)}")
        return "E-PROMQL-AGGREGATE", f"{name}() is not supported", name, hint
    return _grouping_problem(node, node.modifier.labels if node.modifier else (), bindings)


def _grouping_problem(node: Any, labels: Iterable[str], bindings: Bindings) -> _Problem | None:
    """Return what is wrong with labels that group or match series: each metric below has to have them."""
    bound = [(item.name or "", bindings.metric.get(item.name or "")) for item in selectors(node)]
    return next(
        (
            _unbound(label, name)
            for label in labels
            for name, metric in bound
            if metric is not None and not _has_label(metric, label)
        ),
        None,
    )


def _has_label(metric: Metric, label: str) -> bool:
    """Say whether a metric has a label: those of its binding, the pod that exports it, and `le` where values take the place of buckets."""
    return (
        label in metric.labels
        or (label == "pod" and bool(metric.instance))
        or (label == "le" and metric.kind == "latency")
    )


def _unbound(label: str, name: str) -> _Problem:
    hint = f"add {label} to the labels of {name} in the binding file, or leave it out of the query"
    return "E-LABEL-MISSING", f"the label {label} of {name} is not bound", label, hint


def _selector_problem(node: pq.VectorSelector, bindings: Bindings) -> _Problem | None:
    name = node.name or ""
    checks: tuple[tuple[bool, str, str, str, str], ...] = (
        (node.at is not None, "E-PROMQL-AT", "the @ modifier is not supported", "@", ""),
        (seconds_of(node.offset) < 0, "E-PROMQL-OFFSET", "an offset into the future is not supported", "offset", ""),
        (
            bool(node.matchers.or_matchers),
            "E-PROMQL-UNSUPPORTED",
            "`or` between matchers is not supported",
            " or ",
            "use a regular expression",
        ),
        (
            not name,
            "E-PROMQL-UNSUPPORTED",
            "a selector without the name of a metric is not supported",
            "{",
            "write the name before the braces",
        ),
        (
            name not in bindings.metric,
            "E-BIND-MISSING",
            f"the metric {name} is bound to no table",
            name,
            "add a [[metric]] of this name to the binding file",
        ),
    )
    problem = next((check[1:] for check in checks if check[0]), None)
    return problem or _label_problem(name, node, bindings)


def _label_problem(name: str, node: pq.VectorSelector, bindings: Bindings) -> _Problem | None:
    metric = bindings.metric[name]
    for matcher in node.matchers.matchers:
        if matcher.name == "le" or not _has_label(metric, matcher.name):
            return _unbound(matcher.name, name)
    return None


def _call_problem(node: pq.Call, bindings: Bindings) -> _Problem | None:
    name = node.func.name
    if name not in FUNCTIONS:
        return (
            "E-PROMQL-FUNCTION",
            f"{name}() is not supported",
            name,
            _HINTS.get(name, f"supported are {', '.join(FUNCTIONS)}"),
        )
    if name == "histogram_quantile":
        extra = [
            label
            for item in parts(node.args[1])
            if isinstance(item, pq.AggregateExpr) and item.modifier
            for label in item.modifier.labels
            if label != "le"
        ]
        if extra or str(getattr(node.args[1], "op", "sum")) != "sum":
            return (
                "E-PROMQL-HISTOGRAM",
                "histogram_quantile is read as one quantile over all series: sum by (le) only",
                name,
                "",
            )
        inner = [bindings.metric.get(item.name or "") for item in selectors(node.args[1])]
        if len(inner) != 1 or (inner[0] is not None and inner[0].kind != "latency"):
            return (
                "E-PROMQL-HISTOGRAM",
                "histogram_quantile needs one metric that is bound to raw values (kind latency)",
                name,
                "",
            )
        if not isinstance(node.args[0], pq.NumberLiteral):
            return "E-PROMQL-HISTOGRAM", "the quantile is a number", name, ""
    return None


def _binary_problem(node: pq.BinaryExpr, bindings: Bindings) -> _Problem | None:
    sign = str(node.op)
    if sign not in (*ARITHMETIC, *COMPARISONS, "or"):
        return "E-PROMQL-OPERATOR", f"the operator {sign} is not supported", sign, ""
    modifier = node.modifier
    if modifier is None:
        return None
    if modifier.card in (pq.VectorMatchCardinality.ManyToOne, pq.VectorMatchCardinality.OneToMany):
        return (
            "E-PROMQL-GROUP",
            "group_left and group_right are not supported",
            "group_",
            "aggregate both sides to the same labels",
        )
    matching = modifier.matching
    if matching is not None and matching.type != pq.LabelModifierType.Include:
        return "E-PROMQL-IGNORING", "ignoring() is not supported", "ignoring", "use on(), or aggregate both sides"
    return _grouping_problem(node, matching.labels if matching else (), bindings)


def column_of(text: str, construct: str) -> int:
    """Return the 1-based column of a construct: the tree has no places, so its first word is looked for."""
    if construct == ":":  # of a subquery; names may hold colons too
        inside = re.search(r"\[[^\]]*?(:)", text)
        return inside.start(1) + 1 if inside else 1
    after = "" if construct.endswith("_") or not construct[-1].isalnum() else r"(?![\w:])"
    word = rf"(?<![\w:]){re.escape(construct)}{after}" if re.match(r"\w", construct) else re.escape(construct)
    found = re.search(word, text)
    return found.start() + 1 if found else 1
