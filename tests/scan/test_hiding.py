"""Lines that are shown hold no secret and no personal data."""

from __future__ import annotations

from forensics.scan import hide_values


def test_each_value_becomes_its_masked_form() -> None:
    line = "GET /users/anna.schmidt@mail.example/orders/4539148803436467 200"
    assert hide_values(line) == "GET /users/a***@m***.example/orders/453914***6467 200"


def test_a_token_that_fills_a_segment() -> None:
    token = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
    assert token not in hide_values(f"GET /reset/{token}/done 200")


def test_what_holds_none_stays() -> None:
    assert hide_values("GET /orders/17 200 user-0001") == "GET /orders/17 200 user-0001"
