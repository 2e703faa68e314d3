"""Findings that are one story become one incident: same destination, same route, same header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from forensics.detectors import components
from forensics.findings import CONFIDENCES, SEVERITIES, Finding, Incident, level
from forensics.text import bytes_text, listing, plural

_MIN_TOKEN = 4
_MOST_PAIRS = (
    200_000  # of a component and a connection whose words are compared; hostile evidence may bring thousands of each
)
_MOST_NAMED = 50  # components named on one connection


def story_keys(finding: Finding) -> set[str]:
    """Return what ties a finding to others: destination name or address (also of what `destinations` lists), route, header, component, advisory, check of the rollout."""
    entity, details = finding.entity, finding.details
    keys = {f"destination {entity[name]}" for name in ("destination",) if entity.get(name)}
    if details.get("destination_address"):
        keys.add(f"destination {details['destination_address']}")
    if finding.family == "outbound":
        keys |= {f"destination {name}" for name in details.get("destinations") or () if name}
    if entity.get("route"):
        keys.add(f"route {entity.get('http_request_method')} {entity['route']}")
    if entity.get("header"):
        keys.add(f"header {entity['header']}")
    if "version_to" in entity:
        keys.add("components with another version")
    elif entity.get("component"):
        keys.add(f"component {entity['component']}")
    if entity.get("vulnerability"):
        keys.add(f"advisory {entity['vulnerability']}")
    if finding.family == "rollout":
        keys.add(f"check {finding.detector}")
    return keys or {f"finding {finding.id}"}


def with_changed_components(findings: list[Finding]) -> list[Finding]:
    """Name, on outbound findings, the components that came with this release: whoever opens a new connection is new code first.

    Components whose name shares a word with the destination come first, then additions; changed versions only where nothing was added.
    An exception names added and changed components only where its type or function shares a word with them.
    """
    added, changed = (
        _active(findings, "supply_chain.component_added"),
        _active(findings, "supply_chain.component_changed"),
    )
    opened = [item for item in findings if item.family == "outbound" and item.novelty != "pre_existing"]
    compared = len(added) * len(opened) <= _MOST_PAIRS
    rest = _named(sorted(added) or changed)
    ranked = {item.id: _named(_ranked(added, changed, item)) if compared else rest for item in opened}
    thrown = [item for item in findings if item.detector == "logs.new_exception"]
    if len(added + changed) * len(thrown) <= _MOST_PAIRS:
        ranked |= {item.id: _named(_alike(added + changed, item)) for item in thrown}
    return [
        msgspec.structs.replace(item, changed_components=ranked[item.id]) if item.id in ranked else item
        for item in findings
    ]


def _active(findings: Iterable[Finding], detector: str) -> list[str]:
    return [_label(item) for item in findings if item.detector == detector and item.status == "active"]


def _ranked(added: list[str], changed: list[str], finding: Finding) -> list[str]:
    return sorted(added, key=lambda label: (not _shares_a_word(label, finding.entity), label)) or changed


def _alike(labels: list[str], finding: Finding) -> list[str]:
    return sorted(label for label in labels if _shares_a_word(label, finding.entity))


def _named(labels: list[str]) -> list[str]:
    """Cut a list that hostile evidence made long, and say so."""
    rest = len(labels) - _MOST_NAMED
    return labels if rest <= 0 else [*labels[:_MOST_NAMED], f"and {rest:,} more"]


def _label(finding: Finding) -> str:
    return str(
        finding.details.get("purl")
        or f"{finding.entity.get('component')} {finding.entity.get('component_version', '')}".strip()
    )


@lru_cache(4096)
def _words(label: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[^a-z0-9]+", label.lower()) if len(word) >= _MIN_TOKEN)


def _shares_a_word(label: str, entity: Mapping[str, Any]) -> bool:
    text = " ".join(str(value) for value in entity.values()).lower()
    return any(word in text for word in _words(label))


def group(findings: Iterable[Finding]) -> list[Incident]:
    """Return incidents of the active findings that are not pre-existing, worst first.

    An added component joins the story of an outbound connection that the baseline does not know: it is the first thing to ask.
    """
    active = [finding for finding in findings if finding.status == "active" and finding.novelty != "pre_existing"]
    groups = _joined(active)
    return sorted(
        (_incident(members) for members in groups), key=lambda item: (-level(item.severity), item.first_seen, item.id)
    )


def _joined(findings: list[Finding]) -> list[list[Finding]]:
    parent = list(range(len(findings)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    owner: dict[str, int] = {}
    outbound = [item for item in findings if item.detector == "outbound.new_destination"]
    compared = len(findings) * len(outbound) <= _MOST_PAIRS
    for index, finding in enumerate(findings):
        for key in sorted(story_keys(finding) | _cause_keys(finding, outbound if compared else outbound[:0])):
            if key in owner:
                parent[root(index)] = root(owner[key])
            else:
                owner[key] = index
    groups: dict[int, list[Finding]] = {}
    for index, finding in enumerate(findings):
        groups.setdefault(root(index), []).append(finding)
    return list(groups.values())


def _cause_keys(finding: Finding, outbound: list[Finding]) -> set[str]:
    """Tie added components to the outbound story, if there is exactly one such story; else only where a name matches."""
    if finding.detector != "supply_chain.component_added":
        return set()
    if len(outbound) != 1:
        outbound = [item for item in outbound if _shares_a_word(_label(finding), item.entity)]
    return {key for item in outbound for key in story_keys(item)}


def _incident(members: list[Finding]) -> Incident:
    ordered = sorted(
        members, key=lambda item: (-level(item.severity), -CONFIDENCES.index(item.confidence), item.detector, item.id)
    )
    lead = ordered[0]
    severity = SEVERITIES[max(level(item.severity) for item in ordered)]
    behaviour = [item for item in ordered if item.family != "supply_chain"] or ordered
    changed = list(dict.fromkeys(label for item in ordered for label in item.changed_components))
    first = min((item.first_seen for item in behaviour if item.first_seen), default="")
    last = max((item.last_seen for item in behaviour if item.last_seen), default="")
    return Incident(
        id="I-" + lead.id.removeprefix("F-"),
        title=_title(lead, ordered),
        severity=severity,
        confidence=CONFIDENCES[
            max(CONFIDENCES.index(item.confidence) for item in ordered if item.severity == severity)
        ],
        summary=_summary(ordered, changed),
        findings=[item.id for item in ordered],
        recommendation=lead.recommendation,
        first_seen=first,
        last_seen=last,
        entities=_entities(ordered),
        changed_components=changed,
    )


def _title(lead: Finding, members: list[Finding]) -> str:
    entity = lead.entity
    if "destination" in entity:
        return f"{lead.title}: {_place(entity)}"
    if "route" in entity:
        return f"{lead.title}: {entity.get('http_request_method') or ''} {entity['route']}".replace("  ", " ")
    if "component" in entity:
        alike = [item for item in members if item.detector == lead.detector and "component" in item.entity]
        return f"{lead.title}: {components.title(alike)}"
    others = sorted(", ".join(map(str, item.entity.values())) for item in members[1:] if item.detector == lead.detector)
    return f"{lead.title}: {listing([', '.join(map(str, entity.values())), *others], 4)}"


def _place(entity: Mapping[str, Any]) -> str:
    """Return `name:port`, or the name of what has no port, such as a name that was asked for."""
    return (
        f"{entity['destination']}:{entity['destination_port']}"
        if "destination_port" in entity
        else str(entity["destination"])
    )


def _entities(members: list[Finding]) -> list[str]:
    """Name what the story is about, once each: destinations, routes, pods, headers, components, advisories."""
    seen: dict[str, None] = {}
    for item in members:
        entity, details = item.entity, item.details
        if "destination" in entity:
            seen[_place(entity)] = None
        if details.get("destination_address") and details["destination_address"] != entity.get("destination"):
            seen[str(details["destination_address"])] = None
        if "route" in entity:
            seen[f"{entity.get('http_request_method') or ''} {entity['route']}".strip()] = None
        for key in ("header", "component", "vulnerability"):
            if key in entity:
                seen[str(entity[key])] = None
        if details.get("pod"):
            seen[f"pod {details['pod']}"] = None
    return list(seen)


def _summary(members: list[Finding], changed: list[str]) -> str:
    """One paragraph: what, where, when, how much, with what change."""
    lead = members[0]
    if all(item.family == "supply_chain" for item in members):
        return components.summary(members)
    parts = [_counts(lead)]
    bytes_up = max((item.details["bytes_up"] for item in members if item.details.get("bytes_up")), default=None)
    if bytes_up:
        parts.append(f"{bytes_text(bytes_up)} ({bytes_up:,} bytes) were uploaded")
    pods = sorted({str(item.details["pod"]) for item in members if item.details.get("pod")})
    if pods:
        parts.append(f"from {listing(pods)}")
    if lead.first_seen:
        first, last = _minute(lead.first_seen), _minute(lead.last_seen)
        parts.append(f"first {first}, last {last}" if first != last else f"at {first}")
    others = list(dict.fromkeys(item.title for item in members[1:] if item.title != lead.title))
    text = ", ".join(parts) + "."
    if others:
        text += " Also: " + "; ".join(title[:1].lower() + title[1:] for title in others) + "."
    advisories = [item for item in members if "vulnerability" in item.entity]
    if advisories:
        text += f" Advisories: {components.summary(advisories)}"
    if changed:
        text += f" New in this release: {listing(changed)}."
    return text


def _counts(lead: Finding) -> str:
    """Tell both sides; what is no share has no total, and what is about the rollout itself has no other side."""
    canary = plural(lead.canary.n, lead.unit) + (f" of {lead.canary.total:,}" if lead.canary.total else "")
    if not lead.baseline.total and not lead.baseline.n:
        return canary
    baseline = f"{lead.baseline.n:,}" + (f" of {lead.baseline.total:,}" if lead.baseline.total else "")
    return f"{canary} on the canary, {baseline} on the baseline"


def _minute(stamp: str) -> str:
    return stamp[:19].replace("T", " ") + " UTC"
