"""Both ways through the combined format give the same rows: parts found by numpy, and the expressions of the engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from forensics import lines
from forensics.importers._quoted import QuotedParts
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
    PLAIN.rsplit(' "', 2)[0],  # the common format
    PLAIN[:40],
    "x",
    '"',
    '" " " " " "',
    "\x00" * 20,
]


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line has parts: the engine parses all."""
    monkeypatch.setattr(QuotedParts, "__call__", lambda _, batch: pa.nulls(len(batch), QuotedParts.field.type))


def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> Iterator[object]:
    for name in ("parts", "engine"):
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


def test_plain_lines_have_parts() -> None:
    """The quick way is taken: a test that compares two slow ways would show nothing."""
    texts = [PLAIN, ODD[18], ODD[19], PLAIN + " 0.123", ODD[34]]
    batch = pa.record_batch({"line": pa.array([f"{text}\n" for text in texts])})
    parts = QuotedParts(has_host=False)(batch).to_pylist()
    assert [part and (part["path"], part["query"], part["agent"], part["rest"]) for part in parts] == [
        ("/a/b", "c=d", "curl/8.5.0 (x)", None),
        ('/\\"x', None, "curl/8.5.0 (x)", None),
        ("/a/b", "", "curl/8.5.0 (x)", None),
        ("/a/b", "c=d", "curl/8.5.0 (x)", "0.123"),
        ("/a/b", "c=d", 'Mozilla \\"x\\" (y)', None),
    ]
