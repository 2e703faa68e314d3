"""Packages from strangers: nothing is written, nothing outside is read, nothing hangs, and there is a sentence instead of a traceback."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import socket
import struct
import time
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forensics.package import archive, verify
from forensics.package.bag import bag, parse_info
from forensics.package.contents import SMALL
from tests.conftest import Reviewed
from tests.end_to_end.harness import run
from tests.package.conftest import Sealed
from tests.package.test_mutations import read, reseal


@pytest.fixture
def package(sealed: Sealed, tmp_path: Path) -> Path:
    return sealed.copy(tmp_path / "in" / "package")


@pytest.fixture(autouse=True)
def _nothing_is_written(tmp_path: Path) -> Iterator[None]:
    """Compare what lies around before and after the call; a test makes its package before `told`."""
    yield
    assert {path.name for path in tmp_path.iterdir()} <= {"in", "outside", "package.zip"}


def told(path: Path) -> str:
    """Return what `verify` prints; nothing on disk may change, and no defect be told."""

    def state() -> dict[str, tuple[int, int]]:
        return {str(item): (item.lstat().st_size, item.lstat().st_mtime_ns) for item in path.parent.rglob("*")}

    before = state()
    done = run("verify", path)
    assert state() == before
    assert done.code == 4, done.out + done.err
    assert "Traceback" not in done.err
    assert "defect" not in done.err
    assert all(": " in line for line in done.out.splitlines())
    assert not {character for character in done.out if ord(character) < 32} - {"\n"}
    return done.out


def link(package: Path) -> str:
    (package / "data" / "report" / "link").symlink_to("/etc/passwd")
    return "data/report/link: is a link or a special file"


def linked_file(package: Path) -> str:
    """The very file, as a link to its content elsewhere: the hash would fit."""
    path = package / "data" / "report" / "report.md"
    shutil.move(path, package.parent / "elsewhere")
    path.symlink_to(package.parent / "elsewhere")
    return "data/report/report.md: is a link or a special file"


def linked_folder(package: Path) -> str:
    shutil.move(package / "data" / "results", package.parent / "results")
    (package / "data" / "results").symlink_to(package.parent / "results")
    return "data/results: is a link or a special file"


def pipe(package: Path) -> str:
    os.mkfifo(package / "bag-info.fifo")
    (package / "verify.sh").unlink()
    os.mkfifo(package / "verify.sh")
    return "verify.sh: is a link or a special file"


def device(package: Path) -> str:
    try:
        os.mknod(package / "data" / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(str(package / "data" / "zero"))
    return "data/zero: is a link or a special file"


def odd_names(package: Path) -> str:
    for name in (
        b"caf\xe9",
        "\u202egnp.exe".encode(),
        b"a\nb: c",
        b" ",
        b"-rf",
        "e\u0301".encode(),
        "\u00e9".encode(),
        b".hidden",
    ):
        (Path(os.fsdecode(os.fsencode(package / "data") + b"/" + name))).write_bytes(b"")
    return "has a name that no file of a package has"


def same_but_for_case(package: Path) -> str:
    (package / "data" / "report" / "REPORT.md").write_bytes(b"")
    return "data/report/report.md: is the same as data/report/REPORT.md where case does not count"


def deep(package: Path) -> str:
    (package / "data" / "/".join(["d"] * 400)).mkdir(parents=True)
    return "is deeper than 12 folders"


def empty_folder(package: Path) -> str:
    (package / "data" / "empty").mkdir()
    return "data/empty/: is a folder without files"


def huge(package: Path) -> str:
    """Sparse files of a terabyte: one that is not named, one in the place of a small one."""
    for name in ("big", "bag-info.txt"):
        with (package / name).open("wb") as file:
            file.truncate(1 << 40)
    return "bag-info.txt: is larger than"


def manifest_paths(package: Path) -> str:
    path = package / "manifest-sha256.txt"
    digest = hashlib.sha256(Path("/etc/hostname").read_bytes() if Path("/etc/hostname").exists() else b"").hexdigest()
    names = (
        "/etc/hostname",
        "data/../../../etc/hostname",
        "data/./a",
        "data//a",
        "~/a",
        "%0a",
        "data\\a",
        "\x1b]52;c;x\x07",
        "C:/a",
    )
    lines = path.read_text().count("\n")
    path.write_text(path.read_text() + "".join(f"{digest}  {name}\n" for name in names))
    return f"manifest-sha256.txt: line {lines + 1} is not as this tool writes it"


def carriage_returns(package: Path) -> str:
    for path in package.glob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return "manifest-sha256.txt: line 1 is not as this tool writes it"


def byte_order_mark(package: Path) -> str:
    path = package / "bag-info.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    return "bag-info.txt: is not in the form in which it is written"


def names_twice(package: Path) -> str:
    path = package / "manifest-sha512.txt"
    lines = path.read_text().count("\n")
    path.write_text(path.read_text() + path.read_text())
    return f"manifest-sha512.txt: line {lines + 1} is not as this tool writes it"


def many_bad_lines(package: Path) -> str:
    (package / "manifest-sha256.txt").write_bytes(b"x\n" * 1_000_000)
    return "manifest-sha256.txt: line 100 is not as this tool writes it"


def no_manifests(package: Path) -> str:
    for path in package.glob("*manifest-*"):
        path.unlink()
    return "manifest-sha256.txt: is missing"


def nothing(package: Path) -> str:
    shutil.rmtree(package)
    package.mkdir()
    return ".: is a folder without files"


def custody_of_nonsense(package: Path) -> str:
    (package / "data" / "custody" / "custody.jsonl").write_bytes(b"[" * 1_000_000 + b"\n")
    return "data/custody/custody.jsonl: line 1 does not hold the hash of the line before"


def provenance_of_nonsense(package: Path) -> str:
    path = package / "data" / "run" / "provenance.json"
    path.write_text(
        json.dumps(
            {
                "predicate": {
                    "buildDefinition": {"internalParameters": {"outputs_of_the_case": [{"file": ["/etc/passwd"]}]}}
                }
            }
        )
    )
    return "data/run/provenance.json: is missing, or not what this tool writes"


def fetch(package: Path) -> str:
    """BagIt lets a bag name files that lie on the network."""
    (package / "fetch.txt").write_text("http://203.0.113.1/a 10 data/a\n")
    return "fetch.txt: does not belong to the package: added"


def hidden(package: Path) -> str:
    (package / "data" / "report" / "report.md").chmod(0)
    if os.geteuid() == 0:  # root reads it nevertheless: let it be changed instead
        (package / "data" / "report" / "report.md").write_bytes(b"")
    return "data/report/report.md: "


HOSTILE: list[Callable[[Path], str]] = [
    link, linked_file, linked_folder, pipe, device, odd_names, same_but_for_case, deep, empty_folder, huge, manifest_paths, carriage_returns,
    byte_order_mark, names_twice, many_bad_lines, no_manifests, nothing, custody_of_nonsense, provenance_of_nonsense, fetch, hidden,
]  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.__name__)
def test_folders(attack: Callable[[Path], str], package: Path) -> None:
    wanted = attack(package)
    start = time.monotonic()
    assert wanted in told(package)
    assert time.monotonic() - start < 20


def test_more_files_than_a_package_has(package: Path) -> None:
    for number in range(archive.MAX_FILES + 5):
        (package / "data" / f"f{number}").touch()
    assert f"is beyond {archive.MAX_FILES:,} files" in told(package)


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip by the standard library."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", compression) as written:
        warnings.simplefilter("ignore")  # it warns of a name that is there twice
        for name, data in members:
            written.writestr(name, data)
    return out.getvalue()


def end(whole: bytes) -> int:
    """Return where the last record of a zip begins."""
    return whole.rindex(b"PK\x05\x06")


def two_folders() -> bytes:
    """Return an empty file in each of two folders, in the right form."""
    heads = [archive._local(archive.Member(name, 0, 0, 0)) for name in ("a/x", "b/x")]
    members = [archive.Member("a/x", 0, 0, 0), archive.Member("b/x", len(heads[0]), 0, 0)]
    return b"".join(heads) + archive._directory(members, 2 * len(heads[0]))


ZIPS: dict[str, Callable[[bytes], bytes]] = {
    "packed again": lambda whole: zipped(list(_members(whole).items())),
    "a bomb": lambda _: zipped([("a/b", b"\0" * 200_000_000)], zipfile.ZIP_DEFLATED),
    "names that lead outside": lambda _: zipped([("../../outside", b"x"), ("/etc/outside", b"x")]),
    "a name twice": lambda _: zipped([("a/b", b"x"), ("a/b", b"y")]),
    "bytes before": lambda whole: b"MZ" + whole,
    "bytes behind": lambda whole: whole + b"\0",
    "a comment": lambda whole: whole[:-2] + b"\x01\x00x",
    "another directory": lambda whole: whole[: end(whole)] + b"PK\x05\x07" + whole[end(whole) + 4 :],
    "cut": lambda whole: whole[: len(whole) // 2],
    "cut in a header": lambda whole: whole[:20],
    "empty": lambda _: b"",
    "none at all": lambda _: random.Random(1).randbytes(5000),  # noqa: S311 - any bytes
    "a claim of 4 GB": lambda whole: whole[:18] + struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0) + whole[26:],
    "two folders": lambda _: two_folders(),
}


def _members(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        return {name: found.read(name) for name in found.namelist()}


@pytest.mark.parametrize("name", ZIPS)
def test_zips(name: str, sealed: Sealed, tmp_path: Path) -> None:
    path = tmp_path / "in" / "package.zip"
    path.parent.mkdir()
    path.write_bytes(ZIPS[name](sealed.zip.read_bytes()))
    tracemalloc.start()
    try:
        assert ".: the zip " in told(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_zip_of_ours_with_other_contents(sealed: Sealed, tmp_path: Path) -> None:
    """The form is right, the folder or a checksum is not."""
    files = read(sealed.folder)
    path = tmp_path / "in" / "package.zip"
    path.parent.mkdir()
    path.write_bytes(b"".join(archive.write("another.evidence", files)))
    assert "bag-info.txt: is of checkout-careless.evidence, the folder in the zip is another.evidence" in told(path)
    name = "checkout-careless.evidence/HOWTO-VERIFY.txt"
    crc = struct.pack("<I", zlib.crc32(files["HOWTO-VERIFY.txt"]))
    whole = sealed.zip.read_bytes()
    assert whole.count(crc) == 2
    path.write_bytes(whole.replace(crc, b"\x01\x02\x03\x04"))
    assert "HOWTO-VERIFY.txt: cannot be read: its checksum in the zip is another" in told(path)
    assert name.encode() in whole


def test_a_folder_that_is_unpacked_from_a_zip_that_was_packed_again(sealed: Sealed, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "package.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in read(sealed.folder).items():
            out.writestr(f"any name/{name}", data)
    with zipfile.ZipFile(tmp_path / "package.zip") as found:
        found.extractall(tmp_path / "in")
    assert verify(tmp_path / "in" / "any name", sealed.signer).failures == []


def test_a_package_of_a_stranger_who_seals_what_they_like(package: Path) -> None:
    """Manifests over anything: names that are no names of a package are refused though all hashes fit."""
    files = {name: data for name, data in read(package).items() if not name.startswith("signatures/")}
    payload = {name.removeprefix("data/"): data for name, data in files.items() if name.startswith("data/")}
    info = parse_info(files["bag-info.txt"]) or {}
    info.pop("Payload-Oxum")
    with pytest.raises(ValueError, match="is no name of a package"):
        bag({**payload, "../a": b""}, info.items())
    del files["data/run/provenance.json"]
    reseal(files)
    shutil.rmtree(package)
    for name, data in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(data)
    assert told(package) == "data/run/provenance.json: is missing, or not what this tool writes\n"


@pytest.mark.parametrize("name", ["none", "pipe"])
def test_what_is_no_package_at_all(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe")
    done = run("verify", tmp_path / "in" / name)
    assert (done.code, done.out) == (2, "")
    assert "is no package" in done.err


def test_a_case_is_no_package(reviewed: Reviewed) -> None:
    done = run("verify", reviewed.case("checkout-thin"))
    assert done.code == 4
    assert "manifest-sha256.txt: is missing" in done.out


def test_limits_are_far_from_what_packages_are(sealed: Sealed) -> None:
    files = read(sealed.folder)
    assert len(files) * 20 < archive.MAX_FILES
    assert max(map(len, files.values())) * 20 < SMALL
