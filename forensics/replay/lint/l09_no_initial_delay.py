"""L9: before the window is full its rate speaks of the time before the canary, or of nothing."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L9"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where the first measurement comes before the longest window has passed."""
    longest = max(subject.windows, default=0.0)
    if subject.policy.engine == "flagger" or longest <= subject.gate.initial_delay:
        return
    yield Issue(
        RULE, "info", "initialDelay", f"the first measurement comes after {subject.gate.initial_delay:g} s, and its window is {longest:g} s",
        "a window that is not full has few events, or none: NaN or an empty vector", f"initialDelay: {longest:g}s",
    )  # fmt: skip
