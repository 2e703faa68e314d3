"""How the views' small tables are written."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from forensics.store import Store


def keep(store: Store, title: str, data: pa.Table) -> None:
    """Make a table of Arrow data."""
    keep_query(store, title, data, "select * from incoming")


def keep_query(store: Store, title: str, data: pa.Table, query: str) -> None:
    """Make a table of a SELECT over Arrow data, which it sees as `incoming`."""
    store.register("incoming", data)
    store.execute(f"create table {title} as {query}")
    store.unregister("incoming")


def keep_rows(store: Store, title: str, rows: list[dict[str, Any]], **types: pa.DataType) -> None:
    """Make a table of dicts with the columns and Arrow types given."""
    keep(store, title, pa.Table.from_pylist(rows, schema=pa.schema(list(types.items()))))


def distinct(store: Store, selects: list[str]) -> list[str]:
    """Return the distinct values of the one column of several SELECTs, sorted; NULL is none.

    Each SELECT is made distinct by itself: over 10 M rows a column the union of all rows took three times as long.
    """
    union = " union ".join(f"(select distinct value from ({select}) t(value))" for select in selects)
    return [row[0] for row in store.rows(f"select value from ({union}) where value is not null order by value")]
