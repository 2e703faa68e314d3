"""Keep a stream that cannot be read twice."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from forensics.errors import EvidenceError


def spool(stream: IO[bytes], folder: Path, size: int | None = None) -> Path:
    """Copy a stream, or its first `size` bytes, into `folder`, named by its SHA-256; return the file (mode 0600).

    Several threads copy at once, each under a name of its own until the hash is known.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, left = hashlib.sha256(), sys.maxsize if size is None else size
    descriptor, partial = tempfile.mkstemp(prefix="partial-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as out:
            while data := stream.read(min(left, 1 << 20)):
                left -= len(data)
                digest.update(data)
                out.write(data)
        final = folder / digest.hexdigest()
        Path(partial).rename(final)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    return final


def standard_input() -> IO[bytes]:
    """Return standard input as bytes.

    Raises:
        EvidenceError: it is a terminal, so nothing would ever arrive.

    """
    if sys.stdin.isatty():
        raise EvidenceError("Standard input is a terminal.", hint="Pipe a log into it, or name a file.")
    return sys.stdin.buffer
