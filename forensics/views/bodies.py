"""What responses look like inside: structure of JSON, size, messages of errors, who is named in them.

    dims.bodies       one row a response with a body: characters, items, structure, message of an error
    dims.structures   property paths of each distinct JSON structure ($.items[].id), and what they hold
    dims.mentions     how many known accounts other than the caller's a response names
    dims.patterns     the content patterns: class, title, severity, confidence

Made once with the views; 200,000 responses of 2 KB take 8 seconds, most of it the search for accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from forensics.scan.patterns import builtin_patterns
from forensics.store import Store
from forensics.views.tables import keep, keep_rows

# A structure is made of JSON of so many characters at most, and kept where it is no longer than that: hostile bodies nest 100,000 times.
_MAX_JSON, _MAX_STRUCTURE = 1 << 20, 20_000
_MAX_STRUCTURES = 10_000
_MAX_PATHS = 500  # of one structure
# A key that holds a digit, an @ or more than 40 characters is a value, not a name: objects keyed by ids have one structure.
_IS_VALUE = re.compile(r"[\d@]|.{41}", re.DOTALL)

_BODIES = f"""
create table dims.bodies as
with parsed as (
    select evidence_id, record_no, http_response_status_code as status, http_response_body as body,
        case when length(http_response_body) <= {_MAX_JSON} and json_valid(http_response_body) then http_response_body end as json
    from facts.http_exchanges
    where http_response_body <> ''
), structured as (
    select *, case when json_type(json) in ('OBJECT', 'ARRAY') then json_structure(json)::varchar end as structure from parsed
)
select evidence_id, record_no, length(body) as characters,
    case when length(structure) <= {_MAX_STRUCTURE} then structure end as structure,
    json_items(json) as items,
    case when status >= 400 then error_message(body, json) end as message
from structured
"""

# The account must have four characters and a letter, or six: `1001` is in many a body for other reasons.
_MENTIONS = f"""
create table dims.mentions as
with people as (
    select distinct user_id as person from facts.http_exchanges
    union select distinct user_id from facts.http_requests
    union select distinct user_id from facts.auth_events
), known as (
    select person from people where length(person) >= 6 or (length(person) >= 4 and regexp_matches(person, '[A-Za-z]'))
), names as (
    select lower(person) as name, lower(person) as person from known
    union select md5(person), lower(person) from known
    union select sha1(person), lower(person) from known
    union select sha256(person), lower(person) from known
), said as (
    select evidence_id, record_no, lower(user_id) as caller,
        unnest(list_distinct(regexp_extract_all(http_response_body, '["\\s>]([^"\\s<>\\\\]{{4,64}})["<]', 1))) as word
    from facts.http_exchanges
    where user_id is not null and http_response_status_code between 200 and 299 and length(http_response_body) <= {_MAX_JSON}
)
select s.evidence_id, s.record_no, count(distinct n.person) as others
from said s
join names n on n.name = lower(s.word)
where n.person <> s.caller
group by s.evidence_id, s.record_no
"""


def bodies(store: Store) -> None:
    """Make the tables of this module."""
    store.execute(_BODIES)
    store.execute(_MENTIONS)
    _structures(store)
    keep(store, "dims.patterns", _patterns())


def _structures(store: Store) -> None:
    """Keep the paths of the structures that most responses have."""
    found = store.rows(
        "select structure, count(*) as times from dims.bodies where structure is not null "
        f"group by structure order by times desc, structure limit {_MAX_STRUCTURES}"
    )
    rows = [
        {"structure": text, "json_path": path, "kind": kind} for text, _ in found for path, kind in property_paths(text)
    ]
    keep_rows(store, "dims.structures", rows, structure=pa.string(), json_path=pa.string(), kind=pa.string())


def property_paths(structure: str) -> list[tuple[str, str]]:
    """Return path and kind of all properties in what the engine calls the structure of a JSON text, sorted by path.

    `{"items":[{"id":"UBIGINT"}]}` gives `$.items`, a LIST, and `$.items[].id`; what nests deeper than Python can go gives none.
    """
    try:
        return sorted(dict(_walk(msgspec.json.decode(structure), "$")).items())[:_MAX_PATHS]
    except RecursionError:
        return []


def _walk(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            below = f"{path}.{'*' if _IS_VALUE.search(key) else key}"
            yield below, "OBJECT" if isinstance(value, dict) else "LIST" if isinstance(value, list) else str(value)
            yield from _walk(value, below)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, f"{path}[]")


@cache
def _patterns() -> pa.Table:
    rows = [
        {
            "pattern": item.id, "pattern_class": item.pattern_class, "title": item.title, "severity": item.severity,
            "confidence": item.confidence,
        }
        for item in builtin_patterns()
    ]  # fmt: skip
    kinds = {
        "pattern": pa.string(),
        "pattern_class": pa.string(),
        "title": pa.string(),
        "severity": pa.string(),
        "confidence": pa.string(),
    }
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))
