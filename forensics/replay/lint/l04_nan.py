"""L4: no traffic is 0 / 0, which compares false: with a success condition alone that is a failure, with a failure condition alone a success."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L4"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where a ratio has one condition that does not ask for NaN."""
    gate = subject.gate
    if (
        not subject.is_argo
        or not subject.divides()
        or bool(gate.success) == bool(gate.failure)
        or subject.calls("isNaN")
    ):
        return
    outcome = "a failure: a quiet canary is aborted" if gate.success else "a success: a canary without traffic passes"
    yield Issue(
        RULE, "warning", subject.condition_key, f"without traffic the query is NaN, and NaN is {outcome}", "every comparison with NaN is false (IEEE 754)",
        f"{subject.condition_key}: isNaN(result[0]) || {subject.condition}" if gate.success else "add a successCondition: NaN is then Inconclusive, and the rollout pauses",
    )  # fmt: skip
