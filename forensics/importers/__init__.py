"""Importers: one module a format; this package finds them by listing its folder and imports them when they are first needed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from forensics.errors import FormatError
from forensics.importers.contract import Head

_NOT_FORMATS = {"contract"}
MIN_SCORE = 30


@dataclass(frozen=True, slots=True)
class Importer:
    """A format; `module` holds what the contract names."""

    name: str
    title: str
    tables: tuple[str, ...]
    observer: str
    module: ModuleType

    def recognise(self, head: Head) -> int:
        """Return 0 to 100: how sure this is the format, by content."""
        return int(self.module.recognise(head))

    def has(self, function: str) -> bool:
        """Say whether the module offers `plan`, `records` or `table_sql`."""
        return hasattr(self.module, function)

    @property
    def by_line(self) -> bool:
        """Say whether record numbers are physical lines, so that records may begin anywhere in a file."""
        return self.has("plan") or getattr(self.module, "BY_LINE", False)

    @property
    def time_rule(self) -> str:
        """Say how a document's times are read."""
        return str(getattr(self.module, "TIME_RULE", "the zone in the document"))

    @property
    def is_general(self) -> bool:
        """Say whether any program may write the format, so that one that is known further on in a file is preferred."""
        return getattr(self.module, "GENERAL", False)

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function of the module."""
        return getattr(self.module, function)(*arguments)


@cache
def all_importers() -> tuple[Importer, ...]:
    """Return every importer, sorted by name."""
    names = sorted(
        item.name
        for item in pkgutil.iter_modules(__path__)
        if item.name not in _NOT_FORMATS and not item.name.startswith("_")
    )
    return tuple(_load(name) for name in names)


def _load(name: str) -> Importer:
    module = importlib.import_module(f"{__name__}.{name}")
    title = (module.__doc__ or "").splitlines()[0].rstrip(".")
    return Importer(module.NAME, title, tuple(module.TABLES), module.OBSERVER, module)


def by_name(name: str) -> Importer:
    """Return the importer called `name`.

    Raises:
        FormatError: there is none; the known names are listed.

    """
    for importer in all_importers():
        if importer.name == name:
            return importer
    known = ", ".join(importer.name for importer in all_importers())
    raise FormatError(f"There is no format `{name}`.", hint=f"Known formats: {known}.")


def scores(head: Head, among: Sequence[Importer] | None = None) -> list[tuple[int, Importer]]:
    """Return (score, importer) of those that claim the head, best first."""
    found = [(importer.recognise(head), importer) for importer in (all_importers() if among is None else among)]
    return sorted(
        ((score, importer) for score, importer in found if score >= MIN_SCORE),
        key=lambda pair: (-pair[0], pair[1].name),
    )


def recognise(head: Head, among: Sequence[Importer] | None = None) -> Importer | None:
    """Return the one importer that fits best, of all or of those given, or None where none fits or two fit alike."""
    ranked = scores(head, among)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]
