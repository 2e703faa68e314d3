"""Environment variables in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forensics.importers import dotenv, recognise
from forensics.importers.contract import Head, Reject, Row, Skip
from tests.ingest.helpers import load

FILE = """\ufeff# the shop
LEVEL=info
export PORT = 8080   # http
EMPTY=
NAME='it is # no comment'
GREETING="a \\"b\\"\\n c" # said
DB_PASSWORD=hunter22
DATABASE_URL=postgres://shop:hunter22@db:5432/shop
REFERENCE_TOKEN=${TOKEN}
PEM="-----BEGIN PRIVATE KEY-----
hunter22
-----END PRIVATE KEY-----"

LAST=x#y"""


def test_a_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, FILE)
    assert loaded.entry.format == "dotenv"
    assert [
        (row["record_no"], row["configuration_key"], row["configuration_value"]) for row in loaded.rows("configuration")
    ] == [
        (2, "LEVEL", "info"),
        (3, "PORT", "8080"),
        (4, "EMPTY", ""),
        (5, "NAME", "it is # no comment"),
        (6, "GREETING", 'a "b"\n c'),
        (7, "DB_PASSWORD", "[masked, 8 characters]"),
        (8, "DATABASE_URL", "postgres://[masked, 13 characters]@db:5432/shop"),
        (9, "REFERENCE_TOKEN", "${TOKEN}"),
        (10, "PEM", "[masked, 62 characters]"),
        (14, "LAST", "x#y"),
    ]
    assert loaded.entry.skipped == {"blank": 1, "comment": 1}


def values(data: bytes) -> list[Any]:
    return [
        (item.record_no, item.values["configuration_value"]) if isinstance(item, Row) else item
        for item in dotenv.records(data)
    ]


def test_a_quote_that_does_not_close_costs_no_other_line() -> None:
    assert values(b'A="x\nB="y"\nC=\'z\nD=1\n') == [(1, '"x'), (2, "y"), (3, "'z"), (4, "1")]


def test_what_is_no_assignment() -> None:
    assert values(b"A=1\nhello\n=2\n#\nB=\xff\n") == [
        (1, "1"),
        Reject(2, "not KEY=VALUE", b"hello\n"),
        Reject(3, "not KEY=VALUE", b"=2\n"),
        Skip(4, "comment"),
        (5, "\\xff"),
    ]


@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ("A=1\nB=2\n", True),
        ("A=1\r\nB=2\r\n", True),
        ("A=1\n", False),
        ("A=1\nb=2\n", False),
        ("A=1\nB: 2\n", False),
        ("A=1\nB=2\necho x\n", False),
        ("A=1\nB=2\nA=3\n", False),
        ("junk\n" + "".join(f"V{number}=1\n" for number in range(10)), True),
        ("junk\nmore\n" + "".join(f"V{number}=1\n" for number in range(10)), False),
        ("lower=1\n" + "".join(f"V{number}=1\n" for number in range(10)), True),
    ],
)
def test_whose_it_is(text: str, is_known: bool) -> None:
    found = recognise(Head(text.encode(), complete=True))
    assert (found is not None and found.name == "dotenv") == is_known


def test_the_middle_of_a_file_is_not_known_by_it() -> None:
    assert dotenv.recognise(Head(b"A=1\nB=2\n", complete=False)) == 0


def test_many_variables(tmp_path: Path) -> None:
    loaded = load(tmp_path, "".join(f"V{number}={number}\n" for number in range(100_000)), format="dotenv")
    assert loaded.entry.accepted == 100_000
