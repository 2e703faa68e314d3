"""Stand-ins for identifying values: keyed pseudonyms with the user's key, or the ordinals of the report without one.

A pseudonym is `u_` and the first 16 base32 digits (80 bits) of HMAC-SHA-256 over kind, 0x00 and the canonical value, with a key of its own for each
kind of identifier. Who has the key can make the pseudonym of a known value, and so find a person again; who has not can try nothing, while a
hash without a key is undone by hashing all addresses there are (one core: 1.7 h). The key lies outside of the case and of every package.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from forensics.errors import CaseError, Location, UsageError
from forensics.store import Sandbox

# Column -> kind of identifier: equal values of one kind get one stand-in in all tables. Others are a kind of their own.
_KINDS = {
    "user_id": "user",
    "user_name": "user",
    "actor": "user",
    "session_id": "session",
    "client_address": "address",
    "network_peer_address": "address",
    "source_address": "address",
    "trace_id": "trace",
    "http_request_id": "request",
    "url_path": "path",
    "user_agent_original": "agent",
    "resource_name": "resource",
}
_KEY_BYTES = 32
_PURPOSE = b"canary-forensics pseudonym 1\0"


def kind_of(column: str) -> str:
    """Return the kind of identifier that a column holds."""
    return _KINDS.get(column, column)


class Names(Protocol):
    """Gives the stand-ins of values of one kind."""

    @property
    def about(self) -> dict[str, str]:
        """How they are made, for whoever reads the package."""

    def of(self, kind: str, values: Iterable[str]) -> dict[str, str]:
        """Return value to stand-in; the same value always has the same."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """Pseudonyms by a key: the same in every package made with it."""

    key: bytes = field(repr=False)

    @property
    def about(self) -> dict[str, str]:
        """Method, and a hash of the key that tells which one it was."""
        told = hmac.digest(self.key, b"canary-forensics key id 1", "sha256").hex()[:16]
        return {"method": "hmac-sha-256", "key_id": told}

    def of(self, kind: str, values: Iterable[str]) -> dict[str, str]:
        """Return value to pseudonym."""
        subkey = hmac.digest(self.key, _PURPOSE + kind.encode(), "sha256")
        return {value: _pseudonym(subkey, kind, value) for value in values}


def _pseudonym(subkey: bytes, kind: str, value: str) -> str:
    digest = hmac.digest(subkey, kind.encode() + b"\0" + canonical(kind, value), "sha256")
    return "u_" + base64.b32encode(digest).decode()[:16]


def canonical(kind: str, value: str) -> bytes:
    """Return what is hashed of a value: addresses packed (IPv4-mapped is IPv4), accounts that are e-mail addresses in lower case, else the text."""
    if kind == "address":
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return _text(value)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).packed
    return _text(value.lower() if kind == "user" and "@" in value else value)


def _text(value: str) -> bytes:
    return unicodedata.normalize("NFC", value).encode("utf-8", "surrogatepass")


@dataclass(slots=True)
class Ordinals:
    """The report's ordinals (`user-0001`); what it does not number is numbered in the order in which the package names it."""

    sandbox: Sandbox
    _given: dict[tuple[str, str], str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, str]:
        """Method: numbers mean nothing outside of this case."""
        return {"method": "ordinals"}

    def of(self, kind: str, values: Iterable[str]) -> dict[str, str]:
        """Return value to ordinal."""
        wanted = list(dict.fromkeys(values))
        known = self._known(kind, [value for value in wanted if (kind, value) not in self._given])
        for value in wanted:
            if (kind, value) not in self._given:
                self._given[kind, value] = known.get(value) or self._next(kind)
        return {value: self._given[kind, value] for value in wanted}

    def _known(self, kind: str, values: list[str]) -> Mapping[str, str]:
        numbered = {"user": "user", "address": "client"}.get(kind)
        if not numbered or not values:
            return {}
        sql = "select o.value, o.label from dims.ordinals o join (select unnest($values) as value) w using (value) where o.kind = $kind"
        return dict(self.sandbox.rows(sql, {"values": values, "kind": numbered}))

    def _next(self, kind: str) -> str:
        """Return the next number of a kind, under a word that the report does not use."""
        word = {"user": "account"}.get(kind, kind)
        self._counts[word] = self._counts.get(word, 0) + 1
        return f"{word}-{self._counts[word]:04d}"


def read_key(path: Path) -> bytes:
    """Return the key in a file that only its owner may read.

    Raises:
        UsageError: it cannot be read, is no key, or others may read it.

    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            seen = os.fstat(descriptor)
            text = file.read(1000) if stat.S_ISREG(seen.st_mode) else b""
    except OSError as error:
        raise UsageError(f"The key {path} cannot be read: {error.strerror}.", hint="Name another file.") from error
    if seen.st_mode & 0o077:
        raise UsageError(f"The key {path} can be read by others.", hint=f"Close it: chmod 600 {path}")
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise UsageError(
            f"{path} is no pseudonym key: one is {2 * _KEY_BYTES} hex digits.",
            hint="Name a file that is not there yet, and one is made.",
            location=Location(path),
        )
    return key


def make_key(path: Path) -> bytes:
    """Make a key in a new file that only its owner may read.

    Raises:
        CaseError: the file cannot be made.

    """
    key = secrets.token_bytes(_KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CaseError(
            f"The key {path} cannot be made: {error.strerror}.", hint="Name a file in a folder of yours."
        ) from error
    return key
