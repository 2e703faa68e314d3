"""What the named checks accept and refuse."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.scan.validators import VALIDATORS, dotnet_trace, email, internal_host, jwt, private_key


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("jane@example.com", True),
        ("j.doe+x@sub.example.co.uk", True),
        ("jane%40example.com", True),
        ("jane@xn--mller-kva.example", True),
        ("image@2x.png", False),
        ("hero@1.5x.com", False),
        ("react@18.2.0", False),
        ("pkg@1.2.3.tgz", False),
        ("jane@localhost", False),
        ("jane..doe@example.com", False),
        (".jane@example.com", False),
        ("jane.@example.com", False),
        ("jane@-example.com", False),
        ("jane@example..com", False),
        ("a" * 65 + "@example.com", False),
        ("jane@" + "a" * 64 + ".com", False),
        ("jane@" + "a.b" * 90 + ".com", False),
        ("jane", False),
        ("", False),
    ],
)
def test_email(value: str, kept: bool) -> None:
    """An address has a local part and a domain of letters that is no file name and no version."""
    assert email(value) is kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("redis.shop.svc.cluster.local", True),
        ("payments.shop.svc", True),
        ("metadata.google.internal", True),
        ("ip-10-0-0-1", True),
        ("pg-01.corp", True),
        ("ledger.prod.internal", True),
        ("api.internal", True),
        ("error.internal", False),
        ("errors.server.internal", False),
        ("com.sun.internal", False),
        ("t.lan", False),
        ("-a.internal", False),
        ("a..internal", False),
        ("a." * 150 + "internal", False),
    ],
)
def test_internal_host(value: str, kept: bool) -> None:
    """A host of a private zone is kept; a message key or a chain of properties is not."""
    assert internal_host(value) is kept


@pytest.mark.parametrize(
    ("header", "payload", "kept"),
    [
        ('{"alg":"HS256"}', '{"sub":"u"}', True),
        ('{"alg":"none"}', "{}", True),
        ('{"typ":"JWT"}', '{"sub":"u"}', False),
        ('{"alg":256}', '{"sub":"u"}', False),
        ('["alg"]', '{"sub":"u"}', False),
        ('{"alg":"HS256"}', "[]", False),
        ('{"alg":"HS256"}', "no json", False),
        ("[" * 100_000, "{}", False),
    ],
)
def test_jwt(header: str, payload: str, kept: bool) -> None:
    """A token's header and payload are objects, and the header names its algorithm."""
    assert jwt(f"{part(header)}.{part(payload)}.c2ln") is kept


def test_jwt_refuses_what_is_not_base64url() -> None:
    """Three parts are not enough; other alphabets and lengths are refused without raising."""
    assert not jwt("eyJ.eyJ")
    assert not jwt("ey/J.ey+J.x")
    assert not jwt("e.e.e")
    assert not jwt("é.é.é")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("q0ZrT9wKx3LmB7nVc5HsYd2JfGp8Ea1uRiOtQyWzXkMb6NvCjDhSgLeFoPaTiUrE", True),
        ("q0ZrT9wKx3LmB7nVc5HsYd2JfGp8Ea1u\\nRiOtQyWzXkMb6NvCjDhSgLeFoPaTiUrE", True),
        ("q0ZrT9wKx3LmB7nVc5HsYd2JfGp8Ea1u\nRiOtQyWzXkMb6NvCjDhSgLeFoPaTiUr", False),
        ("A" * 80, False),
        ("", False),
    ],
)
def test_private_key(value: str, kept: bool) -> None:
    """A key has 64 or more base64 characters that differ; an elided one is documentation."""
    assert private_key(value) is kept


def test_dotnet_trace_refuses_java() -> None:
    """Frames without a file are alike in both languages but for these words."""
    assert dotnet_trace("at Shop.Cart.Load()\n   at Shop.Cart.Get()")
    assert not dotnet_trace("at shop.Cart.load(Unknown Source)\n\tat shop.Cart.get(Native Method)")


@given(st.text())
def test_no_validator_raises(value: str) -> None:
    """Values are an attacker's: a check answers yes or no, whatever the text."""
    for check in VALIDATORS.values():
        assert check(value) in (True, False)
