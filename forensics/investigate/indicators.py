"""Indicators of compromise as people exchange them: STIX 2.1 bundles (single comparisons), CSV, and plain lists, defanged or not.

STIX patterns are those of docs.oasis-open.org/cti/stix/v2.1, section 9; of them `[type:property = 'value']` is read. Defanging is what
reports do so that nothing can be clicked: hxxp, [.], (.), [:], [@].
"""

from __future__ import annotations

import csv
import io
import ipaddress
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from forensics.errors import EvidenceError, Location

MAX_BYTES = 64 << 20
_PATTERN = re.compile(r"\[\s*([a-z0-9-]+):([A-Za-z0-9_.'-]+)\s*=\s*'((?:[^'\\]|\\.)*)'\s*\]")
_STIX = {
    "ipv4-addr:value": "ip", "ipv6-addr:value": "ip", "domain-name:value": "domain", "url:value": "url",
    "file:hashes.'SHA-256'": "hash", "file:hashes.'SHA-1'": "hash", "file:hashes.MD5": "hash", "file:hashes.'MD5'": "hash",
}  # fmt: skip
_VALUE_COLUMNS = ("indicator", "value", "ioc", "observable", "indicator_value")
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_FANGS = (
    (re.compile(r"^hxxp", re.IGNORECASE), "http"),
    (re.compile(r"[\[({]\.[\])}]|\[dot\]", re.IGNORECASE), "."),
    (re.compile(r"\[:\]|\[:"), ":"),
)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A value that can be looked for: ip (an address or network), domain, url or hash; `line` is where it stands in its file."""

    kind: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that is no indicator this tool looks for, with the reason."""

    line: int
    text: str
    reason: str


def read(path: Path) -> tuple[list[Indicator], list[Unread]]:
    """Return indicators (each value once) and what was not read.

    Raises:
        EvidenceError: the file cannot be read, or is larger than 64 MiB.

    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read: {error.strerror}.", location=Location(path)) from error
    if data is None:
        raise EvidenceError(f"{path} is larger than 64 MiB.", hint="Split the list.", location=Location(path))
    found: dict[tuple[str, str], Indicator] = {}
    unread: list[Unread] = []
    for item in _entries(data.decode("utf-8-sig", "replace")):
        if isinstance(item, Unread):
            unread.append(item)
        else:
            found.setdefault((item.kind, item.value), item)
    return list(found.values()), unread


def _entries(text: str) -> Iterator[Indicator | Unread]:
    if text.lstrip().startswith(("{", "[")):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict | list):
            yield from _stix(document)
            return
    yield from _listed(text)


def _stix(document: Any) -> Iterator[Indicator | Unread]:
    """Yield the indicators of a bundle, or of a list of objects; `line` is the object's place."""
    objects = document.get("objects", [document]) if isinstance(document, dict) else document
    for number, thing in enumerate(objects if isinstance(objects, list) else [], 1):
        if not isinstance(thing, dict) or thing.get("type") != "indicator":
            continue
        pattern = str(thing.get("pattern", "")).strip()
        match = _PATTERN.fullmatch(pattern)
        kind = _STIX.get(f"{match[1]}:{match[2]}") if match else None
        if not match:
            yield Unread(number, pattern, "not a single comparison with =")
        elif kind is None:
            yield Unread(number, pattern, f"{match[1]}:{match[2]} is not looked for")
        else:
            yield _indicator(re.sub(r"\\(.)", r"\1", match[3]), number)


def _listed(text: str) -> Iterator[Indicator | Unread]:
    """Yield the indicators of a CSV with a known header, or of lines; `#` begins a comment."""
    lines = text.splitlines()
    head = next(csv.reader(lines[:1]), []) if lines else []
    names = [name.strip().lower() for name in head]
    column = next((names.index(name) for name in _VALUE_COLUMNS if name in names), None)
    if column is not None:
        for row in (reader := csv.reader(io.StringIO(text))):
            if reader.line_num > 1 and len(row) > column and row[column].strip():
                yield _indicator(row[column], reader.line_num)
        return
    for number, line in enumerate(lines, 1):
        value = line.partition("#")[0].strip().rstrip(",;")
        if value:
            yield _indicator(value if "://" in value or "[:" in value else value.split(",")[0], number)


def _indicator(text: str, line: int) -> Indicator | Unread:
    value = text.strip().strip("\"'")
    for pattern, plain in _FANGS:
        value = pattern.sub(plain, value)
    lower = value.lower()
    if _HASH.fullmatch(lower):
        return Indicator("hash", lower, line)
    try:
        return Indicator("ip", str(ipaddress.ip_network(lower, strict=False)), line)
    except ValueError:
        pass  # not an address: one of the other kinds
    if "://" in lower:
        return Indicator("url", value, line) if _host(value) else Unread(line, text, "a URL without a host")
    name = lower.rstrip(".").removeprefix("*.")
    if _DOMAIN.fullmatch(name):
        return Indicator("domain", name, line)
    return Unread(line, text, "neither address, name, URL nor hash")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def host_of(indicator: Indicator) -> str:
    """Return the host of a URL, which is what connections and DNS show of it."""
    return _host(indicator.value).lower()
