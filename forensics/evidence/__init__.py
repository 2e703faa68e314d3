"""Evidence files: found, opened read-only, identified by the bytes inside, never changed."""

from __future__ import annotations

from forensics.evidence.archive import Kind, Member, archive_kind, walk
from forensics.evidence.discover import SPECIAL, Source, discover, file_of, printable
from forensics.evidence.inflate import Compression, compression_of
from forensics.evidence.reader import (
    HEAD_BYTES,
    MAX_RATIO,
    Fingerprint,
    HashingReader,
    Identity,
    Mark,
    NotGrownError,
    fingerprint,
    open_file,
    prefix_hashes,
    read_head,
)
from forensics.evidence.spool import spool, standard_input
from forensics.evidence.windows import windows

__all__ = [
    "HEAD_BYTES",
    "MAX_RATIO",
    "SPECIAL",
    "Compression",
    "Fingerprint",
    "HashingReader",
    "Identity",
    "Kind",
    "Mark",
    "Member",
    "NotGrownError",
    "Source",
    "archive_kind",
    "compression_of",
    "discover",
    "file_of",
    "fingerprint",
    "open_file",
    "prefix_hashes",
    "printable",
    "read_head",
    "spool",
    "standard_input",
    "walk",
    "windows",
]
