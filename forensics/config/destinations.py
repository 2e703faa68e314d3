"""What canary.toml says of addresses and destinations, checked: who held an address, and entries that could never match."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from forensics.config.model import Config, Identity
from forensics.networks import MAX_PORT, canonical, key_of
from forensics.resources import tree, walk
from forensics.text import listing

_ALWAYS, _STILL = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
# Labels of a host name; `_` stands in names of services (RFC 2782), and a dot in front means what a name means too.
_NAME = re.compile(r"\.?(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)

_OWN = "x_"

Found = tuple[str, str]  # dotted key, message


def destination_problems(config: Config) -> Iterator[Found]:
    """Yield key and message of what is wrong."""
    yield from _shared_identities(config)
    kinds = known_kinds()
    for index, rule in enumerate(config.listed):
        if rule.kind not in kinds and not rule.kind.startswith(_OWN):
            yield (
                f"list[{index}].kind",
                f"`{rule.kind}` is no kind that a detector knows: write {listing(kinds, len(kinds))}; a kind for detectors of your own begins with {_OWN}.",
            )
        for entry in rule.entries:
            if trouble := _list_trouble(entry):
                yield f"list[{index}].entries", f"`{entry}` can never match: {trouble}."
    for index, allowed in enumerate(config.allow):
        if trouble := _allow_trouble(allowed.destination):
            yield f"allow[{index}].destination", f"`{allowed.destination}` can never match: {trouble}."


def known_kinds() -> list[str]:
    """Return the kinds of destinations that detectors ask for: those of the lists in queries/lists/destinations."""
    return sorted(path.removesuffix(".txt") for path, _ in walk(tree("queries") / "lists" / "destinations", ".txt"))


def _shared_identities(config: Config) -> Iterator[Found]:
    """Two holders of one address at one moment: its rows would go to one of them by chance of order."""
    held: dict[str, list[tuple[datetime, int, Identity]]] = {}
    for index, item in enumerate(config.identity):
        if not any(moment and moment.tzinfo is None for moment in (item.start, item.stop)):
            address = canonical(key) if (key := key_of(item.address)) else item.address
            held.setdefault(address, []).append((item.start or _ALWAYS, index, item))
    for address in sorted(held):
        spans = sorted(held[address], key=lambda span: span[:2])
        for place, (start, index, later) in enumerate(spans):
            if (other := _holder(spans[:place], start, later)) is not None:
                yield (
                    f"identity[{index}].address",
                    f"`{address}` is held by another at that time (identity[{other}]): write until when (`to`), or leave out an address that several pods share.",
                )


def _holder(earlier: list[tuple[datetime, int, Identity]], start: datetime, later: Identity) -> int | None:
    """Return the number of an entry that holds the address still when `later`, somebody else, begins."""
    still = (index for _, index, item in earlier if start < (item.stop or _STILL) and _who(item) != _who(later))
    return next(still, None)


def _who(item: Identity) -> tuple[str, str, str | None]:
    return item.pod, item.version, item.cohort


def _list_trouble(entry: str) -> str:
    """Return why an entry is neither a name, an address, nor a port, or nothing."""
    if entry.startswith(":"):
        is_port = (
            entry[1:].isascii() and entry[1:].isdecimal() and 0 < int(entry[1:6] or 0) <= MAX_PORT and len(entry) <= 6
        )
        return "" if is_port else f"write a port as :3333, from 1 to {MAX_PORT}"
    if key_of(entry):
        return ""
    if not entry.isascii():
        return f"names are compared as DNS writes them{_punycode(entry)}"
    return (
        ""
        if _NAME.fullmatch(entry)
        else "write a name (pool.example, which holds its subdomains), an address, or :port"
    )


def _allow_trouble(destination: str) -> str:
    if not destination.strip() or not destination.isprintable() or any(map(str.isspace, destination)):
        return "write it as host:port, *.example.com:443 or cidr:port, without blanks"
    if "://" in destination:
        return "this is a URL; write host:port"
    return "" if destination.isascii() else f"names are compared as DNS writes them{_punycode(destination)}"


def _punycode(text: str) -> str:
    host, colon, port = text.partition(":")
    try:
        return f"; write {host.encode('idna').decode('ascii')}{colon}{port}"
    except UnicodeError:
        return ", with letters of ASCII"
