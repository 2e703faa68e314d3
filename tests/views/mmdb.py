"""Write small MaxMind DB files for tests, after the MaxMind DB File Format Specification 2.0 (record size 24 bits, IPv6 tree)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"


def database(kind: str, networks: Mapping[str, Any]) -> bytes:
    """Return a database of the type `kind`; IPv4 networks stand at ::/96, as the specification says."""
    nodes: list[list[int | bytes | None]] = [[None, None]]
    for cidr, record in networks.items():
        _insert(nodes, cidr, encoded(record))
    data, offsets = bytearray(), {}
    for value in [value for node in nodes for value in node if isinstance(value, bytes)]:
        if value not in offsets:
            offsets[value] = len(data)
            data += value
    tree = b"".join(_record(value, len(nodes), offsets).to_bytes(3) for node in nodes for value in node)
    about = [
        (5, "binary_format_major_version", 2), (5, "binary_format_minor_version", 0), (9, "build_epoch", 1_700_000_000),
        (5, "ip_version", 6), (6, "node_count", len(nodes)), (5, "record_size", 24),
    ]  # fmt: skip
    numbers = b"".join(encoded(key) + _number(form, value) for form, key, value in about)
    texts = {"database_type": kind, "description": {"en": "test"}, "languages": ["en"]}
    pairs = b"".join(encoded(key) + encoded(value) for key, value in texts.items())
    return tree + bytes(16) + bytes(data) + _MARKER + _control(7, len(about) + len(texts)) + numbers + pairs


def _insert(nodes: list[list[int | bytes | None]], cidr: str, record: bytes) -> None:
    network = ip_network(cidr)
    number, length = int(network.network_address), network.prefixlen + (96 if network.version == 4 else 0)
    at = 0
    for depth in range(length):
        bit = number >> (127 - depth) & 1
        if depth == length - 1:
            nodes[at][bit] = record
            return
        step = nodes[at][bit]
        if not isinstance(step, int):
            nodes.append([step, step])
            step = nodes[at][bit] = len(nodes) - 1
        at = step


def _record(value: int | bytes | None, count: int, offsets: Mapping[bytes, int]) -> int:
    if value is None:
        return count
    return value if isinstance(value, int) else count + 16 + offsets[value]


def encoded(value: Any) -> bytes:
    """Return a value of the data section: map 7, UTF-8 string 2, uint32 6, array 11."""
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encoded(key) + encoded(item) for key, item in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encoded, value))
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    return _number(6, value)


def _number(kind: int, value: int) -> bytes:
    """Return an unsigned number: uint16 5, uint32 6, uint64 9."""
    size = (value.bit_length() + 7) // 8
    return _control(kind, size) + value.to_bytes(size)


def _control(kind: int, size: int) -> bytes:
    length, rest = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([length, kind - 7]) + rest if kind > 7 else bytes([kind << 5 | length]) + rest
