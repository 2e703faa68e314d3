"""L11: errors are tried again after 10 s, so a metric store that is away for a minute aborts the rollout."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.engines.argo import ERROR_RETRY
from forensics.replay.lint.subject import Issue, Subject

RULE = "L11"
HICCUP = 60.0  # seconds: a restart of Prometheus


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where errors of less than a minute end the run."""
    limit = subject.gate.consecutive_error_limit
    if not subject.is_argo or limit < 0 or limit * ERROR_RETRY >= HICCUP:
        return
    yield Issue(
        RULE, "info", "consecutiveErrorLimit", f"a metric store that is away for {limit * ERROR_RETRY:g} s aborts the rollout: {limit + 1} errors, 10 s apart",
        "an error is tried again after 10 s, whatever the interval", "consecutiveErrorLimit: 30   # five minutes",
    )  # fmt: skip
