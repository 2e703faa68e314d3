"""Keep a stream that cannot be read twice."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import IO

from forensics.errors import EvidenceError


def spool(stream: IO[bytes], folder: Path) -> Path:
    """Copy a stream into `folder`, named by its SHA-256; return the file (mode 0600)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    partial = folder / "partial"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        while data := stream.read(1 << 20):
            digest.update(data)
            out.write(data)
    final = folder / digest.hexdigest()
    partial.rename(final)
    return final


def standard_input() -> IO[bytes]:
    """Return standard input as bytes.

    Raises:
        EvidenceError: it is a terminal, so nothing would ever arrive.

    """
    if sys.stdin.isatty():
        raise EvidenceError("Standard input is a terminal.", hint="Pipe a log into it, or name a file.")
    return sys.stdin.buffer
