"""L10: rate needs two samples, and a window of two scrape intervals often holds one."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject

RULE = "L10"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue for the shortest window where it is at most two scrape intervals."""
    shortest = min(subject.windows, default=None)
    if shortest is None or shortest > 2 * subject.scrape:
        return
    yield Issue(
        RULE, "error", "query", f"a window of {shortest:g} s at a scrape interval of {subject.scrape:g} s holds one sample or two: rate is often absent",
        "rate() needs two samples in (t - w, t]", f"a window of at least {4 * subject.scrape:g} s",
    )  # fmt: skip
