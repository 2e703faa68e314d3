"""Turn bytes into numbered lines as Arrow batches: validated once, without copying, so that the engine parses what was hashed.

A clean block (ASCII or UTF-8) becomes an Arrow string array over the very bytes that were read: measured 800 MB/s with SHA-256
on one core, against 225 MB/s for a Python loop. Lines keep their line feed; it is white space to a JSON parser and is trimmed in SQL.
Only lines that are not UTF-8, or too long, are touched one by one.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from forensics.errors import EvidenceError, TruncatedError
from forensics.evidence import HashingReader, Identity

Notify = Callable[[int], None] | None

BLOCK_BYTES = 4 * 1024 * 1024
_BLOCKS_AHEAD = 2
MAX_LINE_BYTES = 32 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


def _json_backslash(error: UnicodeError) -> tuple[str, int]:
    r"""Escape invalid bytes so that a JSON string holds the text \xff."""
    text, position = codecs.backslashreplace_errors(error)
    return str(text).replace("\\", "\\\\"), position


codecs.register_error("jsonbackslash", _json_backslash)

SCHEMA = pa.schema(
    [
        ("record_no", pa.int64()),
        ("record_offset", pa.int64()),
        ("record_length", pa.int64()),
        ("section", pa.int32()),
        ("salvaged", pa.bool_()),
        ("line", pa.string()),
    ]
)


@dataclass(slots=True)
class Progress:
    """What passed through the reader; complete when the last batch was drawn."""

    escape: str = "backslashreplace"  # "jsonbackslash" where the lines are JSON
    notify: Notify = None
    lines: int = 0
    salvaged: int = 0
    identity: Identity | None = None
    compression: str = "none"
    unchanged: bool = True
    truncated: str = ""


def batches(path: Path, progress: Progress, starts: tuple[int, ...] = (1,)) -> Generator[pa.RecordBatch]:
    """Yield batches of `SCHEMA` of the lines of a file; `starts` are the first record numbers of its sections.

    Reading, hashing and splitting run in a thread of their own, two blocks ahead of the engine.
    """
    source = _read(path, progress, np.array(starts, dtype=np.int64))
    with closing(source), ThreadPoolExecutor(1) as reader:
        ahead = deque(reader.submit(next, source, None) for _ in range(_BLOCKS_AHEAD))
        try:
            while (batch := ahead.popleft().result()) is not None:
                ahead.append(reader.submit(next, source, None))
                yield batch
        finally:
            for waiting in ahead:
                waiting.cancel()


def _read(path: Path, progress: Progress, starts: np.ndarray) -> Generator[pa.RecordBatch]:
    with closing(HashingReader(path)) as reader:
        progress.compression = reader.compression
        offset = 0
        for block, dropped in _blocks(reader, progress):
            yield _batch(block, dropped, offset, progress, starts)
            offset += len(block) + dropped
        progress.identity = reader.identity()
        progress.unchanged = reader.unchanged()


def _blocks(reader: HashingReader, progress: Progress) -> Iterator[tuple[bytes, int]]:
    """Yield blocks that end at a line feed, and how many bytes of the first line were dropped.

    A line longer than a block makes a larger block; of a line over the limit only so much is kept in memory as tells that it is.
    """
    carry: list[bytes] = []
    dropped = held = 0
    while True:
        try:
            data = reader.read(BLOCK_BYTES)
        except TruncatedError as error:
            progress.truncated = error.message
            data = b""
        if not data:
            break
        if progress.notify:
            progress.notify(len(data))
        cut = data.rfind(b"\n") + 1
        if not cut:
            room = max(MAX_LINE_BYTES + 1 - held, 0)
            carry.append(data[:room])
            held += len(carry[-1])
            dropped += len(data) - len(carry[-1])
            continue
        yield b"".join([*carry, data[:cut]]) if carry else data[:cut], dropped
        carry = [data[cut:]] if cut < len(data) else []
        dropped, held = 0, len(data) - cut
    if carry:
        yield b"".join(carry), dropped


def _batch(block: bytes, dropped: int, offset: int, progress: Progress, starts: np.ndarray) -> pa.RecordBatch:
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10) + 1
    if not len(ends) or ends[-1] != len(block):
        ends = np.append(ends, len(block))
    bounds = np.concatenate([[0], ends]).astype(np.int64)
    count = len(ends)
    numbers = np.arange(progress.lines + 1, progress.lines + count + 1, dtype=np.int64)
    progress.lines += count
    lines, salvaged = _texts(block, bounds, offset, progress)
    places = bounds + offset
    places[1:] += dropped
    sections = np.searchsorted(starts, numbers, side="right").astype(np.int32) - 1
    return pa.record_batch(
        [
            pa.array(numbers),
            pa.array(places[:-1]),
            pa.array(np.diff(places)),
            pa.array(sections, pa.int32()),
            salvaged,
            lines,
        ],
        schema=SCHEMA,
    )


def _texts(block: bytes, bounds: np.ndarray, offset: int, progress: Progress) -> tuple[pa.Array, pa.Array]:
    count = len(bounds) - 1
    has_bom = offset == 0 and block.startswith(_BOM)
    if not has_bom and len(block) <= MAX_LINE_BYTES and _is_utf8(block):
        buffers = [None, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(block)]
        return pa.StringArray.from_buffers(count, *buffers[1:]), pa.array(np.zeros(count, dtype=bool))
    return _salvage(block, bounds, offset, progress)


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _salvage(block: bytes, bounds: np.ndarray, offset: int, progress: Progress) -> tuple[pa.Array, pa.Array]:
    """Lines one by one: invalid UTF-8 becomes visible escapes and is marked; a line over the limit becomes NULL."""
    texts: list[str | None] = []
    marks: list[bool] = []
    for index in range(len(bounds) - 1):
        start, end = int(bounds[index]), int(bounds[index + 1])
        if end - start > MAX_LINE_BYTES:
            texts.append(None)
            marks.append(False)
            continue
        raw = block[start:end]
        if offset + start == 0:
            raw = raw.removeprefix(_BOM)
        valid = _is_utf8(raw)
        texts.append(raw.decode() if valid else raw.decode("utf-8", progress.escape))
        marks.append(not valid)
    progress.salvaged += sum(marks)
    return pa.array(texts, pa.string()), pa.array(marks, pa.bool_())


def read_ranges(path: Path, ranges: list[tuple[int, int]], limit: int = 64 * 1024) -> Iterator[bytes]:
    """Yield at most `limit` bytes of each (offset, length) of the decompressed bytes; ranges must be sorted by offset.

    Raises:
        EvidenceError: the file ends before a range.

    """
    with closing(HashingReader(path)) as reader:
        position, buffer = 0, b""
        for offset, length in ranges:
            wanted = min(length, limit)
            while position + len(buffer) < offset + wanted:
                if position + len(buffer) <= offset:
                    position, buffer = position + len(buffer), b""
                else:
                    buffer, position = buffer[max(0, offset - position) :], max(position, offset)
                data = _some(reader)
                if not data:
                    raise EvidenceError(
                        f"{path} ends before byte {offset + wanted:,}.", hint="The file changed; ingest it again."
                    )
                buffer += data
            begin = offset - position
            yield buffer[begin : begin + wanted]


def _some(reader: HashingReader) -> bytes:
    try:
        return reader.read(1 << 20)
    except TruncatedError:
        return b""
