"""Formats a case is handed over in: one file per format, each a pure function of findings.json and results/.

A format is a module here with NAME (what `--format` takes), SUFFIX (of the file it becomes) and `render(findings, results)`.
A new format is one new file; modules whose name starts with an underscore are helpers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from forensics.export import _markup

Findings = Mapping[str, Any]
Results = Mapping[str, Mapping[str, Any]]
Render = Callable[[Findings, Results], str]


@dataclass(frozen=True, slots=True)
class Format:
    """One format as its module declares it."""

    name: str
    suffix: str
    about: str
    render: Render


@cache
def registry() -> dict[str, Format]:
    """Return every format by name, found by listing this package."""
    found = (_declared(entry.name) for entry in iter_modules(__path__) if not entry.name.startswith("_"))
    return {item.name: item for item in sorted(found, key=lambda item: item.name)}


def markdown_prose(value: object, limit: int = _markup.LONGEST) -> str:
    """Return text of unknown origin as Markdown prose: no link, image, tag, mention or cell border."""
    return _markup.text(value, limit)


def markdown_code(value: object) -> str:
    """Return a token of unknown origin as a Markdown code span, in which nothing is interpreted and everything can be read."""
    return _markup.code(value)


def formats() -> dict[str, Render]:
    """Return the function of every format by name."""
    return {name: item.render for name, item in registry().items()}


def _declared(module_name: str) -> Format:
    module = import_module(f"{__name__}.{module_name}")
    return Format(module.NAME, module.SUFFIX, (module.__doc__ or "").split("\n", 1)[0], module.render)
