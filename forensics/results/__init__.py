"""Canonical material of the report's sections: one module a result, found by listing this folder; each writes results/<name>.json."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from forensics.results.context import Context

_NOT_RESULTS = {"context"}


def build_all(context: Context) -> dict[str, dict[str, Any]]:
    """Return every result by name, in order of the names."""
    names = sorted(item.name for item in pkgutil.iter_modules(__path__) if item.name not in _NOT_RESULTS)
    return {name.removesuffix("_"): importlib.import_module(f"{__name__}.{name}").build(context) for name in names}


__all__ = ["Context", "build_all"]
