"""A masked sample never gives the value away."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.scan.masking import MaskKind, mask

KINDS: tuple[MaskKind, ...] = typing.get_args(MaskKind)


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("email", "jane@example.com", "j***@e***.com"),
        ("email", "jane%40mail.example", "j***@m***.example"),
        ("secret", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "eyJh*** (29 characters)"),
        ("secret", "hunter2", "*** (7 characters)"),
        ("host", "10.20.30.40", "10.***"),
        ("host", "ledger-db.prod.svc.cluster.local", "l***.svc.cluster.local"),
        ("host", "ip-10-0-3-7", "i***"),
        ("text", "at shop.Cart.load(Cart.java:1)", "at shop.Ca*** (30 characters)"),
    ],
)
def test_samples(kind: MaskKind, value: str, masked: str) -> None:
    """Each kind keeps just enough to recognise a value one already knows."""
    assert mask(kind, value) == masked


@pytest.mark.parametrize("kind", KINDS)
@given(value=st.text(min_size=6))
def test_the_value_never_survives(kind: MaskKind, value: str) -> None:
    """No masked sample contains a value of six characters or more, whatever it is made of."""
    assert value not in mask(kind, value)


@pytest.mark.parametrize("kind", KINDS)
@given(
    value=st.text(
        min_size=1, alphabet=st.characters(categories=["Cc"]) | st.sampled_from("\u202e\u2066\u200b\u2028\ufeff\u00ad")
    )
)
def test_samples_are_one_printable_line(kind: MaskKind, value: str) -> None:
    """Control characters of a value do not reach the terminal through its mask."""
    assert mask(kind, value).isprintable()


@given(local=st.text("abcdefgh", min_size=3), domain=st.text("ijklmnop", min_size=3))
def test_mail_parts_never_survive(local: str, domain: str) -> None:
    """Neither the local part nor the domain's name is shown."""
    masked = mask("email", f"{local}@{domain}.example")
    assert local not in masked
    assert domain not in masked.removesuffix(".example")
