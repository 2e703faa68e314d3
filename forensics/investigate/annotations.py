"""`tag` and `note`: what people say about findings and records, kept in a hash chain beside the case's other logs; nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from forensics import custody
from forensics.case import Case, exclusive
from forensics.errors import IntegrityError, Location, UsageError
from forensics.investigate.show import entry_of, select, split_id
from forensics.results import material

FILE_NAME = "annotations.jsonl"
MAX_NOTE = 10_000  # characters
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


@dataclass(slots=True)
class Annotations:
    """Tags that still hold, and notes as (time, text), of one finding or record."""

    tags: set[str] = field(default_factory=set)
    notes: list[tuple[str, str]] = field(default_factory=list)


def tag(case: Case, wanted: str, tags: tuple[str, ...], *, remove: bool = False) -> str:
    """Add or remove tags; return the finding or record they were given to.

    Raises:
        UsageError: there is no such finding or record, or a tag is no word of letters, digits and `_.:-`.

    """
    for word in tags:
        if not _TAG.fullmatch(word):
            raise UsageError(f"{word} is no tag.", hint="A tag has 1 to 64 letters, digits and _ . : - and no space.")
    return _append(case, wanted, "untag" if remove else "tag", tags)


def note(case: Case, wanted: str, words: str) -> str:
    """Add a note; return the finding or record it was given to.

    Raises:
        UsageError: there is no such finding or record, or the note is empty or too long.

    """
    if not words.strip() or len(words) > MAX_NOTE:
        raise UsageError("A note has 1 to 10,000 characters.", hint="Keep longer texts in a file, and note its name.")
    return _append(case, wanted, "note", (words,))


def _append(case: Case, wanted: str, action: str, words: tuple[str, ...]) -> str:
    target = resolve(case, wanted)
    with exclusive(case):
        for word in words:
            custody.append(case.folder / FILE_NAME, action, {"target": target, "text": word})
    return target


def resolve(case: Case, wanted: str) -> str:
    """Return the full id of a finding (F-..., or its unique beginning) or record (EVIDENCE:NUMBER).

    Raises:
        UsageError: there is no such finding or record.

    """
    if ":" in wanted:
        select(case, [wanted])
        evidence, number = split_id(wanted)
        return f"{entry_of(case, evidence).id}:{number}"
    known = [item["id"] for item in material(case)[0]["findings"]]
    found = [name for name in known if name.lower().startswith(wanted.lower())]
    if len(found) != 1:
        raise UsageError(
            f"{'No' if not found else 'More than one'} finding begins with {wanted}.",
            hint="canary-forensics findings CASE lists them; a record is EVIDENCE:NUMBER.",
        )
    return str(found[0])


def said(case: Case) -> dict[str, Annotations]:
    """Return what was said by finding or record, in the order in which it was said first.

    Raises:
        IntegrityError: the log was changed, or holds what this tool does not write.

    """
    found: dict[str, Annotations] = {}
    for entry in _entries(case):
        if entry.action in ("tag", "untag", "note"):
            _apply(found.setdefault(entry.details.get("target", ""), Annotations()), entry)
    return found


def first_said(case: Case, targets: Collection[str]) -> str:
    """Return when somebody first said something about one of the targets; empty where nobody did. Raises like `said`."""
    times = (entry.time for entry in _entries(case) if entry.details.get("target") in targets)
    return next(times, "")


def _entries(case: Case) -> Iterator[_Entry]:
    path = case.folder / FILE_NAME
    custody.verify(path)
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else [], 1):
        try:
            yield msgspec.json.decode(line, type=_Entry)
        except msgspec.DecodeError as error:
            raise IntegrityError(
                f"{FILE_NAME} holds what this tool does not write.", location=Location(path, number)
            ) from error


class _Entry(msgspec.Struct):
    time: str
    action: str
    details: dict[str, Any]


def _apply(kept: Annotations, entry: _Entry) -> None:
    text = str(entry.details.get("text", ""))
    if entry.action == "tag":
        kept.tags.add(text)
    elif entry.action == "untag":
        kept.tags.discard(text)
    else:
        kept.notes.append((entry.time, text))
