"""Rows of content_matches: one a value and place, numbered by first appearance, without the value."""

from __future__ import annotations

from typing import Any

from forensics.scan import Exchange, content_rows, default_scanner
from forensics.schema import TABLES

SCANNER = default_scanner()


def exchange(record_no: int, body: str | None, *headers: tuple[str, str], evidence_id: str = "e1") -> Exchange:
    return Exchange(evidence_id, record_no, "application/json", body, list(headers))


def rows(*exchanges: Exchange) -> list[dict[str, Any]]:
    return list(content_rows(SCANNER, exchanges))


def test_a_row_has_the_columns_of_the_table() -> None:
    """A row is what the table of the schema takes, and holds no value."""
    (row,) = rows(exchange(3, '{"email":"jane@example.com"}'))
    assert row == {
        "evidence_id": "e1",
        "record_no": 3,
        "part": "response_body",
        "pattern": "pii.email",
        "pattern_class": "pii",
        "json_path": "$.email",
        "match_count": 1,
        "match_offset": 10,
        "match_length": 16,
        "value_ordinal": 1,
    }
    assert set(row) <= {column.name for column in TABLES["content_matches"].columns}


def test_equal_values_in_one_place_are_one_row() -> None:
    """A value that repeats under one path is counted; under another path it is another row with the same ordinal."""
    found = rows(exchange(1, '{"to":["a@example.com","b@example.com","a@example.com"],"from":"a@example.com"}'))
    assert [(row["json_path"], row["value_ordinal"], row["match_count"]) for row in found] == [
        ("$.to[]", 1, 2),
        ("$.to[]", 2, 1),
        ("$.from", 1, 1),
    ]


def test_ordinals_count_values_per_pattern_and_evidence() -> None:
    """Numbers start at 1 for each pattern and each evidence, and a value keeps its number across records."""
    found = rows(
        exchange(1, "a@example.com 10.0.0.1"),
        exchange(2, "b@example.com a@example.com"),
        exchange(9, "b@example.com", evidence_id="e2"),
    )
    assert [(row["record_no"], row["pattern"], row["value_ordinal"]) for row in found] == [
        (1, "pii.email", 1),
        (1, "internal_address.private_ip", 1),
        (2, "pii.email", 2),
        (2, "pii.email", 1),
        (9, "pii.email", 1),
    ]


def test_headers_are_rows_of_their_own() -> None:
    """A header's row names it in lower case; offsets are those of its value."""
    found = rows(exchange(1, None, ("Server", "envoy"), ("X-Backend", "at 10.0.0.7"), ("x-backend", "10.0.0.8")))
    assert [(row["part"], row["json_path"], row["match_offset"]) for row in found] == [
        ("response_header", "x-backend", 3),
        ("response_header", "x-backend", 0),
    ]


def test_nothing_found_is_no_row() -> None:
    """Empty bodies, bodies that could not be decoded and clean ones give nothing."""
    assert rows(exchange(1, None), exchange(2, ""), exchange(3, '{"ok":true}', ("Server", "envoy"))) == []
