"""Finding and opening evidence."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.errors import EvidenceError, TruncatedError
from forensics.evidence import HashingReader, discover, inflate, open_file, read_head, spool


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_folders_are_walked_in_name_order(tmp_path: Path) -> None:
    folder = tree(tmp_path / "e", "b.log", "a/z.log", "a/b/c.log", "old.case/tables/x.parquet", ".hidden", "A.log")
    assert [source.name for source in discover([folder])] == [".hidden", "A.log", "a/b/c.log", "a/z.log", "b.log"]
    assert not any(source.named for source in discover([folder]))


def test_some_files_are_left_out(tmp_path: Path) -> None:
    folder = tree(tmp_path / "e", "a.log", "b.tmp", "sub/c.tmp", "sub/d.log")
    assert [source.name for source in discover([folder], ["*.tmp"])] == ["a.log", "sub/d.log"]
    assert [source.name for source in discover([folder], ["sub/*"])] == ["a.log", "b.tmp"]


def test_a_file_named_twice_is_one_source(tmp_path: Path) -> None:
    folder = tree(tmp_path / "e", "a.log")
    assert len(discover([folder, folder / "a.log", folder])) == 1


def test_names_tell_files_apart(tmp_path: Path) -> None:
    tree(tmp_path, "p/x/a.log", "q/x/a.log", "q/b.log")
    sources = discover([tmp_path / "p/x/a.log", tmp_path / "q/x/a.log", tmp_path / "q/b.log"])
    assert [source.name for source in sources] == ["p/x/a.log", "q/x/a.log", "b.log"]
    assert all(source.named for source in sources)


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is read from other folders too."""
    tree(tmp_path / "e", "a.log")
    monkeypatch.chdir(tmp_path)
    assert [source.path for source in discover([Path("e"), Path("e/a.log")])] == [tmp_path / "e" / "a.log"]


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", scandir)
    (source,) = discover([tmp_path])
    assert source.refused == "folder cannot be read: Permission denied"


@pytest.mark.parametrize("kind", ["link", "folder", "fifo", "nothing"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "link":
        tree(tmp_path, "target")
        path.symlink_to(tmp_path / "target")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(EvidenceError):
        open_file(path)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.lists(st.binary(max_size=200), min_size=1, max_size=4),
    kind=st.sampled_from(list(PACKERS)),
    piece=st.integers(1, 50),
    size=st.integers(1, 100),
)
def test_hashes_cover_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: list[bytes], kind: str, piece: int, size: int
) -> None:
    monkeypatch.setattr(inflate, "PIECE_BYTES", dict.fromkeys(inflate.PIECE_BYTES, piece))
    outer, inner = b"".join(map(PACKERS[kind], members)), b"".join(members)
    if kind == "none" and inner[:4] in (b"\x28\xb5\x2f\xfd", b"\x1f\x8b"):
        return
    path = tmp_path / "x"
    path.write_bytes(outer)
    with HashingReader(path) as reader:
        data = b""
        while part := reader.read(size):
            data += part
        identity = reader.identity()
        assert reader.change() == ""
    assert data == inner
    assert (identity.sha256, identity.content_sha256) == (
        hashlib.sha256(outer).hexdigest(),
        hashlib.sha256(inner).hexdigest(),
    )
    assert (identity.size, identity.content_size) == (len(outer), len(inner))
    assert identity.evidence_id == hashlib.sha256(inner).hexdigest()[:16]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=50, max_size=3000), cut=st.integers(1, 40), piece=st.integers(1, 400))
def test_a_cut_gzip_gives_a_beginning_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, cut: int, piece: int
) -> None:
    monkeypatch.setattr(inflate, "PIECE_BYTES", dict.fromkeys(inflate.PIECE_BYTES, piece))
    path = tmp_path / "x"
    packed = gzip.compress(data)
    path.write_bytes(packed[:-cut])
    got: list[bytes] = []
    with HashingReader(path) as reader:
        with pytest.raises(TruncatedError, match="ends early"):
            got.extend(iter(lambda: reader.read(100), b""))
        assert reader.identity().sha256 == hashlib.sha256(packed[:-cut]).hexdigest()
    assert data.startswith(b"".join(got))
    assert cut > 8 or b"".join(got) == data


def test_the_hash_covers_what_was_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a" * 3_000_000)
    with HashingReader(path) as reader:
        reader.read(10)
        assert reader.identity().sha256 == hashlib.sha256(b"a" * 3_000_000).hexdigest()


def test_heads(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for data in (b"a" * 100_000, gzip.compress(b"a" * 100_000)):
        path.write_bytes(data)
        assert read_head(path) == (b"a" * 65_536, "")
    path.write_bytes(gzip.compress(os.urandom(50_000))[:20_000])
    data, trouble = read_head(path)
    assert 15_000 < len(data) < 25_000
    assert "ends early" in trouble
    path.write_bytes(b"\x1f\x8b")
    data, trouble = read_head(path)
    assert data == b""
    assert "ends early" in trouble


def test_a_stream_is_kept_under_its_hash(tmp_path: Path) -> None:
    kept = spool(io.BytesIO(b"abc"), tmp_path / "r")
    assert kept.name == hashlib.sha256(b"abc").hexdigest()
    assert kept.read_bytes() == b"abc"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o700
    assert spool(io.BytesIO(b"abc"), tmp_path / "r") == kept
