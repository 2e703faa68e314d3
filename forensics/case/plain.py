"""A case may come from someone else: what it must not hold before anything in it is opened.

A link in a case folder leads what is written or removed there to another place; a pipe stops whoever reads it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from forensics.errors import IntegrityError


def require_plain(folder: Path) -> None:
    """Refuse a case folder with a link or a special file in it; one that does not exist is plain.

    Raises:
        IntegrityError: it holds a link or a special file.

    """
    for entry in _entries(str(folder)):
        if entry.is_symlink() or not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
            raise IntegrityError(
                f"{entry.path} is a link or a special file; a case holds plain files and folders only.",
                hint="Remove it, or ask whoever sent the case: a link may lead anywhere on this machine.",
            )


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:
        return
    yield from found
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)
