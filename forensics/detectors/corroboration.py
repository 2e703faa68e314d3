"""A new destination is of high severity only where something else speaks against it too."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from forensics.detectors.incidents import shared_addresses, story_keys
from forensics.findings import Finding, Modifier, level, moved
from forensics.text import listing

_NEW = "outbound.new_destination"
# What a new destination brings along by itself corroborates nothing.
_FACETS = frozenset({_NEW, "outbound.outside_allow_list", "outbound.new_dns_name", "outbound.resolved_not_contacted"})
_ALONE = (
    "nothing else speaks against it: no timer, no unusual volume, no other indicator, and no component that changed"
)


def with_corroboration(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings; new destinations name what corroborates them, and those without are below high."""
    shared = shared_addresses(findings)
    speaking: dict[str, dict[str, str]] = {}
    for item in findings:
        if item.family == "outbound" and item.detector not in _FACETS and _counts(item):
            for key in story_keys(item, shared):
                speaking.setdefault(key, {})[item.detector] = item.title
    return [_judged(item, speaking, shared) if item.detector == _NEW and _counts(item) else item for item in findings]


def _counts(item: Finding) -> bool:
    return item.status == "active" and item.novelty != "pre_existing"


def _judged(item: Finding, speaking: dict[str, dict[str, str]], shared: frozenset[str]) -> Finding:
    titles = {detector: title for key in story_keys(item, shared) for detector, title in speaking.get(key, {}).items()}
    reasons = [title[:1].lower() + title[1:] for _, title in sorted(titles.items())]
    if item.changed_components:
        reasons.append(f"new in this release: {listing(item.changed_components, 3)}")
    if reasons:
        return _moved(item, Modifier("corroborated", 0, "; ".join(reasons)))
    return _moved(item, Modifier("uncorroborated", -1, _ALONE)) if level(item.severity) >= level("high") else item


def _moved(item: Finding, modifier: Modifier) -> Finding:
    return msgspec.structs.replace(
        item, severity=moved(item.severity, modifier.change), modifiers=[*item.modifiers, modifier]
    )
