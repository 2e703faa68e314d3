"""The column list of a table over parsed lines: casts, and what does not cast kept in `attributes._invalid`."""

from __future__ import annotations

from dataclasses import replace

from forensics.importers.contract import ADDRESSES, NUMBERS, LinePlan, bounded
from forensics.schema import TABLES
from forensics.store import literal, name

# A record without a time is rejected, so that column needs no check; attributes hold what others lost.
_UNCHECKED = {"time", "attributes"}
DUPLICATE_KEYS, UNMAPPED_KEYS = "_duplicate_keys", "_unmapped_keys"


def select_sql(plan: LinePlan, table: str, parsed: str, condition: str) -> str:
    """Return the SELECT of a table's rows over the SELECT `parsed`, of those for which `condition` holds.

    What a column is made of is computed in a SELECT of its own and named there: casts and checks speak of each value up to seven times, and a
    plan over the whole expressions took 0.7 s for exchanges, whatever the size of the file.
    """
    named: dict[str, str] = {}

    def name_of(expression: str) -> str:
        is_constant = expression == "null" or expression.startswith("'")
        return expression if is_constant else named.setdefault(expression, f"c{len(named)}")

    over = replace(
        plan,
        tables={table: {column: name_of(text) for column, text in plan.tables[table].items()}},
        typed={column: name_of(text) for column, text in plan.typed.items()},
        raw={column: name_of(text) for column, text in plan.raw.items()},
        attributes={key: name_of(text) for key, text in plan.attributes.items()},
        doubt=name_of(plan.doubt),
    )
    values = "".join(f", ({expression}) as {title}" for expression, title in named.items())
    inner = f"select record_no, record_offset, section, salvaged, k{values} from ({parsed}) where {condition}"
    return f"select {columns_sql(over, table)} from ({inner})"


def columns_sql(plan: LinePlan, table: str) -> str:
    """Return the column list of a table, over rows of record_no, record_offset, section, salvaged and f."""
    given = {**plan.tables[table], **plan.typed}
    columns = []
    for column, kind in TABLES[table].types.items():
        if column == "evidence_id":
            continue
        if column in ("record_no", "record_offset"):
            columns.append(column)
        elif column == "attributes":
            columns.append(f"{_attributes(plan, table)} as attributes")
        else:
            read = _trusted if column in plan.typed else _cast
            columns.append(f"{bounded(column, read(given.get(column, 'null'), kind))} as {name(column)}")
    return ", ".join(columns)


def _cast(expression: str, kind: str) -> str:
    """Return the SQL that reads a value; text that is no whole or no finite number becomes NULL."""
    if kind in NUMBERS and expression != "null":
        return f"{NUMBERS[kind]}({expression})"
    return _trusted(expression, kind)


def _trusted(expression: str, kind: str) -> str:
    return expression if kind == "VARCHAR" else f"try_cast({expression} as {kind})"


def _attributes(plan: LinePlan, table: str) -> str:
    """Collect unmapped keys, values of the wrong type or out of range, and the mark of a salvaged line or odd keys; NULL where there are none."""
    wrong = dict(_wrong(plan, table))
    pairs = [f"{literal(key)}, {expression}" for key, expression in plan.attributes.items()]
    invalid = ", ".join(
        f"{literal(column)}, case when {test} then {text} end" for column, (test, text) in wrong.items()
    )
    marks = [
        f"'_invalid', nullif(json_merge_patch('{{}}', json_object({invalid})), '{{}}')", "'_salvaged', case when salvaged then true end",
    ]  # fmt: skip
    if plan.keys or plan.field_keys:
        marks += [f"'{DUPLICATE_KEYS}', k.duplicates", f"'{UNMAPPED_KEYS}', k.unseen"]
    troubled = f"json_merge_patch('{{}}', json_object({', '.join([*pairs, *marks])}))"
    absent = " and ".join(f"({text}) is null" for text in plan.attributes.values())
    plain = f"case when not ({absent}) then json_object({', '.join(pairs)}) end" if pairs else "null"
    tests = {column: f"({test})" for column, (test, _) in wrong.items()}
    numbers = " or ".join(test for column, test in tests.items() if column not in ADDRESSES) or "false"
    addresses = "".join(f" or {test}" for column, test in tests.items() if column in ADDRESSES)
    any_wrong = f"(({plan.doubt}) and ({numbers})){addresses}" + (
        " or k is not null" if plan.keys or plan.field_keys else ""
    )
    return f"case when salvaged or {any_wrong} then {troubled} else {plain} end"


def _wrong(plan: LinePlan, table: str) -> list[tuple[str, tuple[str, str]]]:
    """Return (column, (condition, text)) of values that may be of the wrong type or out of range: the text is there, the typed value is not."""
    found = []
    for column, expression in plan.tables[table].items():
        kind = TABLES[table].types.get(column, "VARCHAR")
        if column in ADDRESSES:
            given = plan.typed.get(column, expression)
            found.append((column, (f"({given}) is not null and {bounded(column, given)} is null", given)))
            continue
        text = plan.raw.get(column, expression)
        checked = column in plan.raw or kind in ("INTEGER", "BIGINT", "DOUBLE", "BOOLEAN")
        if kind != "VARCHAR" and checked and column not in _UNCHECKED and text != "null":
            found.append(
                (column, (f"({text}) is not null and {bounded(column, _cast(expression, kind))} is null", text))
            )
    return found
