"""`dims.domains`: registered domain and public suffix of each distinct name, by the Public Suffix List that publicsuffixlist bundles."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import NamedTuple

import pyarrow as pa

from forensics.resources import tree
from forensics.store import Store
from forensics.views.tables import distinct, keep, keep_rows

_NAME_COLUMNS = {
    "connections": ("destination_domain", "tls_client_server_name"),
    "http_requests": ("server_address", "tls_client_server_name"),
    "http_exchanges": ("server_address", "tls_client_server_name"),
    "dns_queries": ("dns_question_name",),
}
# Answers of type CNAME; where the source gives no types, what looks like a name.
_ANSWERS = (
    "select a.data from (select unnest(dns_answers) as a from facts.dns_queries) where upper(a.type) = 'CNAME' or "
    "(a.type is null and length(a.data) <= 255 and regexp_full_match(a.data, '[A-Za-z0-9_*-]+([.][A-Za-z0-9_-]+)*[.][A-Za-z][A-Za-z0-9-]+[.]?'))"
)
_LABELS = set("abcdefghijklmnopqrstuvwxyz0123456789-_")
# The longest rule of the list has five labels; what stands further left decides nothing, however long it is.
_TAIL = 8


class Domain(NamedTuple):
    """Registered domain (public suffix and one label) and public suffix, as A-labels (RFC 5890), lower case."""

    registered: str | None = None
    suffix: str | None = None


def domains(store: Store) -> None:
    """Judge every distinct name once, as it stands and as names are compared, in Python: 5 s for 500,000 names, half of it the look-up.

    `dims.odd_names` has names in letters beyond ASCII: as DNS writes them (`ascii`) and as people read them (`reads`), so that a look-alike shows.
    """
    selects = [
        f"select {form} from facts.{table} where not regexp_matches({column}, '^[0-9.]+$|:')"
        for table, columns in _NAME_COLUMNS.items()
        for column in columns
        for form in (column, f"lower(rtrim({column}, '.'))")
    ]
    given = distinct(store, [*selects, _ANSWERS])
    odd = {name: _ascii(name) for name in given if not name.isascii() or "xn--" in name}
    names = sorted({*given, *filter(None, odd.values())})
    found = [domain_of(name) for name in names]
    data = pa.table({
        "name": pa.array(names, pa.string()),
        "registered_domain": pa.array([domain.registered for domain in found], pa.string()),
        "public_suffix": pa.array([domain.suffix for domain in found], pa.string()),
    })  # fmt: skip
    keep(store, "dims.domains", data)
    rows = [{"name": name, "ascii": form, "reads": _read(form)} for name, form in odd.items() if form]
    keep_rows(store, "dims.odd_names", rows, name=pa.string(), ascii=pa.string(), reads=pa.string())


def _read(name: str) -> str:
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:
        return name


def domain_of(name: str) -> Domain:
    """Return the domain of a name by the algorithm of publicsuffix.org; both NULL for an address and for what is no host name.

    Rules of the private section count (`github.io` is a suffix: its users are strangers to each other), and so do the suffixes of
    queries/lists/shared_suffixes.txt; a name no rule knows has its last label as suffix. Never raises.
    """
    tail = name.rstrip(" ")[-600:].removesuffix(".").lower().rsplit(".", _TAIL)[-_TAIL:]
    labels = ".".join(tail)
    if not labels.isascii():
        labels = _ascii(labels)
    if not labels or labels.rpartition(".")[2].isdecimal() or ":" in labels:
        return Domain()
    registered, suffix = _lookup()(labels)
    judged = registered or suffix or ""
    return Domain(registered, suffix) if judged and all(map(_is_label, judged.split("."))) else Domain()


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and set(label) <= _LABELS


def _ascii(labels: str) -> str:
    try:
        return labels.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


@cache
def _lookup() -> Callable[[str], tuple[str | None, str | None]]:
    from publicsuffixlist import PublicSuffixList

    known = PublicSuffixList()

    def find(labels: str) -> tuple[str | None, str | None]:
        registered = known.privatesuffix(labels)  # one label and the suffix: a second lookup would double the time
        if registered and registered in hosts:
            return _below(labels, registered, shared)
        return registered, registered.partition(".")[2] if registered else known.publicsuffix(labels)

    shared = shared_suffixes()
    hosts = {known.privatesuffix(suffix) for suffix in shared}
    return find


def _below(labels: str, registered: str, shared: frozenset[str]) -> tuple[str | None, str | None]:
    """Return the domain by the longest shared suffix, if any; `registered` is the domain by the Public Suffix List."""
    parts = labels.split(".")
    for start in range(len(parts) - registered.count(".")):
        if (suffix := ".".join(parts[start:])) in shared:
            return ".".join(parts[start - 1 :]) if start else None, suffix
    return registered, registered.partition(".")[2]


@cache
def shared_suffixes() -> frozenset[str]:
    """Return the suffixes of the dated list that comes with this tool."""
    lines = (tree("queries") / "lists" / "shared_suffixes.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def list_version() -> str:
    """Return the version of the list: the package's, and the date the list itself names."""
    from publicsuffixlist import PSLFILE

    with open(PSLFILE, encoding="utf-8") as file:  # noqa: PTH123 - the package gives text
        stamp = next((line.partition(":")[2].strip() for line in file if line.startswith("// VERSION:")), "undated")
    return f"{version('publicsuffixlist')} ({stamp})"
