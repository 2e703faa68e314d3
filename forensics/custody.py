"""Hash-chained logs: each line holds the SHA-256 of the line before, so that a changed or removed line shows.

Cutting the tail is not seen by the chain itself; a package therefore pins the last hash. A last line without a line feed is one whose
writing was interrupted (power, full disk): it is told apart from a change, and the next entry removes it and says so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from forensics import __version__
from forensics.errors import CaseError, IntegrityError, Location

FIRST = "0" * 64
FILE_NAME = "custody.jsonl"


@dataclass(frozen=True, slots=True)
class Chain:
    """State of a log: how many lines, the hash the next line must hold, time of the last, bytes of a line that was not finished."""

    length: int
    head: str
    time: str = ""
    torn: int = 0


def append(path: Path, action: str, details: Mapping[str, Any]) -> None:
    """Add one line: sequence, UTC time of this machine's clock, tool version, action, details.

    Raises:
        IntegrityError: the log is broken before the new line. CaseError: it cannot be written.

    """
    chain = verify(path)
    if chain.torn:
        os.truncate(path, path.stat().st_size - chain.torn)
        chain = _write(path, chain, "repair", {"unfinished_line_bytes": chain.torn})
    _write(path, chain, action, details)


def _write(path: Path, chain: Chain, action: str, details: Mapping[str, Any]) -> Chain:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    back = {"clock_went_back_from": chain.time} if now < chain.time else {}
    entry = {
        "seq": chain.length + 1,
        "time": now,
        "tool": f"canary-forensics {__version__}",
        "action": action,
        "details": {**details, **back},
        "prev": chain.head,
    }
    line = msgspec.json.encode(entry) + b"\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CaseError(
            f"{path} cannot be written: {error.strerror}.", hint="Free some space or fix the permissions."
        ) from error
    return Chain(chain.length + 1, hashlib.sha256(line).hexdigest(), now)


def verify(path: Path) -> Chain:
    """Return the state of the log; a missing log is an empty one.

    Raises:
        IntegrityError: a line does not hold the hash of the line before it.

    """
    return verify_bytes(path.read_bytes(), path) if path.exists() else Chain(0, FIRST)


def verify_bytes(data: bytes, path: Path) -> Chain:
    """Return the state of a log of which the bytes are at hand; `path` is named where it is broken. Raises like `verify`."""
    chain = Chain(0, FIRST)
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            return replace(chain, torn=len(line))
        try:
            entry = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _broken(path, number) from error
        if not isinstance(entry, dict) or entry.get("prev") != chain.head or entry.get("seq") != number:
            raise _broken(path, number)
        chain = Chain(number, hashlib.sha256(line).hexdigest(), str(entry.get("time")))
    return chain


def pinned(path: Path) -> dict[str, str]:
    """Return the newest hash of each file that the log names; lines that are damaged are told by `verify`."""
    return pinned_in(path.read_bytes()) if path.exists() else {}


def pinned_in(data: bytes) -> dict[str, str]:
    """Return the same of a log of which the bytes are at hand."""
    newest: dict[str, str] = {}
    for line in data.splitlines():
        try:
            newest |= msgspec.json.decode(line, type=_Entry).details.sha256
        except (msgspec.DecodeError, RecursionError):
            continue
    return newest


def first(path: Path, action: str) -> str:
    """Return the time of the first entry of an action, by the clock of the machine that wrote it; empty where there is none."""
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entry = msgspec.json.decode(line, type=_Entry)
        except msgspec.DecodeError:
            continue
        if entry.action == action:
            return entry.time
    return ""


class _Details(msgspec.Struct):
    sha256: dict[str, str] = {}


class _Entry(msgspec.Struct):
    details: _Details
    action: str = ""
    time: str = ""


def _broken(path: Path, number: int) -> IntegrityError:
    return IntegrityError(
        f"The log {path.name} was changed at line {number}.",
        hint="Restore the case from a copy; what follows that line cannot be trusted.",
        location=Location(path, number),
    )
