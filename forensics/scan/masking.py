"""Show that something was found without showing what: enough to recognise one's own value, too little to use or to name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from forensics.text import safe_text

MaskKind = Literal["email", "secret", "host", "text", "card", "number"]

HIDDEN = "***"
_SHOWN_SECRET = 4
_MIN_SECRET = 16  # below this, four shown characters are too large a part
_SHOWN_TEXT = 12
_MAX_TOP = 24  # characters of a top-level domain; no real one is longer
_SUFFIXES = (".svc.cluster.local", ".internal", ".corp", ".lan", ".intranet", ".local")


def mask(kind: MaskKind, value: str) -> str:
    """Return a masked sample of `value`: one printable line that never contains it."""
    masked = safe_text(_MASKS[kind](value))
    return HIDDEN if value and value in masked else masked


def _email(value: str) -> str:
    """`jane@example.com` -> `j***@e***.com`."""
    local, at, domain = value.replace("%40", "@").rpartition("@")
    host, _, top = domain.rpartition(".")
    if not (at and local and host):
        return _text(value)
    return f"{local[0]}{HIDDEN}@{host[0]}{HIDDEN}.{top[:_MAX_TOP]}"


def _secret(value: str) -> str:
    shown = value[:_SHOWN_SECRET] if len(value) >= _MIN_SECRET else ""
    return f"{shown}{HIDDEN} ({len(value)} characters)"


def _host(value: str) -> str:
    """`10.20.30.40` -> `10.***`; `ledger-db.prod.svc.cluster.local` -> `l***.svc.cluster.local`."""
    if value.replace(".", "").isdigit():
        return f"{value.partition('.')[0][:3]}.{HIDDEN}"
    suffix = next((ending for ending in _SUFFIXES if value.lower().endswith(ending)), "")
    return f"{value[:1]}{HIDDEN}{suffix}"


def _card(value: str) -> str:
    """`4000 0012 3456 7899` -> `400000***7899`: what PCI DSS 4.0 (3.4.1) lets be shown of a card number."""
    digits = "".join(char for char in value if char.isdigit())
    return f"{digits[:6]}{HIDDEN}{digits[-4:]}" if len(digits) > 12 else _number(value)


def _number(value: str) -> str:
    return f"{HIDDEN} ({len(value)} characters)"


def _text(value: str) -> str:
    shown = value[: min(_SHOWN_TEXT, len(value) // 3)]
    return f"{shown}{HIDDEN} ({len(value)} characters)"


_MASKS: Mapping[MaskKind, Callable[[str], str]] = MappingProxyType(
    {"email": _email, "secret": _secret, "host": _host, "text": _text, "card": _card, "number": _number}
)
