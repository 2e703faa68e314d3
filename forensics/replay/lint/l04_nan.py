"""L4: no traffic is 0 / 0, which compares false: with a success condition alone that is a failure, with a failure condition alone a success."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L4"
_EMPTY = "len(result) == 0 || "


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where a ratio has one condition that does not ask for NaN."""
    gate = subject.gate
    if (
        not subject.is_argo
        or not subject.divides()
        or bool(gate.success) == bool(gate.failure)
        or not subject.conditions
        or subject.calls("isNaN")
    ):
        return
    outcome = "a failure: a quiet canary is aborted" if gate.success else "a success: a canary without traffic passes"
    yield Issue(
        RULE, "warning", subject.condition_key, f"without traffic the query is NaN, and NaN is {outcome}", "every comparison with NaN is false (IEEE 754)",
        f"{subject.condition_key}: {_guarded(subject)}" if gate.success else "add a successCondition: NaN is then Inconclusive, and the rollout pauses",
    )  # fmt: skip


def _guarded(subject: Subject) -> str:
    """Return the condition with a guard for NaN, behind one for an empty vector: what it says of one itself stays as it is."""
    if subject.calls("len") and not subject.condition.startswith(_EMPTY):
        return f"len(result) > 0 && isNaN(result[0]) || {subject.fallback}"
    return f"{_EMPTY}isNaN(result[0]) || {subject.fallback.removeprefix(_EMPTY)}"
