"""Findings that are one story become one incident: same destination, same route, same header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from forensics.detectors import components
from forensics.findings import CONFIDENCES, SEVERITIES, Finding, Incident, level
from forensics.text import bytes_text, listing, plural
from forensics.views.domains import domain_of

_MIN_TOKEN = 4
_MOST_PAIRS = (
    200_000  # of a component and a connection whose words are compared; hostile evidence may bring thousands of each
)
_MOST_TOLD = 10  # destinations in the summary; all are among the entities
_GATHERS = "outbound.many_names_one_address"
_MOST_NAMED = 50  # components named on one connection


def story_keys(finding: Finding, shared: frozenset[str] = frozenset()) -> set[str]:
    """Return what ties a finding to others: destination, route, header, component, advisory, check of the rollout.

    Addresses in `shared` tie nothing (`shared_addresses`).
    """
    entity = finding.entity
    keys = _destination_keys(finding, shared)
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


def _destination_keys(finding: Finding, shared: frozenset[str]) -> set[str]:
    """Name or address, address of the name, what `destinations` lists; of questions also the registered domain and the burst they are part of."""
    entity, details = finding.entity, finding.details
    names = [entity.get("destination")]
    if str(details.get("destination_address")) not in shared:
        names.append(details.get("destination_address"))
    if finding.family == "outbound":
        names += details.get("destinations") or ()
    if "destination_port" not in entity:
        names.append(details.get("registered_domain"))
    keys = {f"destination {name}" for name in names if name}
    return keys | {f"burst {details['burst']}"} if details.get("burst") else keys


def shared_addresses(findings: Iterable[Finding]) -> frozenset[str]:
    """Return addresses at which findings name more than one registered domain: who is hosted beside another is not of one story with it.

    Not where a finding says that the many names of one address are the story.
    """
    domains: dict[str, set[str]] = {}
    gathered: set[str] = set()
    for item in findings:
        if item.detector == _GATHERS and item.status == "active":
            gathered.add(str(item.entity.get("destination")))
        name, address = (str(item.entity.get("destination") or ""), str(item.details.get("destination_address") or ""))
        if name and address and name != address:
            domains.setdefault(address, set()).add(domain_of(name).registered or name)
    return frozenset(address for address, found in domains.items() if len(found) > 1 and address not in gathered)


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
    findings = list(findings)
    active = [finding for finding in findings if finding.status == "active" and finding.novelty != "pre_existing"]
    groups = _joined(active, shared_addresses(findings))
    return sorted(
        (_incident(members) for members in groups), key=lambda item: (-level(item.severity), item.first_seen, item.id)
    )


def _joined(findings: list[Finding], shared: frozenset[str]) -> list[list[Finding]]:
    parent = list(range(len(findings)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    owner: dict[str, int] = {}
    outbound = [item for item in findings if item.detector == "outbound.new_destination"]
    compared = len(findings) * len(outbound) <= _MOST_PAIRS
    for index, finding in enumerate(findings):
        keys = story_keys(finding, shared) | _cause_keys(finding, outbound if compared else outbound[:0], shared)
        for key in sorted(keys):
            if key in owner:
                parent[root(index)] = root(owner[key])
            else:
                owner[key] = index
    groups: dict[int, list[Finding]] = {}
    for index, finding in enumerate(findings):
        groups.setdefault(root(index), []).append(finding)
    return list(groups.values())


def _cause_keys(finding: Finding, outbound: list[Finding], shared: frozenset[str]) -> set[str]:
    """Tie added components to the outbound story, if there is exactly one such story; else only where a name matches."""
    if finding.detector != "supply_chain.component_added":
        return set()
    if len(outbound) != 1:
        outbound = [item for item in outbound if _shares_a_word(_label(finding), item.entity)]
    return {key for item in outbound for key in story_keys(item, shared)}


def _ordered(members: list[Finding]) -> list[Finding]:
    """Worst first; of equals what was contacted before what was asked for, then the destination that most findings speak of."""
    speaking = Counter(_place(item.entity) for item in members if "destination" in item.entity)

    def rank(item: Finding) -> tuple[int, int, bool, int, str, str]:
        spoken = speaking[_place(item.entity)] if "destination" in item.entity else 0
        is_asked = "destination" in item.entity and "destination_port" not in item.entity
        return -level(item.severity), -CONFIDENCES.index(item.confidence), is_asked, -spoken, item.detector, item.id

    return sorted(members, key=rank)


def _incident(members: list[Finding]) -> Incident:
    ordered = _ordered(members)
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
        at = _gathered_at(lead, members)
        told = f" at {listing(at, 3)}" if at else ""
        return f"{lead.title}: {_place(entity)}{_and_more(len(_places(members)) - 1 - len(at))}{told}"
    if "route" in entity:
        return f"{lead.title}: {entity.get('http_request_method') or ''} {entity['route']}".replace("  ", " ")
    if "component" in entity:
        alike = [item for item in members if item.detector == lead.detector and "component" in item.entity]
        return f"{lead.title}: {components.title(alike)}"
    others = sorted(", ".join(map(str, item.entity.values())) for item in members[1:] if item.detector == lead.detector)
    told = f"{lead.title}: {listing([', '.join(map(str, entity.values())), *others], 4)}"
    return f"{told} ({plural(count, 'destination')})" if (count := len(_places(members))) else told


def _gathered_at(lead: Finding, members: list[Finding]) -> list[str]:
    """Return the address of the many names of a story, where its first finding names one of them."""
    return sorted(
        {str(item.entity["destination"]) for item in members if item.detector == _GATHERS}
        - {str(lead.entity["destination"])}
    )


def _places(members: list[Finding]) -> list[str]:
    """Return the destinations of a story, worst first; a name that was asked for is none of its own where it was connected to."""
    connected = {str(item.entity["destination"]) for item in members if "destination_port" in item.entity}
    found = (
        _place(item.entity)
        for item in members
        if "destination" in item.entity
        and ("destination_port" in item.entity or str(item.entity["destination"]) not in connected)
    )
    return list(dict.fromkeys(found))


def _and_more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""


def _place(entity: Mapping[str, Any]) -> str:
    """Return `name:port`, or the name of what has no port, such as a name that was asked for, or whose port is unknown."""
    port = entity.get("destination_port")
    return str(entity["destination"]) if port is None else f"{entity['destination']}:{port}"


def _entities(members: list[Finding]) -> list[str]:
    """Name what the story is about, once each: destinations, routes, pods, headers, components, advisories."""
    seen: dict[str, None] = {}
    for item in members:
        entity, details = item.entity, item.details
        if "destination" in entity:
            seen[_place(entity)] = None
        if details.get("destination_address") and details["destination_address"] != entity.get("destination"):
            seen[str(details["destination_address"])] = None
        if item.family == "outbound":
            seen |= {str(name): None for name in details.get("destinations") or () if name}
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
    parts = [_counts(lead, members)]
    if bytes_up := _uploaded(members):
        parts.append(f"{bytes_text(bytes_up)} ({bytes_up:,} bytes) were uploaded")
    pods = sorted({str(item.details["pod"]) for item in members if item.details.get("pod")})
    if pods:
        parts.append(f"from {listing(pods)}")
    if span := _span(members):
        first, last = map(_minute, span)
        parts.append(f"first {first}, last {last}" if first != last else f"at {first}")
    others = list(dict.fromkeys(item.title for item in members[1:] if item.title != lead.title))
    text = ", ".join(parts) + "."
    if len(places := _places(members)) > 1:
        text += f" {len(places):,} destinations: {listing(places, _MOST_TOLD)}."
    if others:
        text += " Also: " + "; ".join(title[:1].lower() + title[1:] for title in others) + "."
    advisories = [item for item in members if "vulnerability" in item.entity]
    if advisories:
        text += f" Advisories: {components.summary(advisories)}"
    if changed:
        text += f" New in this release: {listing(changed)}."
    return text


def _uploaded(members: list[Finding]) -> int:
    """Return the bytes sent to all destinations of a story; several findings tell those of one."""
    sizes: dict[str, int] = {}
    for item in members:
        place = _place(item.entity) if "destination" in item.entity else ""
        sizes[place] = max(sizes.get(place, 0), item.details.get("bytes_up") or 0)
    return sum(sizes.values())


def _span(members: list[Finding]) -> tuple[str, str] | None:
    """Return when what a story is about began and ended; parts of a bill do neither."""
    seen = [item for item in members if item.family != "supply_chain" and item.first_seen]
    return (min(item.first_seen for item in seen), max(item.last_seen for item in seen)) if seen else None


def _counts(lead: Finding, members: Sequence[Finding] = ()) -> str:
    """Tell both sides, of all destinations of the story that the first finding's detector names.

    What is no share has no total, and what is about the rollout itself has no other side.
    """
    alike = [item for item in members if item.detector == lead.detector] if lead.family == "outbound" else []
    n, other = (
        sum(counts) for counts in zip(*((item.canary.n, item.baseline.n) for item in alike or [lead]), strict=True)
    )
    canary = plural(n, lead.unit) + (f" of {lead.canary.total:,}" if lead.canary.total else "")
    if not lead.baseline.total and not other:
        return canary
    baseline = f"{other:,}" + (f" of {lead.baseline.total:,}" if lead.baseline.total else "")
    return f"{canary} on the canary, {baseline} on the baseline"


def _minute(stamp: str) -> str:
    return stamp[:19].replace("T", " ") + " UTC"
