"""Write the outputs of a step all or none: staged, pinned in the custody log, then moved.

The line in the custody log is the moment from which they count. Killed before it, the staged files are dropped by the next command; killed
behind it, they are moved into place. A reader therefore never takes an interrupted step for a forged file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forensics import custody
from forensics.errors import CaseError

_STAGE = "unfinished"


def write(folder: Path, action: str, files: Mapping[str, bytes], details: Mapping[str, Any]) -> None:
    """Write files named by their path in the case.

    Raises:
        CaseError: the case cannot be written or the disk is full; nothing has changed then.

    """
    stage = folder / _STAGE
    shutil.rmtree(stage, ignore_errors=True)
    try:
        for name, data in sorted(files.items()):
            _stage(stage / name, data)
    except CaseError:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    custody.append(folder / custody.FILE_NAME, action, {**details, "sha256": digests})
    _move(stage, folder, digests)


def _stage(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from error


def _move(stage: Path, folder: Path, digests: Mapping[str, str]) -> None:
    for name in digests:
        try:
            (folder / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            (stage / name).replace(folder / name)
        except OSError as error:
            raise _unwritable(folder / name, error) from error
    shutil.rmtree(stage, ignore_errors=True)


def interrupted(folder: Path) -> bool:
    """Say whether a step was interrupted while it wrote its outputs."""
    return (folder / _STAGE).exists()


def finish(folder: Path) -> None:
    """Move what the custody log pins into place, drop the rest of an interrupted step."""
    stage = folder / _STAGE
    if not stage.exists():
        return
    pinned = custody.pinned(folder / custody.FILE_NAME)
    staged = {path.relative_to(stage).as_posix(): path for path in stage.rglob("*") if path.is_file()}
    _move(stage, folder, {name: "" for name, path in staged.items() if pinned.get(name) == file_sha256(path)})


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        CaseError: the folder cannot be written or the disk is full.

    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> CaseError:
    return CaseError(f"{path} cannot be written: {error.strerror}.", hint="Free some space or fix the permissions.")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
