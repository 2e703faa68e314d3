"""L2: failureLimit N tolerates N failures; the run ends with the one after."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L2"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where some failures are tolerated."""
    limit, interval = subject.gate.failure_limit, subject.gate.interval
    if not subject.is_argo or limit < 1:
        return
    after = f", {limit * interval:g} s after the first" if interval else ""
    yield Issue(
        RULE, "warning", "failureLimit", f"failureLimit: {limit} is not immediate: failure number {limit + 1} ends the run{after}",
        "a metric fails on failed > failureLimit, not on >=", "failureLimit: 0   # immediate",
    )  # fmt: skip
