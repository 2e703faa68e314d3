"""L3: result[0] of an empty vector is an error, and five errors end the run after 40 s."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject, never_empty

RULE = "L3"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where the result is indexed, may be empty, and is not asked for its length."""
    if not subject.is_argo or subject.query is None or never_empty(subject.query) or subject.calls("len"):
        return
    if next(subject.indexes(), None) is None:
        return
    limit = subject.gate.consecutive_error_limit
    yield Issue(
        RULE, "error", subject.condition_key,
        f"where the query finds nothing, {subject.condition} is an error: {limit + 1} in a row, 10 s apart, abort a clean rollout after {10 * limit} s",
        "Prometheus answers an empty vector where no series matches, and an index out of range is an error of the measurement",
        f"query: ... or vector(0)   # or: {subject.condition_key}: len(result) == 0 || {subject.fallback}",
    )  # fmt: skip
