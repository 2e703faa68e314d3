"""L1: an analysis in a step that has an interval and no count never ends, so Argo rejects the Rollout."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L1"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue for a step (error), and for a template that a step may use (warning)."""
    gate = subject.gate
    if not subject.is_argo or gate.interval is None or gate.count:
        return
    reason = (
        'validation_references.go: "runs indefinitely. Invalid value for count"; in the background it may run for ever'
    )
    fix = "count: 30   # measurements, so that the step ends"
    if subject.run.is_inline:
        yield Issue(
            RULE,
            "error",
            "interval",
            "the Rollout is rejected: an analysis in a step has an interval and no count",
            reason,
            fix,
        )
    elif subject.policy.kind != "Rollout":
        message = "as a step of a Rollout this is rejected: interval without count; it can only run in the background"
        yield Issue(RULE, "warning", "interval", message, reason, fix)
