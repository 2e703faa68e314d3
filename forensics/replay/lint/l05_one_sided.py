"""L5: a gate on refusals that knows an upper limit only cannot see a bypass, which refuses less."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.replay.lint.subject import Issue, Subject, limits

RULE = "L5"
_ABOUT = re.compile(r"(?i)auth|401|403|denied|deny|forbid|unauthori[sz]ed|login|refus")


def check(subject: Subject) -> Iterator[Issue]:
    """Yield an issue where a gate about access bounds its rate on one side."""
    gate = subject.gate
    if subject.policy.engine == "flagger":
        signs = {sign for sign, value in (("<", gate.high), (">", gate.low)) if value is not None}
    else:
        signs = {sign[0] for tree in subject.conditions for sign, _ in limits(tree) if sign[0] in "<>"}
    if gate.compare or len(signs) != 1 or not _ABOUT.search(f"{gate.name} {gate.query} {gate.sql}"):
        return
    key = "thresholdRange" if subject.policy.engine == "flagger" else subject.condition_key
    yield Issue(
        RULE, "warning", key, "this gate bounds refusals on one side: an auth bypass refuses less and passes",
        "a canary that lets everybody in has a rate of 0, which is inside of the limit",
        f'compare with the baseline, two-sided: compare = {{ alpha = 0.001, direction = "two_sided" }} in a policy of our own; or {subject.condition} && result[0] > 0.001',
    )  # fmt: skip
