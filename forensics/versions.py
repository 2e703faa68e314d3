"""Package names and versions: which package a purl names, which of two versions is newer, whether a version lies in the ranges of an advisory.

Package URLs: github.com/package-url/purl-spec. Order of versions is each ecosystem's own, by univers. Ranges: ossf.github.io/osv-schema,
"Evaluation". Versions and names come from documents that anybody may have written: long ones are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cmp_to_key, lru_cache
from typing import Any
from urllib.parse import unquote

from forensics.distributions import ECOSYSTEMS, TYPES, qualifier, vendor_of

MAX_VERSION = 128  # characters; the library takes versions apart with backtracking expressions
_PURL = re.compile(r"pkg:/*([A-Za-z0-9.+-]{1,40})/([^?#]{1,1000})")
# OSV ecosystem -> purl type, where they differ in more than case; what follows a colon (a release) is cut first.
_TYPES = {
    "go": "golang", "crates.io": "cargo", "rubygems": "gem", "packagist": "composer", "swifturl": "swift", "conancenter": "conan",
    **{ecosystem: kind for ecosystem, (kind, _) in ECOSYSTEMS.items()},
}  # fmt: skip


def package_of(purl: str) -> tuple[str, str]:
    """Return type and name of a purl as advisories write them (`maven`, `group:artifact`; `deb`, `debian/curl`); ("", "") where it is none."""
    match = _PURL.match(purl)
    if not match:
        return "", ""
    kind, path = match[1].lower(), match[2].strip("/")
    head, mark, tail = path.rpartition("@")
    if mark and head and "/" not in tail:
        path = head
    parts = [unquote(part, errors="replace") for part in path.split("/") if part]
    if kind in TYPES and len(parts) > 1:
        parts[0] = vendor_of(parts[0])
    return (kind, named(kind, (":" if kind == "maven" else "/").join(parts))) if parts else ("", "")


def package_in(ecosystem: str, name: str) -> tuple[str, str]:
    """Return type and name, as `package_of` does, of a package that an advisory names by its OSV ecosystem: `deb`, `debian/curl` of `Debian:12`."""
    kind = type_of(ecosystem)
    vendor = ECOSYSTEMS.get(_without_release(ecosystem))
    return kind, named(kind, f"{vendor[1]}/{name}" if vendor and name else name)


def full_version(kind: str, version: str, purl: str) -> str:
    """Return a version with the epoch that writers of deb and rpm purls put in a qualifier: without it 1:1.0 is older than 0.9."""
    epoch = qualifier(purl, "epoch") if kind in ("deb", "rpm") and ":" not in version else ""
    return f"{epoch}:{version}" if epoch.isdecimal() and epoch.isascii() else version


def named(kind: str, name: str) -> str:
    """Return the name in the ecosystem's normal form: PyPI folds case and separators (PEP 503), npm, NuGet and others fold case."""
    if kind == "pypi":
        return re.sub(r"[-_.]+", "-", name[:1000]).lower()
    return name.lower() if kind in ("npm", "nuget", "composer", "github", "deb", "apk") else name


def type_of(ecosystem: str) -> str:
    """Return the purl type of an OSV ecosystem such as `PyPI`, `Go` or `Debian:12`."""
    name = _without_release(ecosystem)
    return _TYPES.get(name, name)


def _without_release(ecosystem: str) -> str:
    return ecosystem.partition(":")[0].strip().lower()


@lru_cache(maxsize=1 << 16)
def compare(kind: str, first: str, second: str) -> int | None:
    """Return -1, 0 or 1 as the first version is older, equal or newer; None where the ecosystem's order does not know one of them."""
    if first == second:
        return 0
    if max(len(first), len(second)) > MAX_VERSION:
        return None
    order = _order(kind)
    try:
        one, other = order(first), order(second)
        side = -1 if one < other else 1 if one > other else 0
    except (ValueError, TypeError, AttributeError, IndexError):  # what univers raises for versions that are none
        side = None
    return side


@cache
def _order(kind: str) -> Any:
    from univers.version_range import RANGE_CLASS_BY_SCHEMES
    from univers.versions import SemverVersion

    known = RANGE_CLASS_BY_SCHEMES.get(kind)
    return known.version_class if known is not None and known.version_class is not None else SemverVersion


def is_affected(kind: str, version: str, ranges: Sequence[Mapping[str, Any]], versions: Iterable[str]) -> bool:
    """Say whether an advisory's `ranges` or list of `versions` names a version.

    Events are taken in order of their versions; one that cannot be ordered makes its range say nothing, so that an odd advisory names
    nothing rather than everything.
    """
    return version in versions or any(
        _in_range(kind, version, item.get("events")) for item in ranges if item.get("type") != "GIT"
    )


def fixed_in(kind: str, version: str, ranges: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the oldest version newer than `version` that an advisory's ranges call fixed; None where there is none, or none that can be ordered."""
    events = (item.get("events") for item in ranges if item.get("type") != "GIT")
    edges = (
        event.get("fixed") for part in events if isinstance(part, list) for event in part if isinstance(event, dict)
    )
    newer = sorted({edge for edge in edges if isinstance(edge, str) and compare(kind, version, edge) == -1})
    return min(newer, key=cmp_to_key(lambda one, other: compare(kind, one, other) or 0), default=None)


def _in_range(kind: str, version: str, events: Any) -> bool:
    inside = False
    for event in events if isinstance(events, list) else []:
        for word, edge in event.items() if isinstance(event, dict) else ():
            side = 1 if edge == "0" and word == "introduced" else compare(kind, version, str(edge))
            if side is None:
                return False
            if word == "introduced" and side >= 0:
                inside = True
            elif (word == "fixed" and side >= 0) or (word == "last_affected" and side > 0):
                inside = False
    return inside
