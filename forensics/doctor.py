"""Check the parts of an installation; no network, no evidence."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from forensics.errors import ForensicsError


@dataclass(frozen=True, slots=True)
class Check:
    """One part: whether it works, and what was seen."""

    name: str
    passed: bool
    detail: str


def checks() -> Iterator[Check]:
    """Yield one check a part."""
    parts: dict[str, Callable[[], str]] = {
        "python": lambda: sys.version.split()[0],
        "engine": _engine,
        "importers": _importers,
        "detectors": _detectors,
        "patterns": _patterns,
        "public suffixes": _public_suffixes,
        "geography": _geography,
        "signatures": _signatures,
        "templates": _templates,
        "machine": lambda: f"{os.cpu_count()} cores",
    }
    for name, call in parts.items():
        try:
            yield Check(name, passed=True, detail=call())
        except (ForensicsError, ImportError, OSError) as error:
            yield Check(name, passed=False, detail=str(error))


def _engine() -> str:
    from forensics.store import engine_version

    return engine_version()


def _importers() -> str:
    from forensics.importers import all_importers

    return f"{len(all_importers())} formats"


def _detectors() -> str:
    from forensics.detectors import load

    return f"{len(load())} detectors"


def _patterns() -> str:
    from forensics.scan import load_patterns

    return f"{len(load_patterns())} patterns"


def _public_suffixes() -> str:
    from forensics.views import list_version

    return f"Public Suffix List of publicsuffixlist {list_version()}"


def _geography() -> str:
    return _optional("maxminddb", "only [enrich] needs it: pip install 'canary-forensics[geo]'")


def _signatures() -> str:
    return _optional("cryptography", "only signed packages need it: pip install 'canary-forensics[seal]'")


def _optional(package: str, without: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"not installed; {without}"


def _templates() -> str:
    from forensics.resources import tree, walk

    return f"{len(list(walk(tree('reports'), '.html')))} templates"
