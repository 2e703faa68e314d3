"""Checksums that providers document, and what tells random values from words."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.scan.tokens import (
    TOKEN_VALIDATORS,
    base64_credentials,
    base64_private_key,
    bech32,
    crc32_base62,
    decoded_base64,
    discord_token,
    entropy,
    gitlab_token,
    grafana_token,
    random_like,
    varied,
)

# Revoked or made-up tokens that were published to show the format.
GITHUB = "ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17"
NPM = "npm_" + "qkJaB6MffYVzZXWqmcoF49yrUxP3wf" + "0LsakP"


@pytest.mark.parametrize("token", [GITHUB, NPM])
def test_crc32_in_base62(token: str) -> None:
    """GitHub's and npm's own examples pass; a change of any character fails."""
    assert crc32_base62(token)
    for place in range(4, len(token)):
        assert not crc32_base62(token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :])


@pytest.mark.parametrize("value", ["", "_", "ghp_", "ghp_short", "no underscore"])
def test_a_token_that_is_too_short_has_no_checksum(value: str) -> None:
    assert not crc32_base62(value)


def test_gitlab() -> None:
    """A routable token proves itself: payload, version, length of the payload, CRC-32 of all that in base 36; an old one cannot."""
    head = "glpat-QWxmYUJyYXZvQ2hhcmxpZURlbHRhRWNobw.01.0y"
    number, tail = zlib.crc32(head.encode()), ""
    while number:
        number, rest = divmod(number, 36)
        tail = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + tail
    assert gitlab_token(head + tail.rjust(7, "0"))
    assert not gitlab_token(head + "0000000")
    assert gitlab_token("glpat-AlfaBravo7Charlie9De")
    assert not gitlab_token("glpat-xxxxxxxxxxxxxxxxxxxx")


def test_grafana() -> None:
    """The checksum of a service account token covers prefix and secret, least byte first."""
    head = "glsa_" + "AlfaBravoCharlieDeltaEcho7Foxtro"
    tail = f"{zlib.crc32(head.encode()):08x}"
    assert grafana_token(f"{head}_{tail[6:8]}{tail[4:6]}{tail[2:4]}{tail[0:2]}")
    assert not grafana_token(f"{head}_{tail}")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("A12UEL5L", True),  # valid by BIP 173
        ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", True),
        ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", True),
        ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3x", False),
        ("A12uEL5L", False),  # both cases
        ("1qzzfhee", False),  # no prefix
        ("x1b4n0q5v", False),  # b is no digit
        ("", False),
    ],
)
def test_bech32(value: str, kept: bool) -> None:
    """The examples of BIP 173."""
    assert bech32(value) is kept


def test_discord() -> None:
    """A bot token begins with the number of its account."""
    number = base64.b64encode(b"314159265358979323").decode()
    assert discord_token(f"{number}.AbCdEf.AlfaBravoCharlieDeltaEchoFox")
    assert not discord_token("Module.exports.somethingElseAltogetherHere")


def test_base64_private_key() -> None:
    """A key in base64 once more is a key; a certificate is not."""
    key = "-----BEGIN PRIVATE KEY-----\nAlfaBravoCharlieDeltaEchoFoxtrotGolfHotelIndia0123456789\n"
    assert base64_private_key(base64.b64encode(key.encode()).decode())
    assert not base64_private_key(base64.b64encode(key.replace("PRIVATE KEY", "CERTIFICATE").encode()).decode())
    assert not base64_private_key("no base64!")


@pytest.mark.parametrize(
    ("text", "kept"), [("deploy:alfa-bravo", True), ("deploy:", False), ("Subscription", False), ("a\x00:bcd", False)]
)
def test_base64_credentials(text: str, kept: bool) -> None:
    assert base64_credentials(base64.b64encode(text.encode()).decode()) is kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Alfa7Bravo9Charlie2", True),
        ("a1fab2ce3d4e5f60c7b8e9d0", True),
        ("correct-horse-battery", False),
        ("2026-03-03T09:00:00", False),
        ("aaaaaaaaaaaa11", False),
        ("31415926535897", False),
        ("", False),
    ],
)
def test_random_like(value: str, kept: bool) -> None:
    assert random_like(value) is kept


def test_varied() -> None:
    """Repeated characters at the end are a placeholder, whatever prefix stands before them."""
    assert varied("sk_live_AlfaBravoCharlieDelta")
    assert not varied("sk_live_xxxxxxxxxxxxxxxxxxxxxxxx")
    assert not varied("00000000-0000-0000-0000-000000000000")


def test_entropy() -> None:
    """Bits a character, by hand: one symbol 0, two equally often 1, four 2."""
    assert (entropy(""), entropy("aaaa"), entropy("abab"), entropy("abcd")) == (0, 0, 1, 2)


@given(st.binary())
def test_base64_with_and_without_padding(data: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(data).decode()
        assert decoded_base64(text) == data
        assert decoded_base64(text.rstrip("=")) == data


@given(st.text())
def test_no_value_makes_a_check_raise(value: str) -> None:
    for check in TOKEN_VALIDATORS.values():
        assert check(value) in (True, False)
