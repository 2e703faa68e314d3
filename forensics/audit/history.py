"""The record of audits: a hash-chained log with one line an audit. Of two audits of one time the later line counts."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import msgspec

from forensics import custody
from forensics.audit.statement import Memory
from forensics.case import write_bytes
from forensics.errors import CaseError, IntegrityError, Location, UsageError

FILE_NAME = "audits.jsonl"
_HEAD = "audits.head"


class _Pin(msgspec.Struct, frozen=True):
    lines: int
    head: str


class ServiceRecord(msgspec.Struct, frozen=True):
    """What an audit said of a service: exit code, why, the findings by change, and what is known from then on, where that changed.

    `rollouts` are those judged: name -> verdict.
    """

    name: str
    exit_code: int
    reasons: list[str]
    changes: dict[str, list[str]]
    rollouts: dict[str, str]
    memory: Memory | None = None


class Record(msgspec.Struct, frozen=True):
    """One audit."""

    as_of: str
    exit_code: int
    services: list[ServiceRecord]


class _Line(msgspec.Struct):
    details: Record


def read(folder: Path) -> list[Record]:
    """Return the audits in the order of their times.

    Raises:
        IntegrityError: the log was changed.

    """
    path = folder / FILE_NAME
    chain = custody.verify(path)
    _require_whole(folder, path)
    lines = path.read_bytes().splitlines()[: chain.length] if chain.length else []
    try:
        records = [msgspec.json.decode(line, type=_Line).details for line in lines if b'"action":"repair"' not in line]
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"{FILE_NAME} is not what this tool writes.", hint="Restore it from a copy.", location=Location(path)
        ) from error
    return sorted({record.as_of: record for record in records}.values(), key=lambda record: when(record.as_of))


def append(folder: Path, record: Record) -> None:
    """Add an audit and pin the end of the record beside it; raises like `custody.append`."""
    custody.append(folder / FILE_NAME, "audit", msgspec.to_builtins(record))
    chain = custody.verify(folder / FILE_NAME)
    write_bytes(folder / _HEAD, msgspec.json.encode({"lines": chain.length, "head": chain.head}) + b"\n")


def _require_whole(folder: Path, path: Path) -> None:
    """Refuse a record whose end was cut, which a chain alone does not show; it may be longer than pinned by the line of a killed audit."""
    pin = folder / _HEAD
    if not pin.exists():
        return
    try:
        pinned = msgspec.json.decode(pin.read_bytes(), type=_Pin)
    except msgspec.MsgspecError:
        pinned = _Pin(-1, "")
    lines = path.read_bytes().splitlines(keepends=True)[: max(pinned.lines, 0)] if path.exists() else []
    if len(lines) != pinned.lines or hashlib.sha256(lines[-1] if lines else b"").hexdigest() != pinned.head:
        raise IntegrityError(
            f"{FILE_NAME} is not as long as it was.",
            hint="Restore it from a copy: what earlier audits knew is in it.",
            location=Location(path),
        )


def before(records: Sequence[Record], as_of: str) -> list[Record]:
    """Return the audits before a time, so that an audit that is run again says the same again.

    Raises:
        UsageError: an audit of a later time is recorded: what is known now was not known then.

    """
    if records and when(records[-1].as_of) > when(as_of):
        raise UsageError(
            f"An audit of {records[-1].as_of} is recorded; {as_of} lies before it.",
            hint="Leave --as-of out, or audit with another `state` folder.",
        )
    return [record for record in records if when(record.as_of) < when(as_of)]


def memory(records: Sequence[Record], service: str) -> Memory:
    """Return what is known of a service after these audits."""
    for record in reversed(records):
        for item in record.services:
            if item.name == service and item.memory is not None:
                return item.memory
    return Memory()


def when(text: str) -> datetime:
    """Return the time of a date or of a time with zone.

    Raises:
        UsageError: it is neither.

    """
    try:
        moment = datetime.fromisoformat(text)
        zoned = (
            datetime.fromisoformat(f"{date.fromisoformat(text)}T00:00:00+00:00")
            if len(text) == len("2026-03-03")
            else moment
        )
    except ValueError as error:
        raise UsageError(f"{text!r} is no time.", hint="Write it as 2026-03-03 or 2026-03-03T04:00:00Z.") from error
    if zoned.tzinfo is None:
        raise UsageError(f"{text!r} has no zone.", hint="Write it as 2026-03-03 or 2026-03-03T04:00:00Z.")
    return zoned


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the state folder for this process.

    Raises:
        CaseError: another audit holds it (named by its process id), or it cannot be written.

    """
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise CaseError(
            f"The state folder {folder} cannot be written: {error.strerror}.",
            hint="Check `state` in the configuration.",
        ) from error
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = file.read().strip() or "unknown"
            raise CaseError(
                f"Process {holder} audits with this state folder.",
                hint="Wait until it is done.",
                location=Location(path),
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
