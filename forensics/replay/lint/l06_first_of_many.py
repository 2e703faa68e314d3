"""L6: result[0] looks at one series of several, in no order that is promised."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject, is_single

RULE = "L6"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where one series is taken of a query that may have several."""
    if subject.query is None or is_single(subject.query) or next(subject.indexes(), None) is None:
        return
    yield Issue(
        RULE, "error", subject.condition_key, "the query has a series for each pod and label set, and result[0] looks at one of them",
        "rate(a) / rate(b) without sum() keeps the labels, and Prometheus promises no order",
        "query: sum(rate(a[5m])) / sum(rate(b[5m]))   # or: all(result, # < 0.05)",
    )  # fmt: skip
