"""What an importer is: one module with a docstring (what the format is, who exports it, where it is defined) and these names.

    NAME       as in `--format NAME`
    TABLES     the tables it can feed
    OBSERVER   what saw the events
    recognise(head) -> int          0 = no, 100 = certain, by content only
and one of
    plan(head, path) -> LinePlan            line formats: SQL expressions, run by the engine
    records(data) -> Iterator[Item]         documents: Python, whole document in memory
    prepare(path), table_sql(engine, path) -> tuple[str, str]   columnar files: make a copy of the file fit; table and a SELECT over it

A format that any program may write says `GENERAL = True`: another that claims a part further on in a file is preferred, since an access log
may begin with the lines of a program that starts.

A module with `plan` whose records may be several lines has `begins(data, starts, ends)`: the bytes of a block, where its lines begin and end
-> which of them begin a record (numpy). The lines that follow are no records of their own: `line` is all of them, `record_no` the first, and the
ledger, whose `records` are physical lines, counts the others as skipped, `continued`. It must not depend on the head: a file that grew would be
cut otherwise.

A module with `records` whose record numbers are physical lines says `BY_LINE = True` and has `spans(data)`: number, first byte and byte behind
the last of every record. One whose times are not read by the zone in the document says how in `TIME_RULE`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from forensics.networks import ADDRESS_PATTERN, MAX_PORT, key_of
from forensics.store import literal, name
from forensics.text import whole_pairs

SAMPLE_LINES = 200
# A document is held whole: JSON of this size takes about 2 GB as objects.
MAX_DOCUMENT_BYTES = 256 << 20
# Of more keys in a head the most common are mapped: 3,000 take the engine 10 s and 0.6 GB, 500 take 0.8 s.
MAX_KEYS = 500
# The macros that read text as a number, by type.
NUMBERS = {"INTEGER": "to_integer", "BIGINT": "to_bigint", "DOUBLE": "to_double"}

_SIZES = ("_bytes", "_packets")


# Columns that hold addresses alone: a name or an object in them is no place that a connection could lead to.
ADDRESSES = frozenset({"source_address", "destination_address"})


def bounded(column: str, expression: str) -> str:
    """Return the SQL of a value that is NULL where it is none of its kind: ports are 0 to 65535 (RFC 9293, RFC 768), sizes are not negative, addresses are addresses."""
    if expression == "null" or not (column in ADDRESSES or column.endswith(("_port", *_SIZES))):
        return expression
    if column in ADDRESSES:
        return f"case when regexp_full_match({expression}, {literal(ADDRESS_PATTERN)}) then ({expression}) end"
    most = f"between 0 and {MAX_PORT}" if column.endswith("_port") else ">= 0"
    return f"case when ({expression}) {most} then ({expression}) end"


def in_bounds(column: str, value: Any) -> Any:
    """Return a value, or None where `bounded` says NULL."""
    if column in ADDRESSES:
        return value if isinstance(value, str) and key_of(value) else None
    if not isinstance(value, int) or not column.endswith(("_port", *_SIZES)):
        return value
    return value if value >= 0 and (value <= MAX_PORT or not column.endswith("_port")) else None


@dataclass(frozen=True)
class Head:
    """64 KiB of a file after decompression, its first as a rule; `complete` says that this is all of it, `trouble` what damaged it."""

    data: bytes
    name: str = ""
    complete: bool = False
    trouble: str = ""

    @cached_property
    def text(self) -> str:
        """The head as text, byte order mark removed, invalid bytes replaced."""
        return self.data.decode("utf-8-sig", "replace")

    @cached_property
    def every_line(self) -> list[str]:
        """The whole lines, as they stand there."""
        lines = self.text.split("\n")
        return lines if self.complete or len(lines) == 1 else lines[:-1]

    @cached_property
    def lines(self) -> list[str]:
        """The first whole lines that are not blank."""
        return list(islice((line.rstrip("\r") for line in self.every_line if line.strip()), SAMPLE_LINES))

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects among those lines; empty where lines are not JSON objects."""
        found = (_json_object(line) for line in self.lines if line.lstrip().startswith("{"))
        return [item for item in found if item is not None]

    @cached_property
    def keys(self) -> list[str]:
        """The keys of those objects in the order in which they come; of too many the most common."""
        counts = Counter(key for item in self.objects for key in item)
        kept = {key for key, _ in counts.most_common(MAX_KEYS)}
        return [key for key in counts if key in kept]

    def share(self, keys: set[str]) -> float:
        """Return the share of the sampled lines that are JSON objects with all of `keys`."""
        if not self.lines:
            return 0.0
        return sum(keys <= item.keys() for item in self.objects) / len(self.lines)

    def mentions(self, *patterns: str) -> bool:
        """Say whether every regular expression is found in the head (for documents larger than it)."""
        return all(re.search(pattern, self.text) for pattern in patterns)


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(whole_pairs(line))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class Feed(Protocol):
    """Adds a column to the batches of lines before the engine sees them."""

    field: pa.Field

    def __call__(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the column `field` of a batch whose first columns are those of `forensics.lines.SCHEMA`."""


class Quick(Protocol):
    """Makes finished rows of plain lines without the engine, the same that its SQL would make."""

    schema: pa.Schema

    def __call__(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, np.ndarray]:
        """Return rows of `schema`, and the numbers within the batch (ascending) of the lines that are left to the engine."""


@dataclass(frozen=True)
class LinePlan:
    """How the engine parses lines.

    `fields` is a SQL expression over `line` (and `section`) that yields a struct or list named `f`, or NULL for a line that is not of
    the format. `stages` are further expressions over `f`, each computed once and replacing it. `tables` maps a table to its columns; a column's expression is cast to the column's type; a value that does not cast
    becomes NULL and is kept in `attributes._invalid`. `conditions` say which records feed which table (all without). `checks` are
    (SQL condition, reason): a line for which one holds is rejected. `skips` are the same for records that are of the format but none of
    ours: they are counted by reason, before any check. `header` is the byte with which lines begin that are skipped. `raw` gives
    the text of columns whose expression loses it (a time, a list, a product), so that what cannot be read is kept.

    `feed` adds a column to the lines that `fields` may use. With it go `typed`, columns that need no cast and are used in place of those
    of `tables`, and `doubt`, a SQL condition that is false where no value can be of the wrong type.

    `quick` makes the rows of plain lines; only the others go through the engine. Such a plan has one table, without condition.

    `missing` is a SQL condition that is true for lines that are not of the format; it may speak of the column of `feed` too.
    `keys` is a SQL expression over `line` as `json_key_checks` makes it: what it finds is kept in `attributes`. `field_keys` is the same over the
    last `f`.
    """

    fields: str
    tables: Mapping[str, Mapping[str, str]]
    checks: tuple[tuple[str, str], ...] = ()
    skips: tuple[tuple[str, str], ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    header: bytes = b""
    raw: Mapping[str, str] = field(default_factory=dict)
    starts: tuple[int, ...] = (1,)
    time_rule: str = "UTC or the offset in the record"
    invalid_format: str = "not a JSON object"
    attributes: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    is_json: bool = True
    feed: Feed | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    doubt: str = "true"
    keys: str = ""
    field_keys: str = ""
    missing: str = "f is null"
    quick: Quick | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a document: `record_no` is the entry's index, from 1."""

    table: str
    record_no: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reject:
    """An entry of a document that cannot be used; `raw` is its text, `offset` where it lies if that is known."""

    record_no: int
    reason: str
    raw: bytes
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """An entry that is none of ours, with the reason; counted."""

    record_no: int
    reason: str


Item = Row | Reject | Skip


def json_plan(
    mapped: Mapping[str, str], head: Head, table: str, columns: Mapping[str, str], *, observer: str = "", **rest: Any
) -> LinePlan:
    """Return the plan of a JSON lines format.

    `mapped` names the keys with their JSON type (VARCHAR for scalars, JSON for what stays JSON); keys that the head shows beyond those go
    to `attributes`. Columns may use `f."key"`.
    """
    extra = other_keys(head, mapped)
    if observer:
        columns = {"observer": literal(observer), **columns}
    return LinePlan(
        fields=json_fields({**mapped, **dict.fromkeys(extra, "JSON")}),
        tables={table: columns},
        attributes={key: f"f.{name(key)}" for key in extra},
        keys=json_key_checks(head, known=(*mapped, *extra)),
        **rest,
    )


def json_fields(structure: Mapping[str, Any]) -> str:
    """Return the `fields` of JSON lines; the engine alone would take `[1]` or `5` for an object without keys."""
    is_object = "line[1] = '{' or starts_with(ltrim(line, ' ' || chr(9)), '{')"
    return f"case when {is_object} then try(from_json(line, {literal(json.dumps(structure))})) end"


def other_keys(head: Head, mapped: Iterable[str]) -> list[str]:
    """Return the keys the head shows beyond those mapped; names of a struct are not empty and differ by more than case."""
    lower = {"", *(key.lower() for key in mapped)}
    extra = []
    for key in head.keys:
        if key.lower() not in lower:
            lower.add(key.lower())
            extra.append(key)
    return extra


# Lines with one of so many key lists of the head are known at a glance; others are looked at closely, with the same result.
_MAX_SHAPES = 16


def json_key_checks(head: Head, nested: Sequence[str] = (), known: Sequence[str] = ()) -> str:
    """Return a SQL expression over `line`: NULL, or a struct of two sorted lists, each NULL where empty.

    `duplicates` are keys that occur twice in one object: the line's own, and as `request.body` those of the objects under the keys
    `nested`. `unseen` are the line's own keys that the head does not show; with `known` those that no column and no attribute has, such as one
    that differs from a mapped key by case only. NULL is also the answer for a line that is not JSON.

    Every line's key lists are compared with those of the head; only lines that differ are taken apart. Measured on 300 MB, CPU
    seconds: 0.3 for Envoy lines (0.8 where its one list is asked for by a path) and 0.4 for exchanges; where every line differs 5.0 and 1.8.
    """
    paths = ["$", *(f"$.{json.dumps(key)}" for key in nested)]
    keys = f"try(json_keys(line, {literal(paths)}))"
    read = [key for key in head.keys if not known or key in known]
    shapes = _shapes(head, nested, read)
    looked = (
        f"list_contains([{', '.join(shapes)}]::varchar[][][], {keys})"
        if nested
        else f"list_contains([{', '.join(shape[1:-1] for shape in shapes)}]::varchar[][], try(json_keys(line)))"
    )
    prefixes = ["", *(f"{key}." for key in nested)]
    twice = ", ".join(_twice(f"k[{index}]", prefix) for index, prefix in enumerate(prefixes, 1))
    unseen = f"list_filter(list_distinct(k[1]), lambda x: not list_contains({literal(read)}::varchar[], x))"
    close = (
        f"list_transform([{keys}], lambda k: struct_pack(duplicates := nullif(list_sort(flatten([{twice}])), []), "
        f"unseen := nullif(list_sort({unseen}), [])))[1]"
    )
    return f"case when not {looked} then {close} end"


def _shapes(head: Head, nested: Sequence[str], read: Collection[str]) -> list[str]:
    """Return the most common key lists of the head, as `json_keys` gives them; very long ones, and keys that are not read, are left to the close look."""
    seen = set(read)
    lists = ([list(item), *(_keys_of(item, key) for key in nested)] for item in head.objects if item.keys() <= seen)
    short = (literal(keys) for keys in lists if all(len(part or ()) <= MAX_KEYS for part in keys))
    return [shape for shape, _ in Counter(short).most_common(_MAX_SHAPES)]


def _keys_of(item: dict[str, Any], key: str) -> list[str] | None:
    value = item.get(key)
    return list(value) if isinstance(value, dict) else [] if key in item else None


def _twice(keys: str, prefix: str) -> str:
    """Return the keys that occur twice; sorted first, since comparing each with each takes hours for a hostile line."""
    again = "lambda s: list_filter(s, lambda x, i: coalesce(x = s[i - 1], false))"
    found = f"list_distinct(list_transform([list_sort(coalesce({keys}, []))], {again})[1])"
    return f"list_transform({found}, lambda x: {literal(prefix)} || x)"


def entries(values: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (index from 1, entry) of the objects in a list."""
    for index, value in enumerate(values if isinstance(values, list) else [], 1):
        if isinstance(value, dict):
            yield index, value
