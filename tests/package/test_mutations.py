"""Three hundred random changes of a signed package: `verify --signer` sees each, and says which file."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forensics import custody
from forensics.package import archive, signing, verify
from forensics.package.bag import bag, info_text, parse_info
from tests.package.conftest import Sealed

FOLDER, ZIP = 240, 60
CUSTODY = "data/custody/custody.jsonl"
Files = dict[str, bytes]
Change = Callable[[random.Random, Files, Sealed], str]


def flip(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    name = draw.choice(sorted(files))
    data = bytearray(files[name])
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    files[name] = bytes(data)
    return name


def insert(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    name = draw.choice(sorted(files))
    place = draw.randrange(len(files[name]) + 1)
    files[name] = files[name][:place] + bytes([draw.choice(b"\n\r \0aF0=")]) + files[name][place:]
    return name


def delete(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    name = draw.choice(sorted(files))
    place = draw.randrange(len(files[name]))
    files[name] = files[name][:place] + files[name][place + 1 :]
    return name


def add(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    folder = draw.choice(["", "data/", "data/report/", "signatures/", "data/new/", "other/"])
    name = f"{folder}{draw.choice(['note.txt', '.hidden', 'tagmanifest-md5.txt', 'fetch.txt', 'FINDINGS.json', 'b c'])}"
    files[name] = draw.choice([b"", b"x", files["bagit.txt"]])
    return name


def remove(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    name = draw.choice(sorted(files))
    del files[name]
    return name


def rename(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    name = draw.choice(sorted(files))
    files[draw.choice([f"{name}x", name.upper(), f"data/{name.replace('/', '_')}"])] = files.pop(name)
    return name


def swap(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    """Exchange the contents of two files."""
    one, other = draw.sample(sorted({data: name for name, data in files.items()}.values()), 2)
    files[one], files[other] = files[other], files[one]
    return one


def rewrite(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    """Change a file of the payload and write all manifests anew, as an attacker without the key would."""
    name = draw.choice([name for name in sorted(files) if name.startswith("data/")])
    files[name] = files[name] + b" "
    reseal(files)
    return "signatures/tagmanifest-sha256.txt.sig"


def cut_custody(draw: random.Random, files: Files, _sealed: Sealed) -> str:
    """Cut the end of the custody log, half the time with everything that pins it written anew."""
    lines = files[CUSTODY].splitlines(keepends=True)
    files[CUSTODY] = b"".join(lines[: draw.randrange(1, len(lines))])
    if draw.random() < 0.5:
        return CUSTODY
    reseal(files)
    return "signatures/tagmanifest-sha256.txt.sig"


def swap_signature(draw: random.Random, files: Files, sealed: Sealed) -> str:
    """Put the signatures over other bytes by the same key, or over these by another, wholly or in part."""
    same = draw.random() < 0.5
    key = signing.private_key(sealed.private if same else sealed.other_private, bytes)
    message = b"other\n" if same else files["tagmanifest-sha256.txt"]
    made = signing.sign(message, key)
    if same:
        made = {name: made[name] for name in (signing.SSH, signing.RAW)}  # the key files would be the very same
    names = draw.sample(sorted(made), draw.randrange(1, len(made) + 1))
    files |= {name: made[name] for name in names}
    return "signatures/"


def reseal(files: Files) -> None:
    """Write bag-info.txt and all manifests anew over whatever lies in the payload."""
    payload = {name.removeprefix("data/"): data for name, data in files.items() if name.startswith("data/")}
    chain = custody.verify_bytes(files[CUSTODY], Path(CUSTODY)) if CUSTODY in files else None
    info = parse_info(files["bag-info.txt"]) or {}
    if chain is not None:
        info |= {"Custody-Lines": str(chain.length), "Custody-Head": chain.head}
    info.pop("Payload-Oxum")
    files |= bag(payload, info.items())


CHANGES: list[Change] = [flip, insert, delete, add, remove, rename, swap, rewrite, cut_custody, swap_signature]


def read(folder: Path) -> Files:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@contextmanager
def written(folder: Path, before: Files, after: Files) -> Iterator[None]:
    """Change a folder, and put it back."""
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    _put(folder, names, after)
    yield
    _put(folder, names, before)


def _put(folder: Path, names: set[str], files: Files) -> None:
    for name in names:
        path = folder / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        else:
            path.unlink()
            while not any(path.parent.iterdir()):
                path = path.parent
                path.rmdir()


def test_changes_of_the_folder(sealed: Sealed, tmp_path: Path) -> None:
    folder = sealed.copy(tmp_path / "package")
    before = read(folder)
    assert verify(folder, sealed.signer).failures == []
    for number in range(FOLDER):
        draw = random.Random(number)  # noqa: S311 - repeatable draws
        change, after = CHANGES[number % len(CHANGES)], dict(before)
        place = change(draw, after, sealed)
        assert after != before, number
        with written(folder, before, after):
            failures = verify(folder, sealed.signer).failures
        assert any(place in f"{item.file} {item.what}" for item in failures), (number, change.__name__, place, failures)
    assert verify(folder, sealed.signer).failures == []


def test_changes_of_the_zip(sealed: Sealed, tmp_path: Path) -> None:
    """Every byte counts, also those of headers and directory; half of the changes are of the files, packed again."""
    path = tmp_path / "package.zip"
    whole, before = sealed.zip.read_bytes(), read(sealed.folder)
    assert b"".join(archive.write("checkout-careless.evidence", before)) == whole
    for number in range(ZIP):
        draw = random.Random(number)  # noqa: S311 - repeatable draws
        after = dict(before) if number % 2 else {"": whole}
        change = CHANGES[number % len(CHANGES)] if number % 2 else [flip, insert, delete][number // 2 % 3]
        change(draw, after, sealed)
        data = after[""] if "" in after else b"".join(archive.write("checkout-careless.evidence", after))
        assert data != whole
        path.write_bytes(data)
        assert verify(path, sealed.signer).failures, (number, change.__name__)
    shutil.copy(sealed.zip, path)
    assert verify(path, sealed.signer).failures == []


def test_flips_of_the_headers_of_the_zip(sealed: Sealed, tmp_path: Path) -> None:
    """Random places are mostly contents; these are none."""
    whole, path = sealed.zip.read_bytes(), tmp_path / "package.zip"
    directory = whole.rindex(b"PK\x05\x06")
    for place in [*range(60), *range(directory - 60, len(whole))]:
        data = bytearray(whole)
        data[place] ^= 1
        path.write_bytes(data)
        assert verify(path, sealed.signer).failures, place


def test_manifests_written_anew_are_seen_by_the_signature_only(sealed: Sealed, tmp_path: Path) -> None:
    """What the summary of an unsigned package warns of."""
    folder = sealed.copy(tmp_path / "package")
    files = read(folder)
    files["data/report/report.md"] += b" "
    reseal(files)
    _put(folder, set(files), files)
    told = [(item.file, item.what) for item in verify(folder).failures]
    assert ("signatures/tagmanifest-sha256.txt.sig", "is not a signature over tagmanifest-sha256.txt") in told
    shutil.rmtree(folder / "signatures")
    checked = verify(folder)
    assert checked.failures == []
    assert any("not an attacker" in text for text in checked.not_shown)
    assert [item.what for item in verify(folder, sealed.signer).failures] == ["is missing: the package is not signed"]


@pytest.mark.parametrize("place", ["report/findings.json", "results/coverage.json"])
def test_an_output_that_the_custody_log_does_not_pin(sealed: Sealed, tmp_path: Path, place: str) -> None:
    """Manifests written anew over a changed finding: the log of the case still names the other."""
    folder = sealed.copy(tmp_path / "package")
    shutil.rmtree(folder / "signatures")
    files = read(folder)
    files[f"data/{place}"] += b" "
    reseal(files)
    _put(folder, set(files), files)
    assert [(item.file, item.what) for item in verify(folder).failures] == [
        (f"data/{place}", "is not what the custody log pins")
    ]


def test_bag_info_has_one_form() -> None:
    assert parse_info(info_text([("A", "b"), ("C", "d: e")])) == {"A": "b", "C": "d: e"}
    for odd in (b"A: b", b"A: b\r\n", b"A:b\n", b"A: b\nA: c\n", b"A: \xc3\xa4\n", b"\n", b"A: b\n\n"):
        assert parse_info(odd) is None, odd
