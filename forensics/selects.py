"""What SQL of unknown origin may be: exactly one SELECT that reads the case's tables, judged on the syntax tree of the engine's own parser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import duckdb

from forensics.errors import QueryError

QUERY_TEXT = 100_000  # characters of one SELECT
_EVIDENCE = "The case's tables are evidence; they are never changed."
# What a SELECT of unknown origin may be made of. A CTE of DuckDB 2.0 may hold COPY, INSERT, UPDATE and DELETE and is still a SELECT.
_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLE_FUNCTIONS = frozenset(
    {"unnest", "range", "generate_series", "repeat", "json_each", "json_tree", "beacon_scores"}
)
_SHOWN = frozenset({'"tables"', "__show_tables_expanded"})
_ABOUT_TABLES = frozenset({"tables", "columns", "schemata"})  # other system views show paths, settings and definitions
_NOT_FUNCTIONS = frozenset({
    "current_setting", "getenv", "getvariable", "write_log", "parse_duckdb_log_message", "sleep_ms", "pg_sleep", "nextval", "currval",
    "json_serialize_sql", "json_deserialize_sql", "json_serialize_plan", "json_execute_serialized_sql", "read_text", "read_blob",
    "pg_get_viewdef", "pg_get_constraintdef", "get_block_size", "format_type",
})  # fmt: skip


class _Refusal(NamedTuple):
    message: str
    hint: str


def require_select(sql: str) -> None:
    """Refuse anything but exactly one SELECT, also inside of it: COPY in a CTE writes and is still a SELECT to the engine.

    Raises:
        QueryError: it does not parse, is not one statement, or is or holds another kind of statement.

    """
    if refusal := _judged(sql)[0]:
        raise QueryError(refusal.message, hint=refusal.hint)


def require_reading(sql: str) -> None:
    """Refuse also a SELECT that names anything but the case's tables, or calls what reaches beyond them; raises `QueryError`."""
    if refusal := next(filter(None, _judged(sql)), None):
        raise QueryError(refusal.message, hint=refusal.hint)


@lru_cache(maxsize=256)
def _judged(sql: str) -> tuple[_Refusal | None, _Refusal | None]:
    """Return why this is no SELECT, and what it reads that it must not: both from one look at the tree (2 ms for a detector)."""
    if refusal := _text_refusal(sql) or _statement_refusal(sql):
        return refusal, None
    parts = list(_parts(_tree(sql)))
    return next(filter(None, map(_other_kind, parts)), None), next(filter(None, map(_reach, parts)), None)


def _text_refusal(sql: str) -> _Refusal | None:
    if len(sql) > QUERY_TEXT:
        return _Refusal(f"The SQL is longer than {QUERY_TEXT:,} characters.", "Write a shorter SELECT.")
    if "\0" in sql or _is_broken(sql):
        return _Refusal("The SQL holds a character that is none (NUL or half a pair).", "Write it in UTF-8.")
    return None


def _statement_refusal(sql: str) -> _Refusal | None:
    try:
        statements = _parser().extract_statements(sql)
    except duckdb.Error as error:
        return _Refusal(first_line(error), "Check the SQL near the place named.")
    if len(statements) != 1:
        return _Refusal(f"Exactly one SELECT is allowed, this is {len(statements)} statements.", "Run them one by one.")
    kind = statements[0].type
    if kind != duckdb.StatementType.SELECT:
        return _Refusal(f"Only SELECT is allowed, this is {kind.name}.", _EVIDENCE)
    return None


def _other_kind(part: Mapping[str, Any]) -> _Refusal | None:
    node = str(part.get("type") or "")
    if not node.endswith("_NODE") or node in _QUERIES:
        return None
    kind = node.removesuffix("_NODE").removesuffix("_QUERY")
    return _Refusal(f"Only SELECT is allowed, this holds {kind}.", _EVIDENCE)


def _reach(part: Mapping[str, Any]) -> _Refusal | None:
    trouble = _trouble(part)
    return _Refusal(trouble, "canary-forensics sql CASE --tables lists what can be asked.") if trouble else None


def _is_broken(sql: str) -> bool:
    try:
        sql.encode()
    except UnicodeEncodeError:
        return True
    return False


def _tree(sql: str) -> Any:
    """Return the syntax tree of one SELECT as the engine writes it down."""
    text = _parser().execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()[0][0]
    try:
        tree = json.loads(text)
    except RecursionError as error:
        raise QueryError("The SQL is nested too deeply.", hint="Split it into named parts with WITH.") from error
    if tree.get("error"):
        raise QueryError(f"{tree.get('error_message')}.", hint="Check the SQL near the place named.")
    return tree["statements"]


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a syntax tree."""
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _trouble(part: Mapping[str, Any]) -> str:
    """Say what one object of a syntax tree must not be; empty where it may be."""
    kind = part.get("type")
    if kind == "TABLE_FUNCTION":
        title = str(part["function"].get("function_name", "")).lower()
        return "" if title in _TABLE_FUNCTIONS else f"{title}() is no table of the case."
    if kind == "SHOW_REF":
        known = part.get("query") is not None or part.get("table_name") in _SHOWN
        return "" if known else "Only SHOW TABLES and DESCRIBE of a table are allowed."
    if kind == "BASE_TABLE":
        return _table_trouble(part)
    called = str(part.get("function_name") or "").lower()
    return f"{called}() is not allowed." if called in _NOT_FUNCTIONS else ""


def _table_trouble(part: Mapping[str, Any]) -> str:
    *place, title = [str(item).lower() for item in (part.get("qualified_name") or {}).get("path") or ["?"]]
    if "information_schema" in place:
        return "" if title in _ABOUT_TABLES else f"{title} is no table of the case."
    if title in _system_views() or {"pg_catalog", "system", "temp"} & set(place):
        return f"{title} is no table of the case."
    return f"{title} is a file name, no table of the case." if re.search(r"[/\\.*?:]", title) else ""


@cache
def _system_views() -> frozenset[str]:
    rows = (
        _parser()
        .execute("select view_name from duckdb_views() where internal and schema_name <> 'information_schema'")
        .fetchall()
    )
    return frozenset(row[0].lower() for row in rows)


@lru_cache(maxsize=256)
def parameters_of(sql: str) -> frozenset[str]:
    """Return the names of `$parameters` in one statement."""
    return frozenset(str(item) for item in _parser().extract_statements(sql)[0].named_parameters)


@lru_cache(maxsize=256)
def tables_of(sql: str) -> frozenset[str]:
    """Return the tables one SELECT reads, without schema."""
    without = re.sub(r"\$[a-zA-Z_]\w*", "null", sql)
    return frozenset(
        table.rpartition(".")[2].strip('"') for table in _parser().get_table_names(without, qualified=True)
    )


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One engine without tables, files or network that only parses."""
    connection = duckdb.connect()
    connection.execute(
        "set threads = 1; set autoinstall_known_extensions = false; set autoload_known_extensions = false;"
        "set python_enable_replacements = false; set enable_external_access = false; set lock_configuration = true"
    )
    return connection


def first_line(error: Exception) -> str:
    """Return what the engine says, as one sentence of at most 1,000 characters."""
    text = str(error).split("\n\nLINE")[0].replace("\n", " ").strip() or type(error).__name__
    text = text if len(text) <= 1000 else text[:1000] + "…"
    return text if text.endswith((".", "!", "?", "…")) else text + "."
