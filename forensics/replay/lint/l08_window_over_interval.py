"""L8: one bad minute stays in as many windows as the window has intervals, and fails each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L8"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where one blip makes more failures than are tolerated although some are."""
    gate, longest = subject.gate, max(subject.windows, default=0.0)
    limit = subject.policy.threshold - 1 if subject.policy.engine == "flagger" else gate.failure_limit
    limit = limit if gate.consecutive_failure_limit is None else gate.consecutive_failure_limit
    if not gate.interval or longest <= gate.interval or limit < 1:
        return
    limit_key = "threshold" if subject.policy.engine == "flagger" else "failureLimit"
    times = math.ceil(longest / gate.interval)
    if times > limit:
        yield Issue(
            RULE, "warning", "interval", f"one blip stays in {times} windows of {longest:g} s at ticks of {gate.interval:g} s: {times} failures, {limit} are tolerated",
            "windows overlap, so failures come in runs", f"interval: {longest:g}s, or {limit_key}: {times + (limit_key == 'threshold')}, or limit failures in a row in a policy of our own",
        )  # fmt: skip
