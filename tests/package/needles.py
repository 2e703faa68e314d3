"""Everything of a sample that must not stand in a package, and the forms in which it could."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

from tests.conftest import SAMPLES

_MAIL = re.compile(rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[a-z]{2,}")
_KEYS = ("user_id", "user", "session_id", "session", "username", "feature_flag.context.id", "userId")
_CLIENTS = ("client_address", "x_forwarded_for", "client_ip", "downstream_remote_address")


def evidence(sample: str) -> Iterator[bytes]:
    """Yield the decompressed bytes of every evidence file."""
    for path in sorted((SAMPLES / sample).rglob("*")):
        if path.is_file() and path.suffix != ".toml":
            yield gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@cache
def identifiers(sample: str) -> dict[str, set[str]]:
    """Return accounts and sessions, client addresses, e-mail addresses, and ids of requests and traces."""
    data = b"\n".join(evidence(sample))
    people = {value for key in _KEYS for value in _values(data, key)}
    clients = {
        value.rpartition(":")[0] if value.count(":") == 1 else value for key in _CLIENTS for value in _values(data, key)
    }
    return {
        "people": {value for value in people if not value.startswith(("system:", "[REDACTED"))},
        "clients": {value for value in clients if not value.startswith("10.42.")},  # the pods' own addresses
        "mails": {match.decode() for match in _MAIL.findall(data)},
        "requests": {
            value for key in ("request_id", "trace_id", "id") for value in _values(data, key) if len(value) > 15
        },
        "orders": set(re.findall(r"\bo-\d{5,}", data.decode("utf-8", "replace"))),
    }


def _values(data: bytes, key: str) -> set[str]:
    return {
        found.decode() for found in re.findall(rb'\\?"' + re.escape(key.encode()) + rb'\\?":\s*\\?"([^"\\]+)', data)
    }


def forms(value: str) -> set[bytes]:
    """Return a value as it stands, percent-encoded, escaped, in base64 at any place, in hex, and hashed without a key."""
    raw = value.encode()
    texts = {value, quote(value, safe=""), quote(value), json.dumps(value)[1:-1], html.escape(value), _percent(raw)}
    texts |= {"".join(f"\\u{ord(character):04x}" for character in value), raw.hex(), raw.hex().upper()}
    for name in ("md5", "sha1", "sha256", "sha512"):
        for data in {raw, value.lower().encode(), raw + b"\n"}:
            digest = hashlib.new(name, data)
            texts |= {
                digest.hexdigest()[:12],
                digest.hexdigest()[:12].upper(),
                base64.b64encode(digest.digest()).decode()[:12],
            }
            texts.add(base64.b32encode(digest.digest()).decode()[:12])
    return {text.encode() for text in texts} | set(_base64(raw))


def _percent(raw: bytes) -> str:
    return "".join(f"%{byte:02x}" for byte in raw)


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield what stands in base64 text wherever the value begins in it: characters that hang on neighbours are cut off."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            bits = 8 * before, 8 * (before + len(raw))
            yield encode(b"\0" * before + raw)[-(-bits[0] // 6) : bits[1] // 6]


class Haystack:
    """Bytes in which thousands of forms are looked for: most have no part in common with them, which a set of all short parts tells."""

    _PART = 7

    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        self._parts = {blob[start : start + self._PART] for start in range(len(blob) - self._PART + 1)}

    def __contains__(self, form: bytes) -> bool:
        part = form[: self._PART]
        return (len(part) < self._PART or part in self._parts) and form in self._blob


def found_in(blob: bytes, values: Iterable[str]) -> set[str]:
    """Return the values of which any form stands in the bytes."""
    haystack = Haystack(blob)
    return {value for value in values if any(form in haystack for form in forms(value))}


def unpacked(package: Path) -> bytes:
    """Return all files of a package with their names."""
    files = sorted(path for path in package.rglob("*") if path.is_file())
    return b"\n".join(str(path.relative_to(package)).encode() + b"\n" + path.read_bytes() for path in files)
