"""Both ways through the combined format give the same rows: parts found by numpy, and the expressions of the engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from forensics import lines
from forensics.importers._quoted import QuotedRows
from tests.ingest.helpers import load

PLAIN = '192.0.2.1 - alice [03/Mar/2026:09:00:00 +0100] "GET /a/b?c=d HTTP/1.1" 200 512 "https://x.example/" "curl/8.5.0 (x)"'
# Each differs from the plain line in one thing; the comment says what.
ODD = [
    PLAIN.replace("alice", "al ice"),  # a name of two words
    PLAIN.replace("alice", "-"),
    PLAIN.replace("alice", ""),  # two blanks
    PLAIN.replace("alice", "al[ice"),
    PLAIN.replace("alice", "al]ice"),
    PLAIN.replace("alice", 'al"ice'),  # seven quotes
    PLAIN.replace("alice", 'al\\"ice'),  # an escaped quote outside the quotes
    PLAIN.replace("- alice", "-\talice"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "-"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", ""),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "GET /a b HTTP/1.1"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "GET  HTTP/1.1"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", " /x HTTP/1.1"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "GET /x HTTP/"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "GET HTTP/1.0 HTTP/1.1"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "GET /x XTTP/1.1"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "GET /x"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", "\\x16\\x03\\x01"),
    PLAIN.replace("GET /a/b?c=d HTTP/1.1", 'GET /\\"x HTTP/1.1'),  # an escaped quote inside
    PLAIN.replace("?c=d", "?"),
    PLAIN.replace("?c=d", ""),
    PLAIN.replace("?c=d", "?c=d?e"),
    PLAIN.replace("/a/b?c=d", "?q"),
    PLAIN.replace("/a/b", "/grüße"),
    PLAIN.replace("200 512", "- -"),
    PLAIN.replace("200 512", "abc 1e9"),
    PLAIN.replace("200 512", "200  512"),
    PLAIN.replace("200 512", "200"),
    PLAIN.replace("200 512", "200 512 7"),
    PLAIN.replace("200 512", "99999999999 99999999999999999999"),
    PLAIN.replace("curl/8.5.0 (x)", "-"),
    PLAIN.replace("curl/8.5.0 (x)", ""),
    PLAIN.replace("curl/8.5.0 (x)", "0123456789ab"),  # twelve bytes: the longest that stands in a view
    PLAIN.replace("curl/8.5.0 (x)", "0123456789abc"),
    PLAIN.replace("curl/8.5.0 (x)", 'Mozilla \\"x\\" (y)'),
    PLAIN.replace("curl/8.5.0 (x)", "ends with \\\\"),  # two backslashes, then the closing quote
    PLAIN.replace("curl/8.5.0 (x)", "ends with \\"),  # the closing quote is escaped
    PLAIN.replace("curl/8.5.0 (x)", "tab\tin it"),
    PLAIN.replace('" "', '"  "'),
    PLAIN.replace('" "', '""'),
    PLAIN + " 0.123",
    PLAIN + ' "10.0.0.1"',
    PLAIN + "x",
    PLAIN + " ",
    PLAIN + "\r",
    PLAIN.replace("+0100", "+0000"),
    PLAIN.replace("+0100", "-1130"),
    PLAIN.replace("+0100", "+9999"),
    PLAIN.replace("+0100", "0100"),
    PLAIN.replace("03/Mar", "31/Feb"),
    PLAIN.replace("03/Mar", "3/Mar"),
    PLAIN.replace("Mar", "mar"),
    PLAIN.replace("Mar", "Mrz"),
    PLAIN.replace("2026", "1970"),
    PLAIN.replace("2026", "2100"),
    PLAIN.replace("09:00:00", "09:00:60"),
    PLAIN.replace("09:00:00", "24:00:00"),
    PLAIN.replace("[03", "[ 03"),
    PLAIN.replace("] ", "]"),
    PLAIN.replace(" [", "["),
    PLAIN.replace("192.0.2.1", "2001:db8::1"),
    PLAIN.replace("192.0.2.1 ", "shop.example:443 192.0.2.1 "),  # vhost_combined
    PLAIN.replace("192.0.2.1 ", "shop.example 192.0.2.1 "),
    PLAIN.replace("192.0.2.1 ", "shop.example: 192.0.2.1 "),
    PLAIN.replace("192.0.2.1 ", ":443 192.0.2.1 "),
    PLAIN.replace("192.0.2.1 ", "shop.example:https 192.0.2.1 "),
    PLAIN.replace("192.0.2.1 ", "shop.example:99999999999 192.0.2.1 "),
    PLAIN.replace("192.0.2.1 ", "[2001:db8::1]:443 192.0.2.1 "),
    PLAIN.replace("192.0.2.1 ", "2001:db8::1 192.0.2.1 "),
    PLAIN.replace("200 512", "200 9999999999999999"),
    PLAIN.replace("200 512", "2147483648 1"),
    PLAIN.replace("200 512", "999999999 1"),
    PLAIN.replace("200 512", "007 0001"),
    PLAIN + " a b",
    PLAIN + "  a",
    PLAIN + " \\x22",
    PLAIN + " ü",
    PLAIN.rsplit(' "', 2)[0],  # the common format
    PLAIN[:40],
    "x",
    '"',
    '" " " " " "',
    "\x00" * 20,
]


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is plain: the engine parses all."""

    def nothing(self: QuotedRows, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, np.ndarray]:
        return pa.record_batch([pa.nulls(0, item.type) for item in self.schema], schema=self.schema), np.arange(
            len(batch)
        )

    monkeypatch.setattr(QuotedRows, "__call__", nothing)


def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> Iterator[object]:
    for name in ("quick", "engine"):
        with monkeypatch.context() as patch:
            if name == "engine":
                blind(patch)
            loaded = load(tmp_path / name, data, format="combined")
            entry = loaded.entry
            yield (
                loaded.rows("http_requests"),
                loaded.rows("rejects"),
                (entry.records, entry.accepted, entry.rejected, entry.skipped),
            )


@pytest.mark.parametrize("vhost", [False, True])
def test_every_odd_line(vhost: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = f"shop.example:443 {PLAIN}" if vhost else PLAIN
    data = "".join(f"{first}\n{line}\n" for line in [PLAIN, *ODD] * 2)
    one, two = both(tmp_path, monkeypatch, (f"{first}\n" * 60 + data).encode())
    assert one == two


def test_shuffled_lines_over_small_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(5)  # noqa: S311 - a shuffle
    pool = [line.encode() for line in [*[PLAIN] * 60, *ODD]]
    mixed = [draw.choice(pool) for _ in range(3000)]
    mixed[100] = b"\xff" + mixed[100]
    monkeypatch.setattr(lines, "BLOCK_BYTES", 1500)
    one, two = both(tmp_path, monkeypatch, b"\n".join(mixed))
    assert one == two


def rows_of(texts: list[str]) -> tuple[list[dict[str, object]], list[int]]:
    columns = {
        "record_no": pa.array(range(1, len(texts) + 1), pa.int64()),
        "record_offset": pa.array(range(len(texts)), pa.int64()),
        "line": pa.array([f"{text}\n" for text in texts]),
        "salvaged": pa.array([False] * len(texts)),
    }
    rows, left = QuotedRows("weblog", has_host=False)(pa.record_batch(columns))
    return rows.to_pylist(), left.tolist()


def test_plain_lines_are_finished() -> None:
    """The quick way is taken: a test that compares two slow ways would show nothing."""
    rows, left = rows_of([PLAIN, ODD[18], ODD[19], ODD[0], PLAIN + " 0.123", PLAIN + ' "10.0.0.1"', ODD[34]])
    names = ("record_no", "url_path", "url_query", "user_agent_original", "attributes", "http_response_body_size")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (1, "/a/b", "c=d", "curl/8.5.0 (x)", None, 512),
        (2, '/\\"x', None, "curl/8.5.0 (x)", None, 512),
        (3, "/a/b", "", "curl/8.5.0 (x)", None, 512),
        (5, "/a/b", "c=d", "curl/8.5.0 (x)", '{"rest":"0.123"}', 512),
        (7, "/a/b", "c=d", 'Mozilla \\"x\\" (y)', None, 512),
    ]
    assert left == [3, 5]


@pytest.mark.parametrize("size", ["0", "7", "12345678", "123456789", "1234567890123456", "0000000000000042", "-"])
def test_sizes_of_up_to_sixteen_digits(size: str) -> None:
    rows, left = rows_of([PLAIN.replace("512", size)])
    assert left == []
    assert rows[0]["http_response_body_size"] == (None if size == "-" else int(size))


@pytest.mark.parametrize("size", ["12345678901234567", "1234567x", "x2345678", "12:4", "1/2", "+1", "-1", "1.0", "１"])
def test_what_is_no_plain_number_is_left(size: str) -> None:
    assert rows_of([PLAIN.replace("512", size)]) == ([], [0])
