"""Validators and masking."""

from __future__ import annotations

import base64
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.scan.masking import MaskKind, mask
from forensics.scan.validators import VALIDATORS

KEY = "q0ZrT9wKx3LmB7nVc5HsYd2JfGp8Ea1uRiOtQyWzXkMb6NvCjDhSgLeFoPaTiUrE"


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("email", "bob@mail.example", True),
        ("email", "bob%40mail.example", True),
        ("email", f"{'x' * 65}@mail.example", False),
        ("email", f"bob@{'x' * 64}.example", False),
        ("email", "image@2x.png", False),
        ("email", "a..b@mail.example", False),
        ("email", "pkg@1.2.beta", False),
        ("email", "bob@-mail.example", False),
        ("internal_host", "a.b.svc.cluster.local", True),
        ("internal_host", "ip-10-1-2-3", True),
        ("internal_host", "db.internal", True),
        ("internal_host", "this.internal", False),
        ("internal_host", "com.sun.internal", False),
        ("internal_host", f"{'x' * 64}.corp", False),
        ("jwt", f"{_part({'alg': 'HS256'})}.{_part({'sub': '1'})}.c2ln", True),
        ("jwt", f"{_part({'alg': 1})}.{_part({})}.c2ln", False),
        ("jwt", f"{_part(['alg'])}.{_part({})}.c2ln", False),
        ("jwt", f"{_part({'alg': 'none'})}.bm90.c2ln", False),
        ("jwt", "eyJ", False),
        ("jwt", "eyJ" + "W" * 100_000 + ".e30.x", False),
        ("private_key", KEY, True),
        ("private_key", KEY[:63], False),
        ("private_key", "A" * 200, False),
        ("private_key", "\\n".join(KEY), True),
        ("dotnet_trace", "at A.B(Unknown Source)", False),
        ("dotnet_trace", "at A.B(String s)", True),
    ],
)
def test_validators(name: str, value: str, *, good: bool) -> None:
    assert VALIDATORS[name](value) is good


@pytest.mark.parametrize("name", VALIDATORS)
@given(value=st.text())
def test_validators_never_raise(name: str, value: str) -> None:
    assert VALIDATORS[name](value) in (True, False)


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("email", "jane@corp.example", "j***@c***.example"),
        ("email", "al@x.example", "***@***.example"),
        ("secret", "eyJhbGciOiJIUzI1NiJ9", "eyJh*** (20 characters)"),
        ("secret", "short", "*** (5 characters)"),
        ("host", "10.60.0.10", "10.*.*.10"),
        ("host", "inventory.shop.svc.cluster.local", "inv***.local"),
        ("text", "at f (/a.js:1:2)", "stack_trace (16 characters)"),
    ],
)
def test_masking(kind: MaskKind, value: str, masked: str) -> None:
    assert mask(kind, value, "stack_trace") == masked


@given(kind=st.sampled_from(get_args(MaskKind)), value=st.text(min_size=6) | st.emails() | st.from_regex(r"[a-c.@*]{6,30}", fullmatch=True))
def test_masked_never_contains_the_value(kind: MaskKind, value: str) -> None:
    assert value not in mask(kind, value, "stack_trace")


def test_a_value_that_is_part_of_its_own_label_is_not_shown() -> None:
    assert mask("text", "stack_", "stack_trace") == "***"
