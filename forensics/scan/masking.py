"""Show that a value was there without showing the value."""

from __future__ import annotations

from typing import Literal, TypeAlias

from forensics.text import safe_text

MaskKind: TypeAlias = Literal["email", "secret", "host", "text"]

_STARS = "***"


def mask(kind: MaskKind, value: str, pattern_class: str) -> str:
    """Return a masked form of `value`; it never contains the value itself (of four characters or more)."""
    masked = safe_text(_masked(kind, value, pattern_class))
    return _STARS if len(value) > len(_STARS) and value in masked else masked


def _masked(kind: MaskKind, value: str, pattern_class: str) -> str:
    if kind == "email":
        return _email(value)
    if kind == "secret":
        return _secret(value)
    return _host(value) if kind == "host" else f"{pattern_class} ({len(value)} characters)"


def _email(value: str) -> str:
    """`jane@mail.example` becomes `j***@m***.example`."""
    local, _, domain = value.replace("%40", "@").rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{_initial(local)}@{_initial(name)}.{top[:24]}" if local and name else _STARS


def _initial(text: str) -> str:
    return text[:1] + _STARS if len(text) > 2 else _STARS


def _secret(value: str) -> str:
    """Four characters tell the kind of a secret, and are too few to use it."""
    return f"{value[:4] if len(value) >= 16 else ''}{_STARS} ({len(value)} characters)"


def _host(value: str) -> str:
    """`10.60.0.10` becomes `10.*.*.10`, `inventory.shop.svc.cluster.local` `inv***.local`."""
    parts = value.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        return f"{parts[0]}.*.*.{parts[3]}"
    head, tail = min(3, len(value) // 4), min(6, len(value) // 4)
    return value[:head] + _STARS + value[len(value) - tail :]
