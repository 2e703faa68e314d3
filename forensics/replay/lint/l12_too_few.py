"""L12: with few events chance alone fails a healthy canary; told with the traffic of a case."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.chance import false_aborts
from forensics.replay.lint.subject import Issue, Subject, limits

RULE = "L12"
TOLERATED = 0.05


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where more than 5 % of two-hour windows of a canary that fails like the baseline would be aborted."""
    traffic, gate = subject.traffic, subject.gate
    if traffic is None or not subject.divides() or not gate.interval or not gate.success or not subject.conditions:
        return
    upper = [number for sign, number in limits(subject.conditions[0]) if sign in ("<", "<=")]
    if not upper:
        return
    share = false_aborts(
        traffic.per_minute,
        traffic.baseline_rate,
        upper[0],
        max(subject.windows, default=60.0),
        gate.interval,
        gate.failure_limit,
    )
    if share <= TOLERATED:
        return
    evidence = (
        f"{traffic.per_minute:.3g} events a minute, and the baseline counts {traffic.baseline_rate:.2%} of {traffic.baseline_n:,}: "
        f"this gate would abort a healthy rollout in {share:.0%} of two-hour windows"
    )
    yield Issue(
        RULE, "error", subject.condition_key, f"too few events for this limit: a canary as healthy as the baseline is aborted in {share:.0%} of two-hour windows",
        "rates of few events jump: chance alone crosses the limit", "a longer window, min_samples, or a comparison by an exact test in a policy of our own", evidence,
    )  # fmt: skip
