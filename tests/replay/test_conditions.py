"""The subset of expr-lang: values, static types, errors, NaN; expectations are expr-lang's rules, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.replay.conditions import ConditionError, compiled
from forensics.replay.conditions.syntax import MAX_DEPTH
from forensics.replay.refusal import RefusalError

NAN, INF = math.nan, math.inf


def holds(text: str, result: Any) -> bool:
    condition = compiled(text)
    assert condition is not None
    return condition.holds(result)


@pytest.mark.parametrize(
    ("text", "result", "expected"),
    [
        ("result[0] < 0.05", [0.04], True),
        ("result[0] < 0.05", [0.05], False),
        ("result < 0.05", 0.04, True),
        ("result[-1] == 3", [1.0, 3.0], True),
        ("len(result) == 0 || result[0] < 0.05", [], True),
        ("len(result) > 0 && result[0] < 0.05", [], False),
        ("len(result) == 0 or result[0] < 0.05 and result[0] > 0", [0.01], True),
        ("all(result, # < 1)", [0.5, 0.9], True),
        ("all(result, {# < 1})", [0.5, 1.0], False),
        ("all(result, # < 1)", [], True),
        ("any(result, # > 1)", [], False),
        ("none(result, # > 1)", [0.0], True),
        ("one(result, # > 1)", [2.0, 0.0], True),
        ("count(result, # > 1) == 2", [2.0, 3.0, 0.0], True),
        ("len(filter(result, # > 1)) == 1", [2.0, 0.0], True),
        ("map(result, # * 2)[0] == 4", [2.0], True),
        ("result[0] in [1, 2]", [2.0], True),
        ("result[0] not in [1, 2]", [2.0], False),
        ("not (result[0] > 1)", [2.0], False),
        ("!(result[0] > 1) == false", [2.0], True),
        ("result[0] > 1 ? true : false", [2.0], True),
        ("default(result, 0) == 5", 5.0, True),
        ("isNil(result)", 5.0, False),
        ("2 ** 3 ** 2 == 512", 0.0, True),
        ("-2 ** 2 == -4", 0.0, True),
        ("7 % 3 == 1 && -7 % 3 == -1", 0.0, True),
        ("1 / 2 == 0.5", 0.0, True),
        ("1 + 2 * 3 == 7", 0.0, True),
        ("abs(-2) == 2 and min(3, 1, 2) == 1 and max(result) == 4", [4.0, 2.0], True),
        ("floor(1.5) == 1 and ceil(1.2) == 2 and round(2.5) == 3 and round(-2.5) == -3", 0.0, True),
        ("'a' + \"b\" == 'ab'", 0.0, True),
        ("asFloat('1.5') == 1.5 && asInt('7') == 7", 0.0, True),
        ("nil ?? true", 0.0, True),
        ("1_000 == 1000 and 0x10 == 16 and 1e3 == 1000.0", 0.0, True),
        ("9223372036854775807 + 1 < 0", 0.0, True),
        ("1 / 0 > 5", 0.0, True),
    ],
)
def test_values(text: str, result: Any, expected: bool) -> None:
    assert holds(text, result) is expected


@pytest.mark.parametrize("sign", ["<", ">", "<=", ">=", "=="])
def test_nan_compares_false(sign: str) -> None:
    assert holds(f"result[0] {sign} 0.05", [NAN]) is False
    assert holds("result[0] != result[0]", [NAN]) is True


def test_nan_and_infinity_have_their_functions() -> None:
    assert holds("isNaN(result[0]) || result[0] < 1", [NAN])
    assert holds("isInf(result)", INF)
    assert holds("result[0] >= 0.9", [INF])


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("result[0] < 0.05", []),  # index out of range
        ("result[5] < 0.05", [1.0]),
        ("result < 0.05", [0.01]),  # a list is no number
        ("result[0] < 0.05", 0.01),  # a number has no index
        ("asFloat(result[0]) < 1", [0.5]),  # asFloat takes text
        ('asFloat("1.1") == "1.1"', 0.0),  # mismatched types, before anything runs
        ("true || result == 'a'", 1.0),  # static types look at what would never run
        ("result[0]", [1.0]),  # no boolean
        ("result + nil > 1", 1.0),
        ("result[0].value > 1", [1.0]),
        ("result[0.5] > 1", [1.0]),
        ("not result", 1.0),
        ("asInt('x') == 1", 0.0),
        ("all(result, #)", [1.0]),
        ("all(result, # > 1)", 1.0),
        ("len(result) > 0", 1.0),
        ("1 % 0 == 0", 0.0),
        ("isNaN('x')", 0.0),
        ("isNaN() ", 0.0),
        ("result == true", 1.0),
        ("result ? true : false", 1.0),
        ("min() == 1", 0.0),
        ("result < 1", None),
    ],
)
def test_errors(text: str, result: Any) -> None:
    with pytest.raises(ConditionError):
        holds(text, result)


def test_default_of_nil_is_only_known_when_it_runs() -> None:
    assert holds("default(result, 7) == 7", None)
    with pytest.raises(ConditionError, match="invalid operation"):
        holds("default(result, 'x') > 1", None)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("result[0] matches 'a'", 11),
        ("sum(result) > 1", 1),
        ("result[0] < 0.05 | 1", 18),
        ("result[1:2] == 1", 9),
        ("let x = 1; x", 1),
        ("other > 1", 1),
        ("__import__('os')", 1),
        ("# > 1", 1),
        ("result[0] <", 12),
        ("(result[0] < 1", 15),
        ("{a: 1}", 1),
        ("result?.x", 8),
        ("9223372036854775808 > 1", 1),
        ("result[0] < 1e400", 13),
        ("`raw`", 1),
        ("now() > 1", 1),
    ],
)
def test_what_is_outside_is_refused_with_its_column(text: str, column: int) -> None:
    with pytest.raises(RefusalError) as told:
        compiled(text)
    assert told.value.code == "E-EXPR-UNSUPPORTED"
    assert told.value.column == column


def test_a_refusal_shows_a_caret_and_the_nearest_form() -> None:
    with pytest.raises(RefusalError) as told:
        compiled("sum(result) > 1")
    assert "let the query add up" in told.value.hint
    assert told.value.hint.endswith("sum(result) > 1\n^")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200 + "true" + ")" * 200,
        "!" * 3000 + "true",
        "1" + "+1" * 1500 + " > 0",
        "result" + "[0]" * 900,
        "x" * 5000,
    ],
)
def test_hostile_conditions_are_bounded(text: str) -> None:
    with pytest.raises(RefusalError):
        compiled(text)


def test_nesting_that_is_allowed_runs() -> None:
    depth = MAX_DEPTH - 2
    assert holds("(" * depth + "result > 0" + ")" * depth, 1.0)
    assert holds("0" + " + 1" * 140 + " == 140", 0.0)


def test_loops_in_loops_end() -> None:
    with pytest.raises(ConditionError, match="too many steps"):
        holds("all(result, {all(result, {all(result, {# < 1})})})", [0.5] * 200)


def test_no_condition_is_none() -> None:
    assert compiled("  ") is None


_PARTS = st.sampled_from(
    [
        "result",
        "[0]",
        "[-1]",
        "<",
        ">",
        "==",
        "!=",
        "<=",
        "&&",
        "||",
        "and",
        "or",
        "not",
        "!",
        "in",
        "(",
        ")",
        ",",
        ":",
        "?",
        "??",
        "0.05",
        "1",
        "nil",
        "true",
        "'x'",
        "len(",
        "all(",
        "any(",
        "#",
        "{#",
        "}",
        "isNaN(",
        "asFloat(",
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        "abs(",
        "max(",
        ".x",
        "[",
    ]
)


@given(
    st.lists(_PARTS, max_size=25).map(" ".join), st.one_of(st.none(), st.floats(), st.lists(st.floats(), max_size=3))
)
def test_whatever_is_written_is_true_false_an_error_or_refused(text: str, result: Any) -> None:
    try:
        condition = compiled(text)
        assert condition is None or condition.holds(result) in (True, False)
    except (RefusalError, ConditionError):
        pass
