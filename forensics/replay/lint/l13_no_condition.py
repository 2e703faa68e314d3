"""L13: a metric without a condition always succeeds."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L13"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where nothing is asked of the result."""
    gate = subject.gate
    if gate.refusal or gate.success or gate.failure or gate.compare or gate.low is not None or gate.high is not None:
        return
    yield Issue(
        RULE, "error", "", "the metric has no condition: every measurement succeeds", "EvaluateResult: no condition is Successful",
        "successCondition: result[0] < 0.05",
    )  # fmt: skip
