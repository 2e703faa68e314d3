"""What a file is, by its content: evidence of a format, an archive, configuration, or nothing we know."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field

from forensics.case import Status
from forensics.errors import EvidenceError, FormatError
from forensics.evidence import HEAD_BYTES, Source, read_head, windows
from forensics.importers import MIN_SCORE, Importer, all_importers, recognise, scores
from forensics.importers.contract import SAMPLE_LINES, Head
from forensics.ingest.unknown import WIDE, Sample, suspicion
from forensics.text import safe_text

CONFIGURATION_FILES = ("canary.toml", "expected.toml", "gdpr.toml")


@dataclass(frozen=True, slots=True)
class Choice:
    """The importer of a file, or none; the head by which it was known, and where it was not, lines from all over the file."""

    importer: Importer | None
    head: Head
    sample: Sample = field(default_factory=Sample)


def head_of(source: Source) -> Head:
    """Return the head of a source, for recognition."""
    data, trouble = read_head(source.path)
    return Head(data, source.name, complete=len(data) < HEAD_BYTES, trouble=trouble)


def choose(source: Source, head: Head, forced: Importer | None = None) -> Choice:
    """Return the importer that fits best: by the head, else by what lies further on; `forced` is taken in any case.

    Raises:
        EvidenceError: nothing can be decompressed. FormatError: none fits and the user named this very file.

    """
    if forced and (not forced.by_line or forced.recognise(head) >= MIN_SCORE):
        return Choice(forced, head)
    found = None if forced else recognise(head)
    if found and not found.is_general:
        return Choice(found, head)
    if head.trouble and not head.data:
        raise EvidenceError(head.trouble, hint="Export it again.")
    choice = _further(source, head, [forced] if forced else [item for item in all_importers() if item.by_line])
    if found and (choice.importer is None or choice.importer.is_general):
        return Choice(found, head)
    if forced:
        return choice if choice.importer else Choice(forced, head)
    if choice.importer is None and source.named:
        raise _unknown(source, choice)
    return choice


def _further(source: Source, head: Head, among: Sequence[Importer]) -> Choice:
    """Look behind the head, or between its lines: a banner or lines of other programs may come first."""
    sample, general = Sample(), None
    if head.complete and len(head.lines) < SAMPLE_LINES:  # that was all of it
        return Choice(None, head, Sample(head.lines, len(head.data)))
    for data, wider in windows(source.path):
        window = Head(data, source.name)
        if importer := recognise(window, among):
            wide = Head(wider, source.name)
            choice = Choice(importer, wide if importer.recognise(wide) >= MIN_SCORE else window)
            if not importer.is_general:
                return choice
            general = general or choice
        sample.add(window.lines, len(data))
    return general or Choice(None, head, sample)


def _unknown(source: Source, choice: Choice) -> FormatError:
    candidates = ", ".join(f"{importer.name} ({score})" for score, importer in scores(choice.head)) or "none"
    why = suspicion(choice.sample) or f"candidates: {candidates}"
    return FormatError(f"The format of {safe_text(source.name)} is not known ({why}).", hint=_hint(choice.head))


def _hint(head: Head) -> str:
    if head.data.startswith(WIDE):
        return "It is UTF-16: convert it, for instance with: iconv -f UTF-16 -t UTF-8."
    return "Name it with --format NAME; `canary-forensics formats` lists all."


def other(source: Source, choice: Choice) -> tuple[Status, str, bool]:
    """Tell configuration apart from what is not recognised: status, note, and whether it may hold records all the same."""
    head = choice.head
    if source.path.name in CONFIGURATION_FILES:
        return "configuration", source.path.name, False
    if source.path.suffix == ".toml" and head.complete and _is_toml(head.text):
        return "configuration", "TOML", False
    if head.mentions(r"(?m)^\s*\"?apiVersion\"?:\s*\"?(argoproj\.io|flagger\.app|networking\.istio\.io)/"):
        return "configuration", "Kubernetes object: policy or routing", False
    if head.data.startswith(WIDE):
        return "unrecognised", "UTF-16: convert it to UTF-8", True
    if not head.data:
        return "unrecognised", "empty file", False
    return "unrecognised", *_told(head, choice.sample)


def _told(head: Head, sample: Sample) -> tuple[str, bool]:
    ranked = scores(head)
    if ranked:
        both = " and ".join(importer.name for _, importer in ranked[:2])
        return f"{both} fit alike: name one with --format", True
    why = suspicion(sample)
    return f"no importer claims its content{f'; {why}' if why else ''}", bool(why)


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
