"""Find evidence files below what the user named: in name order, links and special files named but never opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from forensics.errors import EvidenceError
from forensics.text import safe_text

# Of more files in one call only the largest are read: junk must not push out the logs. Measured in docs/performance.md.
MAX_FILES = 10_000
_SHOWN_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")  # what `printable` makes of a byte that is no UTF-8


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may be evidence. `name` is how reports call it; `named` says the user named this very file.

    `refused` says why it is not opened (link, special file, no permission). `member` and `archive` are set where it was staged from an
    archive: its name inside, and where the archive lies.
    """

    path: Path
    name: str
    named: bool
    refused: str = ""
    member: str = ""
    archive: str = ""

    @property
    def location(self) -> str:
        """Where it lies, for the ledger; a name that is not UTF-8 shows its bytes."""
        return self.archive or printable(str(self.path))


def discover(paths: Sequence[Path], ignore: Sequence[str] = ()) -> list[Source]:
    """Return the files in `paths`, folders walked in name order, one source a file; case folders are left out.

    Raises:
        EvidenceError: a path does not exist, or is neither a file nor a folder.

    """
    found: dict[Path, Source] = {}
    for path in paths:
        if path.is_dir():
            for source in _folder(path, ignore):
                found.setdefault(source.path, source)
        elif path.is_file():
            found[path.absolute()] = Source(path.resolve(), printable(path.name), named=True)
        else:
            what = "is not a file or folder" if path.exists() else "does not exist"
            raise EvidenceError(f"{safe_text(path)} {what}.", hint="Name log files or a folder that holds them.")
    return _limited(_with_unique_names(list(found.values())))


def _folder(folder: Path, ignore: Sequence[str]) -> Iterator[Source]:
    for path, refused in _walk(folder):
        name = printable(os.path.relpath(path, folder))
        if not any(fnmatchcase(name, glob) for glob in ignore):
            yield Source(Path(path).absolute(), name, named=False, refused=refused)


def _walk(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (path, why it is not opened) in name order; folders that links point to are not entered, so no loop can arise."""
    open_folders = [_listing(str(folder))]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
        elif isinstance(entry, tuple):
            yield entry
        elif not entry.is_dir(follow_symlinks=False):
            yield entry.path, _refusal(entry)
        elif not entry.name.endswith(".case"):
            open_folders.append(_listing(entry.path))


def _listing(folder: str) -> Iterator[os.DirEntry[str] | tuple[str, str]]:
    try:
        with os.scandir(folder) as listing:
            return iter(sorted(listing, key=lambda entry: entry.name))
    except OSError as error:
        return iter([(folder, f"folder cannot be read: {error.strerror}")])


# How the reason begins why a link or a special file is not opened.
SPECIAL = ("symbolic link", "not a regular file")


def _refusal(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return f"{SPECIAL[0]}: name the file itself"
    return "" if entry.is_file(follow_symlinks=False) else f"{SPECIAL[1]} (pipe, socket or device)"


def printable(name: str) -> str:
    """Return a file name with bytes that are not UTF-8 as visible escapes: JSON and databases hold text only."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def file_of(printed: str) -> Path:
    r"""Return the file that a printed name stands for: itself, or the one whose bytes it shows as `\\xff`."""
    if os.path.lexists(printed):
        return Path(printed)
    name = _SHOWN_BYTE.sub(lambda match: bytes.fromhex(match[1].decode()), os.fsencode(printed))
    return Path(os.fsdecode(name)) if os.path.lexists(name) else Path(printed)


def _limited(sources: list[Source]) -> list[Source]:
    """Keep the largest `MAX_FILES`; the others are named with the reason."""
    if len(sources) <= MAX_FILES:
        return sources
    sizes = {source: _size(source.path) for source in sources if not source.refused}
    kept = set(sorted(sizes, key=lambda source: (not source.named, -sizes[source], source.name))[:MAX_FILES])
    reason = f"more than {MAX_FILES:,} files in one call, and this is not among the largest: ingest its folder apart"
    return [source if source.refused or source in kept else replace(source, refused=reason) for source in sources]


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _with_unique_names(sources: list[Source]) -> list[Source]:
    """Two folders may both hold `access.log`: then as many folders are put in front as tell them apart."""
    twins: dict[str, list[Source]] = {}
    for source in sources:
        twins.setdefault(source.name, []).append(source)
    return [
        source if len(twins[source.name]) == 1 else replace(source, name=_longer(source, twins[source.name]))
        for source in sources
    ]


def _longer(source: Source, twins: list[Source]) -> str:
    for count in range(2, len(source.path.parts)):
        if len({twin.path.parts[-count:] for twin in twins}) == len(twins):
            return printable("/".join(source.path.parts[-count:]))
    return source.location
