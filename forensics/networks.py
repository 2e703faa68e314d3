"""Addresses and networks: one key for every spelling, disjoint ranges with labels, and the classes of the IANA registries.

An address is 16 bytes; IPv4 stands at `::ffff:0:0/96` (RFC 4291, section 2.5.5.2), so `10.0.0.1` and `::ffff:10.0.0.1` are one.
"""

from __future__ import annotations

import socket
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from ipaddress import IPv6Network, ip_network
from typing import Any

_MAPPED = bytes(10) + b"\xff\xff"
_MAPPED_NETWORK = IPv6Network("::ffff:0:0/96")
_MAPPED_TEXT = "::ffff:"
MAX_PORT = 65_535
# Texts that `key_of` reads, for the engine (RE2); RFC 4291, section 2.2.
_BYTE = "(0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
_DOTTED = f"{_BYTE}([.]{_BYTE}){{3}}"
_PART = "[0-9a-fA-F]{1,4}"
_SHORTENED = "|".join(f"({_PART}:){{1,{7 - count}}}(:{_PART}){{1,{count}}}" for count in range(1, 7))
_ENDS_DOTTED = "|".join(f"({_PART}:){{1,{count}}}:({_PART}:){{0,{5 - count}}}{_DOTTED}" for count in range(1, 6))
_SIX = f"({_PART}:){{7}}{_PART}|({_PART}:){{1,7}}:|:((:{_PART}){{1,7}}|:)|{_SHORTENED}|({_PART}:){{6}}{_DOTTED}|::({_PART}:){{0,5}}{_DOTTED}|{_ENDS_DOTTED}"
ADDRESS_PATTERN = rf"{_DOTTED}|\[?({_SIX})(%[^\]\s]*)?\]?"
METADATA = (
    "169.254.169.254/32",  # AWS, Azure, Google Cloud and others
    "169.254.170.2/32",  # AWS: credentials of ECS tasks
    "169.254.170.23/32",  # AWS: credentials of EKS pods
    "100.100.100.200/32",  # Alibaba Cloud
    "fd00:ec2::254/128",  # AWS over IPv6
    "fd00:ec2::23/128",  # AWS: credentials of EKS pods over IPv6
    "fd20:ce::254/128",  # Google Cloud over IPv6
)
# IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 with its updates); what they call globally reachable is `public`.
# Outside 2000::/3 nothing is allocated for unicast but what is named here (RFC 4291): `reserved`.
SPECIAL_PURPOSE: tuple[tuple[str, str], ...] = (
    *((network, "metadata") for network in METADATA),
    ("0.0.0.0/0", "public"),
    ("0.0.0.0/32", "unspecified"),  # RFC 1122
    ("0.0.0.0/8", "reserved"),  # RFC 791: this network
    ("10.0.0.0/8", "private"),  # RFC 1918
    ("100.64.0.0/10", "carrier_nat"),  # RFC 6598
    ("127.0.0.0/8", "loopback"),  # RFC 1122
    ("169.254.0.0/16", "link_local"),  # RFC 3927
    ("172.16.0.0/12", "private"),  # RFC 1918
    ("192.0.0.0/24", "reserved"),  # RFC 6890: protocol assignments
    ("192.0.0.9/32", "public"),  # RFC 7723: Port Control Protocol anycast
    ("192.0.0.10/32", "public"),  # RFC 8155: TURN anycast
    ("192.0.2.0/24", "documentation"),  # RFC 5737
    ("192.88.99.0/24", "reserved"),  # RFC 7526: deprecated 6to4 relay anycast
    ("192.168.0.0/16", "private"),  # RFC 1918
    ("198.18.0.0/15", "benchmarking"),  # RFC 2544
    ("198.51.100.0/24", "documentation"),  # RFC 5737
    ("203.0.113.0/24", "documentation"),  # RFC 5737
    ("224.0.0.0/4", "multicast"),  # RFC 5771
    ("240.0.0.0/4", "reserved"),  # RFC 1112
    ("255.255.255.255/32", "broadcast"),  # RFC 919
    ("::/0", "reserved"),  # RFC 4291
    ("2000::/3", "public"),  # RFC 4291: global unicast
    ("::/128", "unspecified"),  # RFC 4291
    ("::1/128", "loopback"),  # RFC 4291
    ("64:ff9b::/96", "public"),  # RFC 6052: IPv4 addresses behind a translator
    ("64:ff9b:1::/48", "private"),  # RFC 8215: translation of local use
    ("2001::/23", "reserved"),  # RFC 2928: protocol assignments
    ("2001::/32", "transition"),  # RFC 4380: Teredo
    ("2001:1::1/128", "public"),  # RFC 7723
    ("2001:1::2/128", "public"),  # RFC 8155
    ("2001:1::3/128", "public"),  # RFC 9665
    ("2001:2::/48", "benchmarking"),  # RFC 5180
    ("2001:3::/32", "public"),  # RFC 7450: automatic multicast tunnels
    ("2001:4:112::/48", "public"),  # RFC 7535: AS112
    ("2001:20::/28", "public"),  # RFC 7343: ORCHIDv2
    ("2001:30::/28", "public"),  # RFC 9374: drone remote identification
    ("2001:db8::/32", "documentation"),  # RFC 3849
    ("2002::/16", "transition"),  # RFC 3056: 6to4
    ("3fff::/20", "documentation"),  # RFC 9637
    ("fc00::/7", "unique_local"),  # RFC 4193
    ("fe80::/10", "link_local"),  # RFC 4291
    ("ff00::/8", "multicast"),  # RFC 4291
)


def key_of(text: str) -> bytes | None:
    """Return the 16 bytes of an address, IPv4 as v4-mapped; None where the text is no address.

    Brackets (`[::1]`) and a zone (`fe80::1%eth0`, RFC 4007) are taken off. Numbers with leading zeros, and shortened IPv4, are no
    addresses: programs disagree about what they mean.
    """
    try:
        return _MAPPED + socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        pass
    if ":" not in text:
        return None
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return socket.inet_pton(socket.AF_INET6, bare.partition("%")[0])
    except (OSError, ValueError):
        return None


def version_of(key: bytes) -> int:
    """Return 4 for a v4-mapped key, else 6."""
    return 4 if key.startswith(_MAPPED) else 6


def canonical(key: bytes) -> str:
    """Return the text of an address: dotted decimal for IPv4, RFC 5952 for IPv6."""
    if key.startswith(_MAPPED):
        return socket.inet_ntoa(key[12:])
    return socket.inet_ntop(socket.AF_INET6, key)


def plain(text: str) -> str:
    """Return the IPv4 address that a v4-mapped one with dots (`::ffff:10.0.0.1`) stands for, any other text as it is; `plain_sql` does the same."""
    head, rest = text[: len(_MAPPED_TEXT)], text[len(_MAPPED_TEXT) :]
    return rest if head in (_MAPPED_TEXT, _MAPPED_TEXT.upper()) and "." in rest else text


def plain_sql(expression: str) -> str:
    """Return the SQL of `plain`."""
    starts = f"starts_with({expression}, '{_MAPPED_TEXT}') or starts_with({expression}, '{_MAPPED_TEXT.upper()}')"
    is_mapped = f"({starts}) and contains({expression}, '.')"
    return f"case when {is_mapped} then substr({expression}, {len(_MAPPED_TEXT) + 1}) else {expression} end"


class Networks:
    """Disjoint address ranges with a label each; the first network given that holds an address wins."""

    def __init__(self, labelled: Sequence[tuple[str, Any]]) -> None:
        self._labels: dict[int, list[Any]] = {4: [], 6: []}
        self._starts: dict[int, list[bytes]] = {4: [], 6: []}
        spans: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
        for rank, (cidr, _) in enumerate(labelled):
            first, last = _bounds(cidr)
            spans[version_of(first.to_bytes(16))].append((first, last, rank))
        for version, found in spans.items():
            for start, chosen in _flatten(found):
                self._starts[version].append(start.to_bytes(16))
                self._labels[version].append(None if chosen is None else labelled[chosen][1])

    def find(self, address: str) -> Any:
        """Return the label of an address, or None where no network holds it or it is not an address."""
        key = key_of(address)
        return None if key is None else self.find_key(key)

    def find_key(self, key: bytes) -> Any:
        """Return the label of an address given as key, or None where no network holds it."""
        version = version_of(key)
        index = bisect_right(self._starts[version], key) - 1
        return self._labels[version][index] if index >= 0 else None

    def ranges(self) -> Iterator[tuple[int, bytes, Any]]:
        """Yield (version, first key, label) of each range in order; a range ends where the next one of its version starts."""
        for version in (4, 6):
            for start, label in zip(self._starts[version], self._labels[version], strict=True):
                yield version, start, label


def _bounds(cidr: str) -> tuple[int, int]:
    """Return first and last address as numbers of 16 bytes."""
    network = ip_network(cidr, strict=False)
    offset = int(_MAPPED_NETWORK.network_address) if network.version == 4 else 0
    return int(network.network_address) + offset, int(network.broadcast_address) + offset


def most_specific_first(labelled: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return networks with their labels, the smallest first; equals stay in order."""

    def size(item: tuple[str, Any]) -> int:
        first, last = _bounds(item[0])
        return last - first

    return sorted(labelled, key=size)


def _flatten(spans: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int | None]]:
    """Yield (start, rank) of disjoint ranges: a sweep over the edges with a heap of open spans, lowest rank first.

    100,000 networks take 1.7 s, most of it reading their texts; a search at every edge took minutes.
    """
    waiting = sorted(spans, reverse=True)
    held: list[tuple[int, int]] = []
    rank: int | None
    last_rank: int | None = -1
    for edge in sorted({edge for first, last, _ in spans for edge in (first, last + 1)}):
        while waiting and waiting[-1][0] == edge:
            _, last, opened = waiting.pop()
            heappush(held, (opened, last))
        while held and held[0][1] < edge:
            heappop(held)
        rank = held[0][0] if held else None
        if rank != last_rank and edge < 1 << 128:
            yield edge, rank
        last_rank = rank


def address_classes() -> Networks:
    """Return the classes of `SPECIAL_PURPOSE`; the most specific network wins."""
    return Networks(most_specific_first(SPECIAL_PURPOSE))
