"""A progress bar on a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from forensics.text import safe_text


class Bar:
    """Shows the file and the bytes read, on standard error, when that is a terminal."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
            )
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()

    def begin(self, files: int, size: int) -> None:
        """Begin an ingest of `size` bytes as they lie on disk."""
        if self._progress:
            self._task = self._progress.add_task(f"{files:,} files", total=size)

    def start(self, name: str) -> None:
        """Show the file that is read now."""
        if self._progress and self._task is not None:
            self._progress.update(self._task, description=safe_text(name, 60))

    def advance(self, count: int) -> None:
        """Add bytes."""
        if self._progress and self._task is not None:
            self._progress.advance(self._task, count)
