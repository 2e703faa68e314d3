"""Canonical material of the report's sections: one module a result, found by listing this folder; each writes results/<name>.json."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import msgspec

from forensics.case import Case
from forensics.errors import IntegrityError, Location, UsageError
from forensics.results.context import Context

_NOT_RESULTS = {"context"}


def build_all(context: Context) -> dict[str, dict[str, Any]]:
    """Return every result by name, in order of the names."""
    names = sorted(
        item.name
        for item in pkgutil.iter_modules(__path__)
        if item.name not in _NOT_RESULTS and not item.name.startswith("_")
    )
    return {name: importlib.import_module(f"{__name__}.{name}").build(context) for name in names}


def material(case: Case) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return findings.json and results/*.json as plain objects.

    Raises:
        UsageError: detection has not run yet. IntegrityError: a file is not JSON, or not what was recorded.

    """
    if not case.findings.exists():
        raise UsageError(f"{case.folder} has no findings yet.", hint=f"Run: canary-forensics detect {case.folder}")
    results = sorted(case.results.glob("*.json"))
    case.require_recorded(
        case.findings.name,
        *sorted({f"{case.results.name}/{path.name}" for path in results} | set(case.recorded(case.results.name))),
    )
    return _decoded(case.findings), {path.stem: _decoded(path) for path in results}


def _decoded(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise IntegrityError(
            f"{path.name} is damaged: {error}.",
            hint="Write it again with: canary-forensics detect CASE.",
            location=Location(path),
        ) from error


__all__ = ["Context", "build_all", "material"]
