"""`dims.packages`, `dims.version_changes`, `dims.vulnerable`: what is known of components by name and version, judged on distinct values."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from forensics.distributions import Release, agree, qualifier, release, release_of
from forensics.store import Store
from forensics.versions import compare, fixed_in, full_version, is_affected, package_in, package_of
from forensics.views.tables import distinct, keep_rows

_WORDS = {-1: "upgraded", 0: "changed", 1: "downgraded", None: "changed"}
_CHANGED = """
select component, ecosystem, baseline_versions, canary_versions
from component_sides
where baseline_versions is not null and canary_versions is not null and baseline_versions <> canary_versions
order by component
"""
_ADVISORIES = """
select vulnerability_id, package_ecosystem, package_name, package_purl, affected_ranges::varchar, affected_versions, severity, severity_score,
    summary, aliases
from main.vulnerabilities
where not coalesce(is_withdrawn, false) and vulnerability_id is not null
order by all
"""
_PRESENT = """
select distinct ecosystem, package, purl, component_version
from component_parts
where package is not null and component_version is not null
order by all
"""


def packages(store: Store) -> None:
    """Read every distinct purl once; needed before the views over components."""
    rows = []
    for purl in distinct(store, ["select purl from facts.components"]):
        ecosystem, package = package_of(purl)
        if package:
            rows.append({"purl": purl, "ecosystem": ecosystem, "package": package})
    keep_rows(store, "dims.packages", rows, purl=pa.string(), ecosystem=pa.string(), package=pa.string())


def components(store: Store) -> None:
    """Say which version is newer, and which advisories name it; needs the views over components."""
    changes = list(_changes(store))
    text = pa.string()
    keep_rows(
        store, "dims.version_changes", changes, component=text, version_from=text, version_to=text, direction=text
    )
    keep_rows(
        store, "dims.vulnerable", list(_vulnerable(store)), ecosystem=text, package=text, purl=text, component_version=text, vulnerability_id=text, severity=text,
        severity_score=pa.float64(), summary=text, aliases=text, fixed_version=text,
    )  # fmt: skip


def _changes(store: Store) -> Iterator[dict[str, Any]]:
    """Pair what went with what came; versions that stayed are no part of a change unless nothing went."""
    for component, ecosystem, before, after in store.rows(_CHANGED):
        gone = [version for version in before if version not in after] or before
        come = [version for version in after if version not in before]
        for old in gone:
            for new in come:
                direction = _WORDS[compare(ecosystem, old, new)]
                yield {
                    "component": component,
                    "version_from": old or None,
                    "version_to": new or None,
                    "direction": direction,
                }


def _vulnerable(store: Store) -> Iterator[dict[str, Any]]:
    """Match advisories with the distinct versions of the packages they name, and of a distribution's packages with the release."""
    present: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for ecosystem, package, purl, version in store.rows(_PRESENT):
        present[ecosystem, package].append((purl, version))
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, ecosystem, package, advised, ranges, versions, severity, score, summary, aliases in store.rows(
        _ADVISORIES
    ):
        kind, wanted = package_of(advised) if advised else package_in(ecosystem or "", package or "")
        only, events = _advised_release(ecosystem or "", advised or ""), json.loads(ranges or "[]")
        for purl, version in present.get((kind, wanted), ()):
            full = full_version(kind, version, purl)
            is_named = is_affected(kind, full, events, versions or ())
            if is_named and (not only or agree(release(qualifier(purl, "distro")), only)):
                found[kind, wanted, version, name, purl] = {
                    "ecosystem": kind, "package": wanted, "purl": purl, "component_version": version, "vulnerability_id": name,
                    "severity": severity, "severity_score": score, "summary": summary, "aliases": ", ".join(aliases or ()),
                    "fixed_version": fixed_in(kind, full, events),
                }  # fmt: skip
    yield from (found[key] for key in sorted(found))


def _advised_release(ecosystem: str, purl: str) -> Release:
    """Return the release of a distribution that an advisory is about: its ecosystem's, else that of its purl."""
    return release_of(ecosystem) or release(qualifier(purl, "distro"))
