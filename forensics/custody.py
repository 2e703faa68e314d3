"""Hash-chained logs: each line holds the SHA-256 of the line before, so that a changed or removed line shows.

Cutting the tail is not seen by the chain itself; a package therefore pins the last hash.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from forensics import __version__
from forensics.errors import IntegrityError, Location

FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Chain:
    """State of a log: how many lines, and the hash the next line must hold."""

    length: int
    head: str


def append(path: Path, action: str, details: Mapping[str, Any]) -> None:
    """Add one line: sequence, UTC time of this machine's clock, tool version, action, details.

    Raises:
        IntegrityError: the log is broken before the new line.

    """
    chain = verify(path)
    entry = {
        "seq": chain.length + 1,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "tool": f"canary-forensics {__version__}",
        "action": action,
        "details": dict(details),
        "prev": chain.head,
    }
    line = msgspec.json.encode(entry) + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def verify(path: Path) -> Chain:
    """Return the state of the log; a missing log is an empty one.

    Raises:
        IntegrityError: a line does not hold the hash of the line before it.

    """
    head, length = FIRST, 0
    if not path.exists():
        return Chain(length, head)
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        try:
            entry = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise _broken(path, number) from error
        if (
            not line.endswith(b"\n")
            or not isinstance(entry, dict)
            or entry.get("prev") != head
            or entry.get("seq") != number
        ):
            raise _broken(path, number)
        head, length = hashlib.sha256(line).hexdigest(), number
    return Chain(length, head)


def _broken(path: Path, number: int) -> IntegrityError:
    return IntegrityError(
        f"The log {path.name} was changed at line {number}.",
        hint="Restore the case from a copy; what follows that line cannot be trusted.",
        location=Location(path, number),
    )
