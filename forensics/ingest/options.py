"""How to ingest, and who is told about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Watcher(Protocol):
    """Is told about progress, from several threads."""

    def begin(self, files: int, size: int) -> None:
        """Say how many files of how many bytes (as they lie on disk) are to be read."""

    def start(self, name: str) -> None:
        """Say that a file begins."""

    def advance(self, count: int) -> None:
        """Say that bytes were read."""


class Silent:
    """A watcher that says nothing."""

    def begin(self, files: int, size: int) -> None:
        """Ignore."""

    def start(self, name: str) -> None:
        """Ignore."""

    def advance(self, count: int) -> None:
        """Ignore."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to ingest: a forced format, files to leave out, threads, whether to copy the evidence into the case, memory of the engine.

    `fresh` makes the ledger hold what this call reads and nothing else; files that the case holds already are not parsed again.
    `packs` are folders of content patterns besides our own.
    """

    format: str = ""
    ignore: Sequence[str] = ()
    threads: int | None = None
    copy: bool = False
    memory: str = ""
    fresh: bool = False
    packs: Sequence[Path] = ()
