"""Archives: members are evidence of their own, read as bounded streams, never extracted by name."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from forensics.evidence import archive
from forensics.investigate.show import raw_lines
from tests.ingest.helpers import Loaded, load, load_paths

CLF = b'192.0.2.1 - - [03/Mar/2026:09:00:00 +0000] "GET /%d HTTP/1.1" 200 5 "-" "curl/8.5"\n'
LOG = b"".join(CLF % number for number in range(50))
OTHER = b"".join(CLF % number for number in range(100, 130))

Files = list[tuple[str, bytes]]


def make_zip(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files:
            made.writestr(zipfile.ZipInfo(name, (2026, 3, 3, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def make_tar(files: Files, form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as made:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


MAKERS: dict[str, Callable[[Files], bytes]] = {
    "zip": make_zip,
    "gnu tar": make_tar,
    "pax tar": lambda files: make_tar(files, tarfile.PAX_FORMAT),
    "ustar": lambda files: make_tar(files, tarfile.USTAR_FORMAT),
    "tar.gz": lambda files: gzip.compress(make_tar(files)),
    "tar.zst": lambda files: zstandard.ZstdCompressor().compress(make_tar(files)),
}


def statuses(loaded: Loaded) -> list[tuple[str, str, int]]:
    return [(entry.name, entry.status, entry.accepted) for entry in loaded.entries]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_members_are_evidence_of_their_own(tmp_path: Path, make: Callable[[Files], bytes]) -> None:
    long = "x" * 60 + "/" + "y" * 60 + "/second.log.gz"
    files = [("logs/first.log", LOG), (long, gzip.compress(OTHER, mtime=0)), ("read me.txt", b"hello")]
    loaded = load(tmp_path, make(files), "all.bin")
    assert statuses(loaded) == [
        ("all.bin", "archive", 0),
        ("all.bin!logs/first.log", "ingested", 50),
        ("all.bin!read me.txt", "unrecognised", 0),
        (f"all.bin!{long}", "ingested", 30),
    ]
    plain = load(tmp_path / "plain", LOG)
    assert loaded.entries[1].id == plain.entry.id
    assert loaded.entries[1].member == "logs/first.log"
    assert loaded.entries[0].note == "3 members"
    assert not list(loaded.case.temporary.rglob("*"))


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_raw_bytes_of_a_member_are_found_again(tmp_path: Path, make: Callable[[Files], bytes]) -> None:
    loaded = load(tmp_path, make([("a.log", LOG), ("b.log.gz", gzip.compress(OTHER))]), "all.bin")
    entry = loaded.entries[2]
    (line,) = raw_lines(loaded.case, entry, 7, 0)
    assert line.data + b"\n" == CLF % 106


def test_a_member_that_is_elsewhere_too_is_a_duplicate(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "b.zip").write_bytes(make_zip([("x.log", LOG)]))
    (folder / "z.log.gz").write_bytes(gzip.compress(LOG))
    loaded = load_paths(tmp_path, folder)
    assert [(entry.name, entry.status, entry.duplicate_of) for entry in loaded.entries] == [
        ("b.zip", "archive", ""),
        ("b.zip!x.log", "ingested", ""),
        ("z.log.gz", "duplicate", "b.zip!x.log"),
    ]
    assert len(loaded.rows("http_requests")) == 50


def test_a_second_ingest_reads_members_again_and_counts_nothing_twice(tmp_path: Path) -> None:
    first = load(tmp_path, make_zip([("x.log", LOG), ("y.log", OTHER)]), "all.zip")
    again = load_paths(tmp_path, tmp_path / "evidence" / "all.zip")
    assert again.case.ledger() == first.case.ledger()
    assert len(again.rows("http_requests")) == 80


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../../etc/passwd", "leads outside"),
        ("a/../../b.log", "leads outside"),
        ("/etc/passwd", "absolute"),
        ("C:\\x.log", "absolute"),
        ("..\\x.log", "leads outside"),
    ],
)
def test_names_that_trap(tmp_path: Path, make: Callable[[Files], bytes], name: str, reason: str) -> None:
    loaded = load(tmp_path, make([("good.log", LOG), (name, OTHER), ("also.log", OTHER)]), "all.bin")
    found = {entry.member: entry for entry in loaded.entries if entry.member}
    assert {entry.status for key, entry in found.items() if key in ("good.log", "also.log")} == {"ingested"}
    assert found[name].status == "failed"
    assert reason in found[name].note
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence", "test.case"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("twin", ["a.log", "A.log", "caf\u0065\u0301.log"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_there_twice(tmp_path: Path, make: Callable[[Files], bytes], twin: str) -> None:
    first = "caf\u00e9.log" if "caf" in twin else "a.log"
    loaded = load(tmp_path, make([(first, LOG), (twin, OTHER)]), "all.bin")
    assert sorted(entry.status for entry in loaded.entries) == ["archive", "failed", "ingested"]
    assert len(loaded.rows("http_requests")) == 50


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        info = tarfile.TarInfo("trap")
        info.type, info.linkname = kind, "/etc/passwd"
        made.addfile(info)
        info = tarfile.TarInfo("good.log")
        info.size = len(LOG)
        made.addfile(info, io.BytesIO(LOG))
    loaded = load(tmp_path, buffer.getvalue(), "all.tar")
    assert statuses(loaded) == [
        ("all.tar", "archive", 0),
        ("all.tar!good.log", "ingested", 50),
        ("all.tar!trap", "failed", 0),
    ]
    assert "link, device or special file" in loaded.entries[2].note


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        info = zipfile.ZipInfo("trap")
        info.external_attr = 0o120777 << 16
        made.writestr(info, "/etc/passwd")
        made.writestr("good.log", LOG)
    loaded = load(tmp_path, buffer.getvalue(), "all.zip")
    assert "link or special file" in loaded.entries[2].note
    assert loaded.entries[1].accepted == 50


def test_an_archive_in_an_archive_is_named_and_not_opened(tmp_path: Path) -> None:
    loaded = load(tmp_path, make_tar([("inner.zip", make_zip([("x.log", LOG)])), ("good.log", OTHER)]), "all.tar")
    assert statuses(loaded)[1:] == [("all.tar!good.log", "ingested", 30), ("all.tar!inner.zip", "failed", 0)]
    assert "archive inside an archive" in loaded.entries[2].note


@pytest.mark.parametrize("cut", [100, 700, 1500, 4000])
@pytest.mark.parametrize("make", [make_tar, MAKERS["tar.gz"]], ids=["tar", "tar.gz"])
def test_a_cut_tar_keeps_what_came_before(tmp_path: Path, make: Callable[[Files], bytes], cut: int) -> None:
    data = make([("a.log", LOG), ("b.log", os.urandom(20_000)), ("c.log", OTHER)])
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "all.tar").write_bytes(data[: len(data) - 9000 - cut])
    loaded = load_paths(tmp_path, folder)
    entry = next(entry for entry in loaded.entries if entry.status == "archive")
    assert entry.truncated or loaded.entries[-1].truncated
    assert next(entry for entry in loaded.entries if entry.member == "a.log").accepted == 50


def test_a_damaged_zip_member_keeps_its_beginning(tmp_path: Path) -> None:
    data = bytearray(make_zip([("a.log", LOG * 200), ("b.log", OTHER)]))
    data[600] ^= 0xFF
    loaded = load(tmp_path, bytes(data), "all.zip")
    damaged, whole = loaded.entries[1:]
    assert "damaged" in damaged.truncated
    assert (whole.member, whole.accepted, whole.truncated) == ("b.log", 30, "")


def test_a_zip_without_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "all.zip").write_bytes(make_zip([("a.log", LOG)])[:-30])
    (folder / "good.log").write_bytes(OTHER)
    loaded = load_paths(tmp_path, folder)
    assert [(entry.name, entry.status) for entry in loaded.entries] == [
        ("all.zip", "archive"),
        ("good.log", "ingested"),
    ]
    assert "damaged" in loaded.entries[0].truncated


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    files = [(f"{number}.log", CLF % number) for number in range(5)]
    loaded = load(tmp_path / "a", make_tar(files), "all.tar")
    assert [entry.status for entry in loaded.entries] == ["archive", "ingested", "ingested", "ingested"]
    assert "more than 3 members" in loaded.entries[0].truncated
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)
    monkeypatch.setattr(archive, "RATIO_FREE_BYTES", 100_000)
    bomb = make_zip([("a.log", LOG), ("bomb.log", LOG + bytes(30_000_000)), ("z.log", OTHER)])
    loaded = load(tmp_path / "b", bomb, "bomb.zip")
    assert [(entry.member, entry.accepted) for entry in loaded.entries] == [
        ("", 0),
        ("a.log", 50),
        ("bomb.log", 50),
        ("z.log", 0),
    ]
    assert "expands to more than 200 times" in loaded.entries[2].truncated


def test_a_directory_that_claims_to_be_huge(tmp_path: Path) -> None:
    data = bytearray(make_zip([("a.log", LOG)]))
    place = data.rfind(b"PK\x05\x06")
    data[place + 12 : place + 16] = (1 << 31).to_bytes(4, "little")
    loaded = load(tmp_path, bytes(data), "all.zip")
    assert "a directory of more than 16 MiB" in loaded.entries[0].truncated


def test_an_extended_header_that_claims_to_be_huge(tmp_path: Path) -> None:
    """The standard library would read it into memory."""
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)[:512])
    header[156:157] = b"x"
    header[124:136] = b"77777777777\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    loaded = load(tmp_path, make_tar([("a.log", LOG)])[:5120] + bytes(header) + bytes(1024), "all.tar")
    assert "too large" in loaded.entries[0].truncated


def test_an_encrypted_member(tmp_path: Path) -> None:
    data = bytearray(make_zip([("a.log", LOG), ("b.log", OTHER)]))
    central = data.find(b"PK\x01\x02")
    data[central + 8] |= 1
    loaded = load(tmp_path, bytes(data), "all.zip")
    assert [(entry.status, entry.note) for entry in loaded.entries[1:]] == [
        ("failed", "not read: encrypted"),
        ("ingested", ""),
    ]


def test_a_wrong_checksum_costs_no_record(tmp_path: Path) -> None:
    data = bytearray(make_zip([("a.log", LOG * 400)]))
    for signature, place in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        data[data.find(signature) + place] ^= 0xFF
    loaded = load(tmp_path, bytes(data), "all.zip")
    assert loaded.entries[1].accepted == 20_000
    assert "checksum" in loaded.entries[1].truncated
