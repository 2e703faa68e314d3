"""Take out of header values what differs from response to response and changes no verdict: a service sends few distinct sets then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

_NONCE = re.compile(r"'nonce-[^']*'", re.IGNORECASE)
_AUTHORITY = re.compile(r"[^/\\?#]*(?:[/\\]{2}[^/\\?#]*)?")


def plain_value(name: str, value: str) -> str:
    """Return the value of a header (lower-case name) without tokens of a cookie, nonces, paths of a target, ages."""
    rule = _PLAIN.get(name)
    return rule(value) if rule else value


def _cookie(value: str) -> str:
    pair, *attributes = value.split(";")
    name, equals, _ = pair.partition("=")
    kept = ("expires=1" if part.strip().lower().startswith("expires=") else part for part in attributes)
    return ";".join([name + equals, *kept])


def _policy(value: str) -> str:
    return _NONCE.sub("'nonce-'", value)


def _target(value: str) -> str:
    found = _AUTHORITY.match(value)
    return found[0] if found else ""


def _age(value: str) -> str:
    return "0" if value.strip() in ("", "0") else "1" if value.strip().isdecimal() else value


_PLAIN: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"set-cookie": _cookie, "content-security-policy": _policy, "location": _target, "age": _age}
)
