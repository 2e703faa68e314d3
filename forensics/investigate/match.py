"""`match`: where indicators of compromise show in a case, by indicator, table and cohort.

An address matches in any spelling and inside networks; a name matches itself and what lies below it; of a URL the host is looked for, since
connections show no more; a hash is looked for among the digests of components and images. Clients are numbered: who asked for a network gets no list of people.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from forensics import views
from forensics.case import Case
from forensics.findings import moment
from forensics.investigate.indicators import Indicator, host_of
from forensics.investigate.pivot import COLUMNS as PIVOTS
from forensics.networks import key_of
from forensics.schema import TABLES
from forensics.store import Sandbox

COLUMNS = ("indicator", "kind", "table", "matched", "canary", "baseline", "other", "first", "last", "record")
_HOSTS = PIVOTS["host"]
_NO_COHORT = {"content_matches", "header_verdicts", "rejects"}
_ADDRESSES = """
with wanted as (select unnest($numbers::integer[]) as number, unnest($low::blob[]) as low, unnest($high::blob[]) as high)
select w.number, a.address from dims.addresses a join wanted w on a.address_key >= w.low and a.address_key <= w.high
"""
_NAMES = """
with wanted as (select unnest($numbers::integer[]) as number, unnest($names::varchar[]) as wanted), parts as (
    select name, string_split(lower(rtrim(name, '.')), '.') as labels from dims.domains
), suffixes as (
    select name, array_to_string(labels[place:], '.') as suffix from (select name, labels, unnest(range(1, len(labels) + 1)) as place from parts)
)
select w.number, s.name from suffixes s join wanted w on w.wanted = s.suffix
"""
_HASHES = """
with wanted as (select unnest($numbers::integer[]) as number, unnest($names::varchar[]) as wanted), digests as (
    select 'components' as what, lower(digest.value) as digest, cohort, time, record_id
    from (select unnest(hashes) as digest, cohort, time, record_id from observed.components)
    union all
    select 'identities', lower(split_part(image_digest, ':', 2)), cohort, coalesce(valid_from, time), record_id from observed.identities
)
select w.number, d.what, d.digest, {counts} from digests d join wanted w on w.wanted = d.digest group by all
"""
_COUNTS = (
    "count(distinct record_id) filter (where cohort = 'canary'), count(distinct record_id) filter (where cohort = 'baseline'), "
    "count(distinct record_id) filter (where cohort not in ('canary', 'baseline')), min(time), max(time), min(record_id)"
)


def match(case: Case, indicators: Sequence[Indicator]) -> list[list[Any]]:
    """Return rows of `COLUMNS`, those seen on the canary first."""
    with views.opened(case) as sandbox:
        found = [
            *_in_columns(sandbox, _addresses(sandbox, indicators), PIVOTS["ip"]),
            *_in_columns(sandbox, _names(sandbox, indicators), _HOSTS),
            *_hashes(sandbox, indicators),
        ]
    rows = [
        [indicators[number].value, indicators[number].kind, *rest[:5], moment(rest[5]), moment(rest[6]), rest[7]]
        for number, *rest in found
    ]
    return sorted(rows, key=lambda row: (not row[4], row[0], row[2], row[3]))


def _addresses(sandbox: Sandbox, indicators: Sequence[Indicator]) -> list[tuple[int, str]]:
    wanted = [(number, ipaddress.ip_network(item.value)) for number, item in enumerate(indicators) if item.kind == "ip"]
    edges = [(number, key_of(str(net[0])), key_of(str(net[-1]))) for number, net in wanted]
    bound = {
        "numbers": [number for number, *_ in edges],
        "low": [low for _, low, _ in edges],
        "high": [high for *_, high in edges],
    }
    return [(number, address) for number, address in sandbox.rows(_ADDRESSES, bound)] if edges else []


def _names(sandbox: Sandbox, indicators: Sequence[Indicator]) -> list[tuple[int, str]]:
    wanted = [
        (number, item.value if item.kind == "domain" else host_of(item))
        for number, item in enumerate(indicators)
        if item.kind in ("domain", "url")
    ]
    bound = {"numbers": [number for number, _ in wanted], "names": [name for _, name in wanted]}
    return [(number, name) for number, name in sandbox.rows(_NAMES, bound)] if wanted else []


def _in_columns(sandbox: Sandbox, pairs: Sequence[tuple[int, str]], columns: Sequence[str]) -> list[Any]:
    """Count the rows of every table in which one of the columns holds one of the values."""
    if not pairs:
        return []
    bound = {"numbers": [number for number, _ in pairs], "texts": [text for _, text in pairs]}
    found: list[Any] = []
    for table in TABLES:
        parts = [] if table in _NO_COHORT else _parts(table, columns)
        if parts:
            sql = (
                "with wanted as (select unnest($numbers::integer[]) as number, unnest($texts::varchar[]) as text) "
                f"select w.number, '{table}', coalesce(o.label, w.text), {_COUNTS} from ({' union all '.join(parts)}) t join wanted w on w.text = t.text "
                "left join dims.ordinals o on o.kind = 'client' and o.value = w.text group by all"
            )
            found += sandbox.rows(sql, bound)
    return found


def _parts(table: str, columns: Sequence[str]) -> list[str]:
    types = TABLES[table].types
    parts = [
        f"select {column} as text, cohort, time, record_id from observed.{table}"
        for column in columns
        if types.get(column) == "VARCHAR"
    ]
    if "dns_answers" in types:
        parts.append(
            f"select answer.data, cohort, time, record_id from (select unnest(dns_answers) as answer, cohort, time, record_id from observed.{table})"
        )
    return parts


def _hashes(sandbox: Sandbox, indicators: Sequence[Indicator]) -> list[Any]:
    wanted = [(number, item.value) for number, item in enumerate(indicators) if item.kind == "hash"]
    bound = {"numbers": [number for number, _ in wanted], "names": [value for _, value in wanted]}
    return sandbox.rows(_HASHES.format(counts=_COUNTS), bound) if wanted else []
