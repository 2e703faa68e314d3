"""`dims.listed`: destinations of known kinds from the dated lists in queries/lists/destinations and from `[[list]]` of canary.toml; never fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from forensics.config import Config
from forensics.networks import canonical, key_of
from forensics.resources import tree, walk
from forensics.store import Store
from forensics.views.domains import domain_of
from forensics.views.tables import keep_rows

FOLDER = "destinations"
# Names are found by their registered domain, or, where users of a service have domains of their own (ngrok.io), by the public suffix.
_MATCHED = """
create table dims.listed as
select n.name as destination, null::varchar as address, l.kind, l.entry, l.date
from dims.domains n
join dims.lists l on l.domain = n.registered_domain or l.entry = n.public_suffix
where n.name = l.entry or ends_with(n.name, '.' || l.entry)
union all
select null, a.address, l.kind, l.entry, l.date
from dims.addresses a
join dims.lists l on l.address = a.address_canonical
order by all
"""


def lists(store: Store, config: Config) -> None:
    """Match the distinct names and addresses of the case with the lists."""
    text = pa.string()
    rows = list(_rows(config))
    keep_rows(store, "dims.lists", rows, kind=text, entry=text, date=text, domain=text, address=text, port=pa.int32())
    store.execute(_MATCHED)


def built_in() -> Iterator[tuple[str, str]]:
    """Yield kind and text of the lists that come with this tool."""
    for path, file in walk(tree("queries") / "lists" / FOLDER, ".txt"):
        yield path.removesuffix(".txt"), file.read_text(encoding="utf-8")


def _rows(config: Config) -> Iterator[dict[str, Any]]:
    replaced = {rule.kind for rule in config.listed if rule.replace}
    for kind, text in built_in():
        if kind not in replaced:
            lines = text.splitlines()
            date = next((line.partition(":")[2].strip() for line in lines if line.startswith("# date:")), "")
            yield from _entries(kind, date, (line for line in lines if line and not line.startswith("#")))
    for rule in config.listed:
        yield from _entries(rule.kind, rule.dated.isoformat() if rule.dated else "", rule.entries)


def _entries(kind: str, date: str, entries: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield a row an entry: a port begins with a colon; what is no address is a name, which holds its subdomains too."""
    for entry in entries:
        key = key_of(entry) if not entry.startswith(":") else None
        name = entry.strip(".").lower()
        is_port = entry.startswith(":") and entry[1:].isdecimal()
        yield {
            "kind": kind, "entry": name, "date": date, "port": int(entry[1:]) if is_port else None, "address": canonical(key) if key else None,
            "domain": None if key or is_port else domain_of(name).registered,
        }  # fmt: skip
