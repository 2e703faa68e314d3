"""What else lies in a folder: pipes, sockets, devices, loops, odd names, deep folders, other encodings, damage at every place."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import random
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from forensics.case import create
from forensics.errors import FormatError, TruncatedError
from forensics.evidence import HashingReader
from forensics.ingest import Options, ingest
from forensics.investigate.show import raw_lines
from tests.ingest.helpers import load, load_paths

CLF = b'203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /%d HTTP/1.1" 200 512 "-" "%s"\n'
LOG = b"".join(CLF % (number, b"curl") for number in range(200))


def log(number: int) -> bytes:
    """A log unlike the others."""
    return LOG.replace(b"curl", b"curl/%d" % number)


def make_socket(path: Path) -> None:
    """Bind by a short name: an address holds 107 bytes."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def make_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero never ends
    except PermissionError:
        os.mkfifo(path)


SPECIAL: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "pipe": (os.mkfifo, "ignored", "not a regular file (pipe, socket or device)"),
    "socket": (make_socket, "ignored", "not a regular file (pipe, socket or device)"),
    "device": (make_device, "ignored", "not a regular file (pipe, socket or device)"),
    "loop": (lambda path: path.symlink_to(path), "ignored", "symbolic link: name the file itself"),
    "up": (lambda path: path.symlink_to(path.parent), "ignored", "symbolic link: name the file itself"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "ignored", "symbolic link: name the file itself"),
    "zero": (lambda path: path.symlink_to("/dev/zero"), "ignored", "symbolic link: name the file itself"),
    "empty": (Path.touch, "unrecognised", "empty file"),
    "utf-16.log": (lambda path: path.write_bytes(LOG.decode().encode("utf-16")), "unrecognised", "UTF-16: convert it to UTF-8"),
}  # fmt: skip


def test_each_is_named_with_its_reason_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, (make, _, _) in SPECIAL.items():
        make(folder / name)
    (folder / "a.log").write_bytes(LOG)
    found = {entry.name: entry for entry in load_paths(tmp_path, folder).entries}
    assert found.pop("a.log").accepted == 200
    assert {name: (entry.status, entry.note) for name, entry in found.items()} == {
        name: (status, note) for name, (_, status, note) in SPECIAL.items()
    }


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "logs"
    (folder / "secret").mkdir(parents=True)
    (folder / "a.log").write_bytes(LOG)
    real = os.scandir

    def scandir(path: str | int) -> object:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    first, second = load_paths(tmp_path, folder).entries
    assert (first.name, first.accepted) == ("a.log", 200)
    assert (second.name, second.status, second.note) == ("secret", "failed", "folder cannot be read: Permission denied")


NAMES = [
    *(b"*", b"[a-z].log", b"{a,b}.log", b"\\", b"a\nb", b"\r", b"\x7f", b" ", b"..."),
    *(b"x" * 255, b"\xff\xfe", b"\xed\xa0\x80", b"--format", b"a!b"),
]


def test_names_of_every_kind(tmp_path: Path) -> None:
    """All are read and shown, each has a name of its own in the ledger, and a second ingest knows them again."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(log(number))
    case = create(tmp_path / "a.case")
    first = ingest(case, [folder], Options(threads=2))
    assert [entry.accepted for entry in first] == [200] * len(NAMES)
    assert len({entry.name for entry in first}) == len(NAMES)
    shown = [raw_lines(case, entry, 1, 0)[0].data for entry in first]
    assert sorted(shown) == sorted(log(number).split(b"\n")[0] for number in range(len(NAMES)))
    assert ingest(case, [folder], Options(threads=2)) == first
    assert len(case.ledger()) == len(NAMES)


def test_a_folder_1500_levels_deep(tmp_path: Path) -> None:
    """Deeper than the longest path the system opens at once: what lies there is told, what lies above is read."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(LOG)
    here = os.open(folder, os.O_RDONLY)
    for level in range(1500):
        os.mkdir("deep", dir_fd=here)
        inner = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
        if level in (10, 1499):
            with os.fdopen(os.open(f"{level}.log", os.O_WRONLY | os.O_CREAT, dir_fd=here), "wb") as file:
                file.write(log(level))
    os.close(here)
    found = load_paths(tmp_path, folder).entries
    subprocess.run(
        ["rm", "-rf", str(folder)], check=True
    )  # Python's own way is recursive, and pytest would meet it later
    assert sorted(entry.accepted for entry in found if entry.status == "ingested") == [200, 200]
    (lost,) = (entry for entry in found if entry.status != "ingested")
    assert (lost.status, lost.note) == ("failed", "folder cannot be read: File name too long")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_named_by_the_user_gets_a_hint(tmp_path: Path, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    with pytest.raises(FormatError) as caught:
        load(tmp_path, mark + LOG.decode().encode(encoding), "x.log")
    assert "iconv -f UTF-16 -t UTF-8" in caught.value.hint


# Damage at every place

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "bz2": lambda data: bz2.compress(data, 1),
    "xz": lzma.compress,
    "xz of blocks": lambda data: lzma.compress(data[: len(data) // 2]) + lzma.compress(data[len(data) // 2 :]),
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor(level=1, write_checksum=True).compress,
}
PLACES = 16


def noisy(count: int) -> bytes:
    """Lines that do not pack well, so that damage at a place hits the data at that place."""
    draw = random.Random(3)  # noqa: S311 - a fixed sequence is wanted
    return b"".join(CLF % (number, draw.randbytes(100).hex().encode()) for number in range(count))


DATA = noisy(6_000)


@pytest.mark.parametrize("way", ["cut", "zeros"])
@pytest.mark.parametrize("kind", list(PACKERS))
def test_a_packed_file_damaged_at_every_place_keeps_its_beginning(tmp_path: Path, kind: str, way: str) -> None:
    """At each of 16 places: what comes out is the beginning, not shorter than what lay a good way before the damage."""
    packed = PACKERS[kind](DATA)
    path = tmp_path / "x"
    for part in range(PLACES):
        place = len(packed) * part // PLACES + 30
        path.write_bytes(packed[:place] + (b"" if way == "cut" else bytes(40) + packed[place + 40 :]))
        got: list[bytes] = []
        with HashingReader(path) as reader:
            with pytest.raises(TruncatedError, match="damaged or cut"):
                got.extend(iter(lambda: reader.read(50_000), b""))
            assert reader.identity().sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        data = b"".join(got)
        # bzip2 loses a block of 100 kB and what was read with it, zstd a block of 128 KiB; a place in the packed file is one in the data
        sure = max(0, len(DATA) * part // PLACES - 300_000)
        assert data[:sure] == DATA[:sure], part
        assert way == "zeros" or DATA.startswith(data), part


@pytest.mark.parametrize("kind", ["bz2", "xz"])
def test_a_damaged_file_gives_the_rows_of_its_beginning(tmp_path: Path, kind: str) -> None:
    packed = PACKERS[kind](DATA)
    loaded = load(tmp_path, packed[: len(packed) * 3 // 4], "x")
    assert "damaged or cut" in loaded.entry.truncated
    numbers = loaded.numbers("http_requests")
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 2_500
