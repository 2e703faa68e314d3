"""L7: an allow list by regular expression that ends in .* is open: allowed.evil.example matches `allowed.*`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser as pq

from forensics.replay.lint.subject import Issue, Subject
from forensics.replay.promql.syntax import selectors
from forensics.text import safe_text

RULE = "L7"


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue for each negated expression of which an alternative ends openly."""
    for selector in selectors(subject.query) if subject.query is not None else []:
        for matcher in selector.matchers.matchers:
            if matcher.op != pq.MatchOp.NotRe:
                continue
            opened = [
                part
                for part in matcher.value.split("|")
                if re.search(r"\w", part) and re.search(r"\.[*+]\)*\$?$", part)
            ]
            if opened:
                yield _issue(matcher.name, opened[0])


def _issue(label: str, part: str) -> Issue:
    passes = re.sub(r"\.[*+]\)*\$?$", "", part) + ".evil.example"
    return Issue(
        RULE, "error", "query", safe_text(f'{label}!~"{part}" lets {passes} pass: the expression is anchored, and open at its end', 300),
        "Prometheus anchors at both ends, and .* takes any rest", f'{label}!~"allowed-a\\\\.example|allowed-b\\\\.example"   # whole names, dots escaped',
    )  # fmt: skip
