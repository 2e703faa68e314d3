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
# What a destination is used for, which a baseline that uses another port of it does not explain.
_BEHAVIOUR = frozenset(
    f"outbound.{name}"
    for name in (
        "address_echo", "beacon", "dns_payload", "download_volume", "drop_service", "encrypted_dns", "long_connection", "many_names_one_address", "miner",
        "producer_ratio", "scheduled_contact", "subdomain_explosion", "tor", "tor_style_certificate", "upload_total", "upload_volume",
    )
)  # fmt: skip
_ALONE = (
    "nothing else speaks against it: no timer, no unusual volume, no other indicator, and no component that changed"
)


def with_corroboration(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings; new destinations name what corroborates them, and those without are below high.

    That the baseline uses a destination on another port lowers nothing where the new port has a behaviour of its own.
    """
    behaving = {_port(item) for item in findings if item.detector in _BEHAVIOUR and _counts(item)}
    findings = [_unexcused(item) if item.detector == _NEW and behaving & _ports(item) else item for item in findings]
    shared = shared_addresses(findings)
    speaking: dict[str, dict[str, str]] = {}
    for item in findings:
        if item.family == "outbound" and item.detector not in _FACETS and _counts(item):
            for key in story_keys(item, shared):
                speaking.setdefault(key, {})[item.detector] = item.title
    return [_judged(item, speaking, shared) if item.detector == _NEW and _counts(item) else item for item in findings]


def _counts(item: Finding) -> bool:
    return item.status == "active" and item.novelty != "pre_existing"


def _port(item: Finding) -> tuple[str, str]:
    return str(item.entity.get("destination")), str(item.entity.get("destination_port", ""))


def _ports(item: Finding) -> set[tuple[str, str]]:
    """Name what findings of this destination are about: the name with the port, or name and address without one."""
    names = item.entity.get("destination"), item.details.get("destination_address")
    return {_port(item)} | {(str(name), "") for name in names if name}


def _unexcused(item: Finding) -> Finding:
    """Take back what `known_destination` lowered, and say so."""
    lowered = sum(modifier.change for modifier in item.modifiers if modifier.name == "known_destination")
    kept = [
        Modifier(modifier.name, 0, f"{modifier.reason}, which does not explain what is done on this one")
        if modifier.name == "known_destination"
        else modifier
        for modifier in item.modifiers
    ]
    return msgspec.structs.replace(item, severity=moved(item.severity, -lowered), modifiers=kept)


def _judged(item: Finding, speaking: dict[str, dict[str, str]], shared: frozenset[str]) -> Finding:
    """Judge a new destination: what shares only a burst says nothing of it, and that its address has no name is part of its being new."""
    keys = {key for key in story_keys(item, shared) if not key.startswith("burst ")}
    titles = {detector: title for key in keys for detector, title in speaking.get(key, {}).items()}
    if item.details.get("named_by") == "none":
        titles.pop("outbound.direct_to_ip", None)
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
