"""Ids, rounding and bytes of the canonical result."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from forensics.findings import (
    SEVERITIES,
    Count,
    Modifier,
    Verdict,
    canonical,
    finding_id,
    json_schema,
    level,
    moment,
    moved,
    rounded,
)


def test_ids_are_stable_across_versions() -> None:
    assert (
        finding_id("outbound.new_destination", [("destination", "collect.example"), ("destination_port", 443)])
        == "F-4be02a9f4f"
    )


def test_ids_tell_detectors_columns_and_values_apart() -> None:
    ids = {
        finding_id("a.b", [("x", 1)]), finding_id("a.c", [("x", 1)]), finding_id("a.b", [("y", 1)]), finding_id("a.b", [("x", 2)]),
        finding_id("a.b", [("x", None)]), finding_id("a.b", [("x", 1), ("y", 1)]), finding_id("a.b", [("y", 1), ("x", 1)]), finding_id("a.b", []),
    }  # fmt: skip
    assert len(ids) == 8
    assert all(len(item) == 12 for item in ids)


def test_ids_of_lone_surrogates_and_long_names() -> None:
    assert finding_id("a.b", [("x", "x" * 10_000)]) != finding_id("a.b", [("x", "x" * 10_001)])
    assert finding_id("a.b", [("x", "\u202e")]).startswith("F-")


def test_floats_are_rounded_to_nine_digits_wherever_they_stand() -> None:
    value: dict[str, Any] = {
        "a": 1 / 3,
        "b": [2 / 3, (1e-20 / 3,)],
        "c": {"d": 123456789.123456},
        "e": 10**20,
        "f": True,
        "g": None,
        "h": "0.333333333333",
    }
    assert rounded(value) == {
        "a": 0.333333333,
        "b": [0.666666667, [3.33333333e-21]],
        "c": {"d": 123456789.0},
        "e": 10**20,
        "f": True,
        "g": None,
        "h": "0.333333333333",
    }


@given(some.floats(allow_nan=False, allow_infinity=False))
def test_rounding_is_close_and_once_is_enough(value: float) -> None:
    once = rounded(value)
    assert rounded(once) == once
    assert math.isclose(once, value, rel_tol=1e-8) or math.isinf(once)


def test_canonical_bytes() -> None:
    given_value = {"b": Count(1, 2), "a": [0.1 + 0.2, Verdict("pass", "Größe \u2014 ok")], "empty": [], "none": None}
    assert canonical(given_value) == (
        b'{\n  "b": {\n    "n": 1,\n    "total": 2\n  },\n  "a": [\n    0.3,\n    {\n      "outcome": "pass",\n      "reason": "'
        + "Größe \u2014 ok".encode()
        + b'"\n    }\n  ],\n  "empty": [],\n  "none": null\n}\n'
    )


def test_canonical_bytes_do_not_depend_on_the_last_digits() -> None:
    assert canonical({"x": 0.1 + 0.2}) == canonical({"x": 0.3})
    assert canonical({"x": 1.0000000001}) == canonical({"x": 1.0})


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(),
        lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    )
)
def test_canonical_bytes_are_json_of_the_same_value(value: Any) -> None:
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, ""),
        (datetime(2026, 3, 3, 9, 10), "2026-03-03T09:10:00Z"),  # noqa: DTZ001 - table times have no zone
        (datetime(2026, 3, 3, 9, 10, 1, 500000), "2026-03-03T09:10:01.500Z"),  # noqa: DTZ001 - table times have no zone
    ],
)
def test_moments(value: datetime | None, wanted: str) -> None:
    assert moment(value) == wanted


def test_levels_and_moves() -> None:
    assert [level(word) for word in SEVERITIES] == [0, 1, 2, 3, 4]
    assert (moved("info", -1), moved("info", 1), moved("critical", 1), moved("critical", -9), moved("medium", 0)) == (
        "info",
        "low",
        "critical",
        "info",
        "medium",
    )
    with pytest.raises(ValueError, match="not in tuple"):
        level("urgent")


def test_the_schema_names_every_field_of_a_finding() -> None:
    fields = json_schema()["$defs"]["Finding"]["properties"]
    assert {
        "id",
        "detector",
        "severity",
        "novelty",
        "entity",
        "q_value",
        "modifiers",
        "suppression",
        "changed_components",
    } <= set(fields)


def test_a_modifier_is_visible() -> None:
    assert json.loads(canonical(Modifier("pre_existing", -2, "why"))) == {
        "name": "pre_existing",
        "change": -2,
        "reason": "why",
    }
