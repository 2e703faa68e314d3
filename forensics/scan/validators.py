"""Checks that a regular expression cannot express; a pattern file names one of `VALIDATORS`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_MIN_KEY_CHARS, _MIN_KEY_ALPHABET = 64, 16  # fewer characters, or fewer different ones, is an elided or invented key
_MAX_JWT_PART = 64 * 1024

# What follows the last dot of a file name, never of a mail domain.
_FILE_SUFFIXES = frozenset(
    (
        "avif", "bmp", "css", "gif", "gz", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "jsx", "less", "map", "mjs", "otf",
        "pdf", "png", "scss", "svg", "tgz", "tif", "tiff", "ttf", "txt", "webm", "webp", "woff", "xml", "yaml", "yml",
    )
)  # fmt: skip

# Words before `.internal`, `.corp` or `.lan` that make it a property, a package, an error code or prose.
_CODE_WORDS = frozenset(
    (
        "an", "com", "config", "data", "error", "errors", "event", "exports", "github", "io", "java", "jdk", "module", "node",
        "options", "org", "our", "package", "process", "props", "self", "state", "status", "sun", "the", "this", "type", "window",
        "your",
    )
)  # fmt: skip


def email(value: str) -> bool:
    """Tell whether the lengths fit RFC 5321 (4.5.3.1) and the domain is no file name (`image@2x.png`) and no version."""
    local, _, domain = value.replace("%40", "@").rpartition("@")
    labels = domain.split(".")
    if not 1 <= len(local) <= 64 or len(domain) > 253 or ".." in local or local.endswith("."):
        return False
    if labels[-1].lower() in _FILE_SUFFIXES or all(label[:1].isdigit() for label in labels[:2]):
        return False
    return len(labels) >= 2 and all(_is_label(label) for label in labels)


def internal_host(value: str) -> bool:
    """Tell a host name from code: every label fits RFC 1035 (2.3.4), and no word before the zone is one of source code."""
    labels = value.lower().split(".")
    if len(value) > 253 or not all(_is_label(label) for label in labels):
        return False
    return labels[-1] in ("local", "svc") or labels[0].startswith("ip-") or _CODE_WORDS.isdisjoint(labels[:-1])


def jwt(value: str) -> bool:
    """Tell whether header and claims decode to JSON objects and the header has a text `alg` (RFC 7515, 4.1.1; RFC 7519, 7.2)."""
    header, _, rest = value.partition(".")
    claims = _object(rest.partition(".")[0])
    return claims is not None and isinstance((_object(header) or {}).get("alg"), str)


def private_key(value: str) -> bool:
    """Tell whether enough base64 stands between the PEM lines: an empty or elided block is documentation."""
    chars = [char for char in value.replace("\\n", "").replace("\\r", "") if char in _BASE64]
    return len(chars) >= _MIN_KEY_CHARS and len(set(chars)) >= _MIN_KEY_ALPHABET


def dotnet_trace(value: str) -> bool:
    """Tell a .NET trace from a Java trace whose frames carry no line numbers."""
    return "(Native Method)" not in value and "(Unknown Source)" not in value


def _is_label(label: str) -> bool:
    return 1 <= len(label) <= 63 and not label.startswith("-") and not label.endswith("-")


def _object(part: str) -> dict[str, Any] | None:
    if len(part) > _MAX_JWT_PART:
        return None
    try:
        decoded = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


VALIDATORS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {"dotnet_trace": dotnet_trace, "email": email, "internal_host": internal_host, "jwt": jwt, "private_key": private_key}
)
