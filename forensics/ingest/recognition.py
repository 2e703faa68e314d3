"""What a file is, by its content: evidence of a format, an archive, configuration, or nothing we know."""

from __future__ import annotations

import tomllib

from forensics.case import Status
from forensics.errors import EvidenceError, FormatError
from forensics.evidence import HEAD_BYTES, Source, read_head
from forensics.importers import Importer, recognise, scores
from forensics.importers.contract import Head
from forensics.text import safe_text

CONFIGURATION_FILES = ("canary.toml", "expected.toml", "gdpr.toml")
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def head_of(source: Source) -> Head:
    """Return the head of a source, for recognition."""
    data, trouble = read_head(source.path)
    return Head(data, source.name, complete=len(data) < HEAD_BYTES, trouble=trouble)


def choose(source: Source, head: Head) -> Importer | None:
    """Return the importer that fits best.

    Raises:
        EvidenceError: nothing can be decompressed. FormatError: none fits and the user named this very file.

    """
    found = recognise(head)
    if found is None and head.trouble and not head.data:
        raise EvidenceError(head.trouble, hint="Export it again.")
    if found is None and source.named:
        candidates = ", ".join(f"{importer.name} ({score})" for score, importer in scores(head)) or "none"
        raise FormatError(
            f"The format of {safe_text(source.name)} is not known (candidates: {candidates}).", hint=_hint(head)
        )
    return found


def _hint(head: Head) -> str:
    if head.data.startswith(_WIDE):
        return "It is UTF-16: convert it, for instance with: iconv -f UTF-16 -t UTF-8."
    return "Name it with --format NAME; `canary-forensics formats` lists all."


def other(source: Source, head: Head) -> tuple[Status, str]:
    """Tell configuration apart from what is not recognised: status and note."""
    if source.path.name in CONFIGURATION_FILES:
        return "configuration", source.path.name
    if source.path.suffix == ".toml" and head.complete and _is_toml(head.text):
        return "configuration", "TOML"
    if head.mentions(r"(?m)^\s*\"?apiVersion\"?:\s*\"?(argoproj\.io|flagger\.app|networking\.istio\.io)/"):
        return "configuration", "Kubernetes object: policy or routing"
    if head.data.startswith(_WIDE):
        return "unrecognised", "UTF-16: convert it to UTF-8"
    return "unrecognised", "no importer claims its content" if head.data else "empty file"


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
