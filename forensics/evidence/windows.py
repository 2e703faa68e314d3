"""Where a file's head tells nothing: short pieces of whole lines from further on, so that a log is known by its content behind a banner too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

from forensics.errors import TruncatedError
from forensics.evidence.reader import HEAD_BYTES, HashingReader

# A window holds so much of whole lines, or one line that is longer. Measured: 1 ms to ask every format about a window.
WINDOW_BYTES = 16 * 1024
# Samples carry bodies of some 100 kB; a longer line is passed over: asking all formats takes 30 ms a MiB, and objects take memory.
MAX_LINE_BYTES = 4 << 20
# Up to here every line is looked at; behind it one window in each step.
EVERY_LINE_BYTES = 2 << 20
STEP_BYTES = 512 * 1024
# Twice the longest line (32 MiB): a log is known behind a line that is refused for its length.
REACH_BYTES = 64 << 20
# At most so much is looked at: what lies in long lines may be more than the windows of short ones.
LOOKED_BYTES = 8 << 20


def windows(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield pieces of whole lines, in order, each with what follows it up to 64 KiB; of a damaged stream what can be had.

    Raises:
        EvidenceError: the file cannot be read.

    """
    passed = looked = 0
    for piece in _whole_lines(_blocks(path)):
        for window, wider in _windows(piece) if passed < EVERY_LINE_BYTES else islice(_windows(piece), 1):
            yield window, wider
            looked += len(window)
            if looked >= LOOKED_BYTES:
                return
        passed += len(piece)


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the beginning of a file; an empty block says that this was all of it."""
    with closing(HashingReader(path)) as reader, suppress(TruncatedError):
        while reader.inner_bytes < REACH_BYTES:
            data = reader.read(STEP_BYTES)
            yield data
            if not data:
                return


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces that end at a line end; a line that is too long is left out."""
    carry, is_long = b"", False
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            begin = block.find(b"\n") + 1 if is_long else 0
            if piece := carry + block[begin:cut]:
                yield piece
            carry, is_long = block[cut:], False
        else:
            is_long = is_long or len(carry) + len(block) > MAX_LINE_BYTES
            carry = b"" if is_long else carry + block
        if carry and not block:
            yield carry


def _windows(piece: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    while start < len(piece):
        end = piece.rfind(b"\n", start, start + WINDOW_BYTES) + 1
        end = end or piece.find(b"\n", start) + 1 or len(piece)
        wide = max(end, piece.rfind(b"\n", start, start + HEAD_BYTES) + 1)
        yield piece[start:end], piece[start:wide]
        start = end
