"""L14: count() counts series, not events, and the series of a counter lives as long as its pod."""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as pq

from forensics.replay.lint.subject import Issue, Subject
from forensics.replay.promql.syntax import parts

RULE = "L14"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where count() stands over a plain selector of a counter."""
    for node in parts(subject.query) if subject.query is not None else []:
        if (
            isinstance(node, pq.AggregateExpr)
            and str(node.op) == "count"
            and isinstance(node.expr, pq.VectorSelector)
            and (node.expr.name or "").endswith("_total")
        ):
            yield Issue(
                RULE, "warning", "query", f"count({node.expr.name}) counts series, not events: one event keeps failing as long as its pod lives",
                "a counter's series stays after its first event", f"sum(increase({node.expr.name}{{...}}[5m])), and know that a first event is no increase",
            )  # fmt: skip
            return
