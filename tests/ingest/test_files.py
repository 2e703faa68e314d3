"""Files as they come: packed, damaged, doubled, oddly named, changing, hostile."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from forensics import evidence, lines
from forensics.case import create, exclusive
from forensics.errors import CaseError, EvidenceError, FormatError
from forensics.evidence import inflate, reader, spool
from forensics.ingest import Options, ingest
from tests.ingest.helpers import load, load_paths

CLF = b'203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /%d HTTP/1.1" 200 512 "-" "curl/8.5"\n'
LOG = b"".join(CLF % number for number in range(2000))
HALF = LOG.rfind(b"\n", 0, len(LOG) // 2) + 1


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


@pytest.mark.parametrize(
    ("packed", "compression"),
    [
        (gzip.compress(LOG), "gzip"),
        (gzip.compress(LOG[:HALF]) + gzip.compress(LOG[HALF:]), "gzip"),
        (gzip.compress(LOG[: HALF + 7]) + gzip.compress(b"") + gzip.compress(LOG[HALF + 7 :]) + bytes(512), "gzip"),
        (zst(LOG), "zstd"),
        (zst(LOG[: HALF + 7]) + zst(LOG[HALF + 7 :]), "zstd"),
    ],
    ids=["gzip", "members", "members and padding", "zstd", "frames"],
)
def test_packed_evidence_is_the_same_evidence(tmp_path: Path, packed: bytes, compression: str) -> None:
    loaded, plain = load(tmp_path / "a", packed, "odd.name"), load(tmp_path / "b", LOG)
    assert loaded.entry.compression == compression
    assert loaded.entry.truncated == ""
    assert loaded.entry.id == plain.entry.id
    assert loaded.entry.sha256 != plain.entry.sha256
    assert (loaded.entry.size, loaded.entry.content_size) == (len(packed), len(LOG))
    assert loaded.rows("http_requests") == plain.rows("http_requests")


def test_packed_evidence_in_tiny_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 64)
    monkeypatch.setattr(inflate, "PIECE_BYTES", dict.fromkeys(inflate.PIECE_BYTES, 13))
    data = gzip.compress(LOG[:HALF]) + bytes(30) + gzip.compress(LOG[HALF:])
    assert load(tmp_path / "a", data).numbers("http_requests") == list(range(1, 2001))
    assert load(tmp_path / "b", zst(LOG)).numbers("http_requests") == list(range(1, 2001))
    assert load(tmp_path / "c", bz2.compress(LOG)).numbers("http_requests") == list(range(1, 2001))
    assert load(tmp_path / "d", lzma.compress(LOG)).numbers("http_requests") == list(range(1, 2001))


@pytest.mark.parametrize("pack", [gzip.compress, zst])
def test_a_cut_stream_keeps_what_came_before(tmp_path: Path, pack: object) -> None:
    packed = pack(os.urandom(1000).hex().encode() + b"\n" + LOG * 20)  # type: ignore[operator]  # either packer
    loaded = load(tmp_path, packed[: len(packed) * 3 // 4], "x.log")
    assert "damaged or cut" in loaded.entry.truncated
    rows = loaded.numbers("http_requests")
    assert len(rows) > 500
    assert rows == list(range(2, len(rows) + 2))
    assert loaded.reasons()[0] == (1, "not the combined format")
    assert loaded.entry.size == len(packed) * 3 // 4


def noisy(count: int) -> bytes:
    """Lines that do not pack well, so that damage in the middle hits the middle."""
    return b"".join(CLF.replace(b"curl/8.5", os.urandom(20).hex().encode()) % number for number in range(count))


@pytest.mark.parametrize("pack", [gzip.compress, zst])
def test_a_damaged_stream_keeps_what_came_before(tmp_path: Path, pack: object) -> None:
    data = noisy(20_000)
    packed = bytearray(pack(data))  # type: ignore[operator]  # either packer
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(64)
    loaded = load(tmp_path, bytes(packed))
    assert loaded.entry.truncated
    good = loaded.rows("http_requests")
    sure = [row for row in good if row["url_path"] == f"/{row['record_no'] - 1}"]
    assert len(sure) > 6000


def test_a_wrong_check_sum_is_told(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(LOG))
    packed[-5] ^= 1
    loaded = load(tmp_path, bytes(packed))
    assert loaded.entry.truncated
    assert loaded.numbers("http_requests") == list(range(1, 2001))


def test_rubbish_behind_a_member_is_told(tmp_path: Path) -> None:
    loaded = load(tmp_path, gzip.compress(LOG) + b"rubbish")
    assert loaded.entry.truncated
    assert loaded.entry.accepted == 2000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zst])
def test_a_bomb_is_cut_and_what_was_read_before_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(reader, "RATIO_FREE_BYTES", 1_000_000)
    monkeypatch.setattr(inflate, "PIECE_BYTES", dict.fromkeys(inflate.PIECE_BYTES, 256))
    loaded = load(tmp_path, pack(LOG[:HALF] + bytes(60_000_000)))
    assert "expands more than 200 times" in loaded.entry.truncated
    assert loaded.numbers("http_requests") == list(range(1, LOG[:HALF].count(b"\n") + 1))
    assert loaded.entry.content_size < 50_000_000


def evidence_size(path: Path) -> int:
    with evidence.HashingReader(path) as reader:
        return sum(iter(lambda: len(reader.read(1 << 20)), 0))


def test_a_zstd_bomb_is_never_held_whole(tmp_path: Path) -> None:
    """Blocks of one repeated byte: 4 bytes become 128 KiB. A piece may expand to 256 MB, not to 8 GB."""
    block = (1 << 1 | 131_072 << 3).to_bytes(3, "little") + b"\n"
    bomb = b"\x28\xb5\x2f\xfd" + b"\x00" + b"\x58" + block * 20_000
    path = tmp_path / "bomb.zst"
    path.write_bytes(bomb)
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EvidenceError, match="expands more than 200 times"):
        evidence_size(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 900_000


def test_the_same_bytes_count_once(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(LOG)
    (folder / "b.log.gz").write_bytes(gzip.compress(LOG))
    (folder / "c.log").write_bytes(LOG)
    loaded = load_paths(tmp_path, folder)
    assert [(entry.name, entry.status, entry.duplicate_of) for entry in loaded.entries] == [
        ("a.log", "ingested", ""), ("b.log.gz", "duplicate", "a.log"), ("c.log", "duplicate", "a.log"),
    ]  # fmt: skip
    assert len(loaded.rows("http_requests")) == 2000


def test_a_second_ingest_of_the_same_file(tmp_path: Path) -> None:
    first = load(tmp_path, LOG, "x.log")
    again = load_paths(tmp_path, tmp_path / "evidence" / "x.log")
    assert again.entry == first.entry
    assert len(again.case.ledger()) == 1
    assert len(again.rows("http_requests")) == 2000


@pytest.mark.parametrize(
    "name",
    [
        "a[1]*.log",
        'it\'s "x".log',
        "new\nline.log",
        "-rf",
        "?.log",
        "ünï.log",
        "; drop table x;--",
        "a/../b.log",
        "$(id)",
        "%2e%2e",
    ],
)
def test_file_names_are_only_names(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    base = name.replace("/", "_")
    (folder / base).write_bytes(LOG)
    (folder / "a1x.log").write_bytes(LOG.replace(b"/8.5", b"/8.6"))
    loaded = load_paths(tmp_path, folder)
    assert sorted(entry.name for entry in loaded.entries) == sorted([base, "a1x.log"])
    assert {entry.accepted for entry in loaded.entries} == {2000}
    assert {entry.name for entry in loaded.case.ledger()} == {base, "a1x.log"}


def test_a_file_name_that_is_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/gr\xfc\xdf.log")).write_bytes(LOG)
    loaded = load_paths(tmp_path, folder)
    assert (loaded.entry.name, loaded.entry.accepted) == ("gr\\xfc\\xdf.log", 2000)
    assert loaded.case.ledger()[0].path.endswith("/gr\\xfc\\xdf.log")


def test_files_of_the_same_name_in_several_folders(tmp_path: Path) -> None:
    paths = []
    for index, folder in enumerate(("a/logs", "b/logs", "c")):
        path = tmp_path / folder / "access.log"
        path.parent.mkdir(parents=True)
        path.write_bytes(LOG.replace(b"/8.5", b"/8.%d" % index))
        paths.append(path)
    loaded = load_paths(tmp_path, *paths)
    names = [entry.name for entry in loaded.entries]
    assert len(set(names)) == 3
    assert all(name.endswith("/access.log") for name in names)


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(LOG)
    (folder / "link.log").symlink_to(folder / "a.log")
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "dir").symlink_to("/etc")
    (folder / "old.case").mkdir()
    (folder / "old.case" / "evidence.json").write_text("[]")
    loaded = load_paths(tmp_path, folder)
    assert [(entry.name, entry.status) for entry in loaded.entries] == [
        ("a.log", "ingested"),
        ("dir", "ignored"),
        ("link.log", "ignored"),
        ("passwd", "ignored"),
    ]


def test_a_named_link_is_the_file_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(LOG)
    (tmp_path / "link").symlink_to(tmp_path / "a.log")
    loaded = load_paths(tmp_path, tmp_path / "link")
    assert (loaded.entry.name, loaded.entry.path, loaded.entry.accepted) == ("link", str(tmp_path / "a.log"), 2000)


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    started = time.monotonic()
    with pytest.raises(EvidenceError, match="is not a file or folder"):
        load_paths(tmp_path, tmp_path / "pipe")
    with pytest.raises(EvidenceError, match="is not a regular file"):
        evidence.open_file(tmp_path / "pipe")
    assert time.monotonic() - started < 5


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="does not exist"):
        load_paths(tmp_path, tmp_path / "nothing")


def deny(monkeypatch: pytest.MonkeyPatch, refused: Path) -> None:
    real = os.open

    def open_or_not(path: str | Path, *arguments: int, **more: int) -> int:
        if str(path) == str(refused):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **more)

    monkeypatch.setattr(os, "open", open_or_not)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(LOG)
    (folder / "b.log").write_bytes(LOG)
    deny(monkeypatch, folder / "b.log")
    loaded = load_paths(tmp_path, folder)
    assert [(entry.name, entry.status) for entry in loaded.entries] == [("a.log", "ingested"), ("b.log", "failed")]
    assert "Permission denied" in loaded.entries[1].note
    with pytest.raises(EvidenceError, match="Permission denied"):
        load_paths(tmp_path, folder / "b.log", case="other.case")


def test_a_case_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = create(tmp_path / "x.case")
    deny(monkeypatch, case.folder / "lock")
    with pytest.raises(CaseError, match="cannot be written: Permission denied"), exclusive(case):
        pass


def test_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        load(tmp_path, b"")
    loaded = load_paths(tmp_path, tmp_path / "evidence")
    assert (loaded.entry.status, loaded.entry.note, loaded.entry.size) == ("unrecognised", "empty file", 0)


@pytest.mark.parametrize(
    "name",
    [
        "combined",
        "envoy-json",
        "native-ndjson",
        "exchange",
        "zeek-json",
        "zeek-tsv",
        "native-csv",
        "native-parquet",
        "har",
        "cyclonedx",
        "kubernetes",
    ],
)
def test_a_forced_format_over_an_empty_file(tmp_path: Path, name: str) -> None:
    """No row, one reject, or an error a user can act on; never a crash."""
    with suppress(EvidenceError):
        assert load(tmp_path, b"", format=name).entry.accepted == 0


@pytest.mark.parametrize(
    "name",
    [
        "combined",
        "envoy-json",
        "native-ndjson",
        "exchange",
        "zeek-json",
        "zeek-tsv",
        "native-csv",
        "native-parquet",
        "har",
        "cyclonedx",
        "kubernetes",
    ],
)
def test_a_forced_format_over_the_wrong_file(tmp_path: Path, name: str) -> None:
    data = bytes(range(256)) * 40 + b'\n{"a": 1}\n[[1]]\n'
    with suppress(EvidenceError):
        assert load(tmp_path, data, format=name).entry.accepted == 0


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with pytest.raises(EvidenceError, match="There is no file"):
        load_paths(tmp_path, tmp_path / "logs")


def test_a_named_file_of_no_known_format_lists_candidates(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"The format of evidence is not known \(candidates: none\)") as caught:
        load(tmp_path, "hello\nworld\n")
    assert "--format" in caught.value.hint
    mixed = LOG[:200].splitlines(keepends=True)[0] + b"hello\n"
    with pytest.raises(FormatError, match="There is no format `nope`") as caught:
        load(tmp_path, mixed, format="nope")
    assert "combined" in caught.value.hint


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both passes read what was there when it was opened; the next ingest reads the rest."""
    path = tmp_path / "evidence" / "x.log"
    path.parent.mkdir()
    path.write_bytes(LOG + b"rubbish\n")
    real = evidence.HashingReader.identity

    def identity(self: evidence.HashingReader) -> evidence.Identity:
        with path.open("ab") as file:
            file.write(CLF % 7)
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(evidence.HashingReader, "identity", identity)
        entry = load_paths(tmp_path, path.parent).entry
    assert (entry.status, entry.records, entry.rejected, entry.size) == ("ingested", 2001, 1, len(LOG) + 8)
    assert entry.note == f"grew while it was read: its first {len(LOG) + 8:,} bytes were taken"
    loaded = load_paths(tmp_path, path.parent)
    assert (loaded.entry.continues, loaded.entry.first_record) == (entry.id, 2002)
    assert sorted(loaded.numbers("http_requests")) == [*range(1, 2001), *range(2002, 2002 + loaded.entry.records)]


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "evidence" / "x.log"
    path.parent.mkdir()
    path.write_bytes(LOG)
    real = evidence.HashingReader.identity

    def identity(self: evidence.HashingReader) -> evidence.Identity:
        with path.open("r+b") as file:
            file.write(b"9")
        os.utime(path, ns=(time.time_ns(), time.time_ns()))
        return real(self)

    monkeypatch.setattr(evidence.HashingReader, "identity", identity)
    with pytest.raises(EvidenceError, match="changed while it was read"):
        load_paths(tmp_path, path)
    assert load_paths(tmp_path, path.parent, case="other.case").entry.status == "failed"


def test_evidence_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    files = {
        "a.log": LOG,
        "b.gz": gzip.compress(LOG[:HALF]),
        "c.har": b'{"log": {"version": "1.2", "entries": [5]}}',
        "d.txt": b"?",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
        os.utime(folder / name, ns=(10**18, 10**18))
    load_paths(tmp_path, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert {path.stat().st_mtime_ns for path in folder.iterdir()} == {10**18}


def test_the_ledger_says_what_was_read(tmp_path: Path) -> None:
    entry = load(tmp_path, LOG + b"\nrubbish\n", "x.log").entry
    import hashlib

    digest = hashlib.sha256(LOG + b"\nrubbish\n").hexdigest()
    assert (entry.id, entry.sha256, entry.content_sha256) == (digest[:16], digest, digest)
    assert (entry.records, entry.accepted, entry.rejected, entry.skipped) == (2002, 2000, 1, {"blank": 1})
    assert (entry.first_time, entry.last_time) == ("2026-03-03T09:00:00Z", "2026-03-03T09:00:00Z")
    assert (entry.format, entry.observer, entry.rows) == ("combined", "weblog", {"http_requests": 2000, "rejects": 1})


def test_the_table_is_the_same_whatever_the_threads(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(LOG * 10)
    hashes = set()
    for threads in (1, 2, 4):
        case = create(tmp_path / f"{threads}.case")
        hashes.add(json.dumps(ingest(case, [path], Options(threads=threads))[0].table_sha256))
    assert len(hashes) == 1


def test_a_second_process_is_told_who_holds_the_case(tmp_path: Path) -> None:
    case = create(tmp_path / "x.case")
    code = (
        "import sys, pathlib; from forensics.case import Case, exclusive; from forensics.errors import CaseError\n"
        "try:\n    with exclusive(Case(pathlib.Path(sys.argv[1]))): print('got it')\nexcept CaseError as error: print(error.message)"
    )
    with exclusive(case):
        result = subprocess.run(
            [sys.executable, "-c", code, str(case.folder)], capture_output=True, text=True, check=True
        )
    assert result.stdout.strip() == f"The case is in use by process {os.getpid()}."
    result = subprocess.run([sys.executable, "-c", code, str(case.folder)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "got it"


def test_a_line_without_end_is_not_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a line over the limit only so much is kept as tells that it is; offsets behind it are right."""
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(lines, "MAX_RAW_BYTES", 900)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)
    line = CLF % 1
    loaded = load(tmp_path, line * 3 + b"x" * 123_456 + b"\n" + line)
    assert loaded.numbers("http_requests") == [1, 2, 3, 5]
    assert loaded.rows("http_requests")[3]["record_offset"] == 3 * len(line) + 123_457
    reject = loaded.row("rejects")
    assert (reject["record_no"], reject["record_offset"], reject["record_length"], len(reject["raw"])) == (
        4,
        3 * len(line),
        123_457,
        lines.MAX_RAW_BYTES,
    )
    assert reject["raw"] == b"x" * lines.MAX_RAW_BYTES
    progress = lines.Progress()
    sizes = [batch.nbytes for batch in lines.batches(tmp_path / "evidence" / "evidence", progress)]
    assert max(sizes) < 5000


def test_copies_that_are_made_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each has the bytes that its name says; a copy that fails leaves nothing."""
    texts = [bytes([number]) * 300_000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda text: spool(io.BytesIO(text), tmp_path), texts))
    assert [path.read_bytes() for path in kept] == texts
    assert [path.name for path in kept] == [hashlib.sha256(text).hexdigest() for text in texts]

    class Broken(io.RawIOBase):
        def read(self, _size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        spool(Broken(), tmp_path)  # type: ignore[arg-type] # only read() is called
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in kept}
    assert spool(io.BytesIO(b"abcdef"), tmp_path, 3).read_bytes() == b"abc"
