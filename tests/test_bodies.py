"""Message bodies: every coding, every kind of damage, and bombs."""

from __future__ import annotations

import base64
import gzip
import resource
import zlib

import brotli
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics import bodies
from forensics.bodies import Body, decode, decode_base64, decode_column

TEXT = "grüße, 日本 \U0001f600\n" * 50
RAW = TEXT.encode()
DEFLATED = zlib.compress(RAW)[2:-4]


@pytest.mark.parametrize(
    ("data", "coding"),
    [
        (RAW, None),
        (RAW, ""),
        (RAW, "identity"),
        (gzip.compress(RAW, mtime=0), "gzip"),
        (gzip.compress(RAW, mtime=0), " X-GZip "),
        (zlib.compress(RAW), "deflate"),
        (DEFLATED, "deflate"),
        (brotli.compress(RAW), "br"),
        (zstandard.ZstdCompressor().compress(RAW), "zstd"),
        (gzip.compress(brotli.compress(RAW), mtime=0), "br, gzip"),
    ],
)
def test_codings(data: bytes, coding: str | None) -> None:
    assert decode(data, coding) == Body(TEXT, "full")
    assert decode_base64(base64.encodebytes(data).decode(), coding) == Body(TEXT, "full")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "nonsense", "gzip, nonsense"])
def test_what_is_not_of_the_coding(coding: str) -> None:
    assert decode(b"\xfe\xfeplain text" * 20, coding) == Body(None, "undecodable")


@pytest.mark.parametrize(
    ("data", "coding"),
    [
        (gzip.compress(RAW, mtime=0), "gzip"),
        (zlib.compress(RAW), "deflate"),
        (brotli.compress(RAW), "br"),
        (zstandard.ZstdCompressor().compress(RAW), "zstd"),
    ],
)
def test_a_cut_body_says_so(data: bytes, coding: str) -> None:
    found = decode(data[:-10], coding)
    assert found.state == "truncated"
    assert found.text is not None
    assert TEXT.startswith(found.text.rstrip("\\xabcdef0123456789"))


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b"gr\xfc\xdf", "text/html; charset=ISO-8859-1", "grüß"),
        (b"gr\xfc\xdf", 'text/html; charset="windows-1252"', "grüß"),
        ("日本".encode("shift_jis"), "text/html;charset=Shift_JIS", "日本"),
        (b"gr\xfc\xdf", "text/html", "gr\\xfc\\xdf"),
        (b"a\x00b", None, "a\\x00b"),
        (b"abc", "text/html; charset=nonsense", "abc"),
        (b"abc", "text/html; charset=hex", "abc"),
        (b"xn--abc", "text/html; charset=idna", "xn--abc"),
        (b"\\ud800", "text/html; charset=unicode_escape", "\\ud800"),
        (b"+2AA-", "text/html; charset=utf-7", "+2AA-"),
        (b"abc", "text/html; charset=undefined", "abc"),
        (b"abc-", "text/html; charset=punycode", "abc-"),
        (b"\x00\xd8", "text/html; charset=utf-16-le", "\\x00\\xd8"),
    ],
)
def test_character_sets(data: bytes, kind: str | None, text: str) -> None:
    assert decode(data, None, kind) == Body(text, "full")


WIDE = '{"email":"anna.meier@shop.example","note":"grüße"}'


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (WIDE.encode("utf-16"), None),
        (WIDE.encode("utf-16"), "application/json; charset=utf-8"),
        (WIDE.encode("utf-16-le"), "application/json; charset=utf-16le"),
        (WIDE.encode("utf-16-le"), None),
        (WIDE.encode("utf-16-be"), "text/plain; charset=iso-8859-1"),
        (WIDE.encode("utf-8-sig"), "text/plain; charset=iso-8859-1"),
        (WIDE.encode(), "text/html; charset=utf-16"),
        (WIDE.encode(), "text/html; charset=utf-32"),
    ],
)
def test_a_wrong_character_set_hides_nothing(data: bytes, kind: str | None) -> None:
    """A byte order mark wins, and bytes that are evidently of another width are read as what they are."""
    assert decode(data, None, kind) == Body(WIDE, "full")


@pytest.mark.parametrize(
    ("data", "coding"),
    [
        (RAW, "gzip"),
        (RAW, "br"),
        (RAW, "zstd, gzip"),
        (gzip.compress(RAW, mtime=0), None),
        (zstandard.ZstdCompressor().compress(RAW), ""),
        (gzip.compress(gzip.compress(RAW, mtime=0), mtime=0), "gzip"),
        (gzip.compress(gzip.compress(RAW, mtime=0), mtime=0), None),
    ],
)
def test_a_header_that_is_wrong_or_lacking_hides_nothing(data: bytes, coding: str | None) -> None:
    """Decoded by the exporter with the header left, packed without a header, packed twice."""
    assert decode(data, coding) == Body(TEXT, "full")


@pytest.mark.parametrize("text", ["!!", "abc", "====", "\u00e4"])
def test_what_is_not_base64(text: str) -> None:
    assert decode_base64(text) == Body(None, "undecodable")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_bombs_are_bounded(coding: str) -> None:
    """300 MB of zeros: 32 MiB are kept, and no more is ever in memory."""
    size = 300_000_000
    if coding == "gzip":
        packed = gzip.compress(bytes(size), 9)
    elif coding == "deflate":
        packed = zlib.compress(bytes(size), 9)
    elif coding == "br":
        packed = brotli.compress(bytes(size), quality=5)
    else:
        packed = zstandard.ZstdCompressor().compress(bytes(size))
    assert len(packed) < 1_000_000
    found = decode(packed, coding, "text/plain; charset=latin-1")
    assert found.state == "truncated"
    assert found.text is not None
    assert len(found.text) == 4 * bodies.MAX_BODY_BYTES  # each zero is shown as \x00


def test_a_brotli_bomb_is_not_held_whole() -> None:
    packed = brotli.compress(bytes(1_500_000_000), quality=5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unpacked = bodies._unpack(packed, "br")
    assert unpacked is not None
    assert len(unpacked[0]) < bodies.MAX_BODY_BYTES + 16_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=200),
    coding=st.sampled_from([None, "gzip", "deflate", "br", "zstd", "gzip, br", ",", "identity"]),
    charset=st.sampled_from(
        [
            "utf-8",
            "utf-16",
            "utf-32",
            "utf-7",
            "idna",
            "punycode",
            "unicode_escape",
            "rot13",
            "gb18030",
            "cp037",
            "hz",
            "iso2022_jp",
            "mbcs",
            "x",
        ]
    ),
)
def test_any_bytes(data: bytes, coding: str | None, charset: str) -> None:
    found = decode(data, coding, f"text/plain; charset={charset}")
    assert (found.text is None) == (found.state == "undecodable")
    if found.text is not None:
        assert "\x00" not in found.text
        pa.array([found.text])


def test_a_column() -> None:
    given_bodies = pa.chunked_array([["YQ==", None, "!"]])
    found = decode_column(
        given_bodies, pa.chunked_array([pa.nulls(3, pa.string())]), pa.chunked_array([pa.nulls(3, pa.string())])
    )
    assert found.to_pylist() == [{"body": "a", "state": "full"}, None, {"body": None, "state": "undecodable"}]
