"""Which keys of a JSON line are twice there, and which the head did not show."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from forensics.importers.contract import Head, json_key_checks

_HEAD = Head(
    b'{"time":"t","request":{"url":"/","body":null},"response":{"status":200}}\n'
    b'{"time":"t","request":{"url":"/"},"response":null,"id":"x"}\n{"time":"t","o\'k":1}\n',
    complete=True,
)


def _check(line: str, head: Head = _HEAD, nested: tuple[str, ...] = ("request", "response")) -> Any:
    rows = duckdb.execute(
        f"select {json_key_checks(head, nested)} from (select $line as line)", {"line": line}
    ).fetchall()
    return rows[0][0]


@pytest.mark.parametrize("line", _HEAD.lines)
def test_a_line_like_those_of_the_head(line: str) -> None:
    assert _check(line) is None
    assert _check(line + "\n") is None


@pytest.mark.parametrize(
    ("line", "duplicates", "unseen"),
    [
        ('{"time":1,"time":2}', ["time"], None),
        ('{"time":1,"id":1,"id":2,"id":3,"zz":1,"aa":1}', ["id"], ["aa", "zz"]),
        ('{"zz":1,"zz":1}', ["zz"], ["zz"]),
        (
            '{"time":1,"request":{"url":1,"url":2},"response":{"status":1,"status":2}}',
            ["request.url", "response.status"],
            None,
        ),
        ('{"time":1,"request":{"new":1}}', None, None),
        ('{"time":1,"request":[1],"response":"x"}', None, None),
        ('{"Time":1,"time":2}', None, ["Time"]),
        ('{"":1,"":2}', [""], [""]),
        ('{"ti\\u006de":1,"time":2}', ["time"], None),
        ("{}", None, None),
    ],
)
def test_a_line_that_differs(line: str, duplicates: list[str] | None, unseen: list[str] | None) -> None:
    found = _check(line)
    assert (found["duplicates"], found["unseen"]) == (duplicates, unseen)


@pytest.mark.parametrize("line", ["", "\n", "nonsense", '{"time":', '{"time":1}x'])
def test_a_line_that_is_not_json(line: str) -> None:
    found = _check(line)
    assert found is None or found == {"duplicates": None, "unseen": None}


def test_bad_lines_do_not_hide_others() -> None:
    lines = ["nonsense", '{"time":1,"time":2}', "{", '{"q":1}'] * 1000
    sql = json_key_checks(_HEAD, ("request",))
    rows = duckdb.execute(
        f"select count(*) filter (c.duplicates = ['time']), count(*) filter (c.unseen = ['q']) from (select {sql} as c from unnest($lines) as t(line))",
        {"lines": lines},
    ).fetchall()
    assert rows == [(1000, 1000)]


def test_without_a_head_every_key_is_unseen() -> None:
    found = _check('{"a":1}', Head(b"", complete=True), ())
    assert (found["duplicates"], found["unseen"]) == (None, ["a"])


def test_many_keys_take_no_quadratic_time() -> None:
    line = json.dumps({f"k{number}": 0 for number in range(50_000)})[:-1] + ',"k7":1}'
    assert _check(line)["duplicates"] == ["k7"]
