"""What became of a component, in words: versions from and to, what is new or gone, and which advisory names it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from forensics.findings import Finding
from forensics.text import listing

_MOST_TOLD = 20  # components of one summary
_MOST_TITLED = 4


def change(item: Finding) -> str:
    """Return `name 1 -> 2`, `name 2 is new`, `name 1 is gone`, or `name: MIT -> GPL-3.0` of a licence or supplier."""
    entity, details = item.entity, item.details
    name = str(entity.get("component"))
    for word in ("licences", "suppliers"):
        if f"{word}_to" in details:
            return f"{name}: {_joined(details[f'{word}_from'])} -> {_joined(details[f'{word}_to'])}"
    if item.detector == "supply_chain.component_removed":
        return _spaced(name, _joined(details.get("versions")), "is gone")
    after = entity.get("version_to") or entity.get("component_version") or _joined(details.get("versions"))
    before = entity.get("version_from") or _joined(details.get("versions_from"))
    if before or "version_to" in entity:
        return f"{name} {before or '?'} -> {after or '?'}"
    return _spaced(name, after, "is new")


def told(item: Finding) -> str:
    """Return `advisory: name 1 -> 2, fixed in 3`, or the change alone where no advisory is known."""
    advisory, fixed = item.entity.get("vulnerability"), item.details.get("fixed_version")
    return (f"{advisory}: " if advisory else "") + change(item) + (f", fixed in {fixed}" if fixed else "")


def summary(items: Iterable[Finding]) -> str:
    """Return what became of components in order of their names, cut where hostile evidence made it long, which it says."""
    ordered = sorted(items, key=lambda item: str(item.entity.get("component")))
    advised = {change(item) for item in ordered if "vulnerability" in item.entity}
    words = [told(item) for item in ordered if "vulnerability" in item.entity or change(item) not in advised]
    rest = len(words) - _MOST_TOLD
    return "; ".join([*words[:_MOST_TOLD], *([f"and {rest:,} more"] if rest > 0 else [])]) + "."


def title(items: Sequence[Finding]) -> str:
    """Return the components of a story, those with advisories as `name 1 -> 2 (GHSA-1, GHSA-2)`."""
    named: dict[str, list[str]] = {}
    for item in items:
        advisory = item.entity.get("vulnerability")
        words = named.setdefault(change(item) if advisory else str(item.entity["component"]), [])
        words += [str(advisory)] if advisory else []
    return listing(
        (f"{words} ({listing(sorted(ids), _MOST_TITLED)})" if ids else words for words, ids in sorted(named.items())),
        _MOST_TITLED,
    )


def _joined(values: Any) -> str:
    return ", ".join(str(value) for value in values if value) if isinstance(values, list) else str(values or "")


def _spaced(*words: str) -> str:
    return " ".join(word for word in words if word)
