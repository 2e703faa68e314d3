"""Named checks of one value, for what an expression cannot say: does it decode, is it plausible. True = keep the match.

A pattern names its check in `validator`. Each takes the value as text and must not raise, whatever the value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from forensics.scan import numbers
from forensics.scan.tokens import TOKEN_VALIDATORS

# What follows the @ or the last dot in names of build products: image@2x.png, app@1.2.3.tgz. None of them is a top-level domain.
_FILE_ENDINGS = frozenset(
    """
    avif bmp css csv eot gif gz htm html ico jpeg jpg js json jsx map mjs cjs mp3 mp4 otf pdf png scss less svg
    tar tgz tif tiff ts tsx ttf txt vue wasm webm webp woff xml yaml yml
    """.split()  # noqa: SIM905 - a list of words reads better as words
)

# Labels of names that are code or message keys, not hosts: error.internal, com.sun.internal, this.lan.
_SOFTWARE_WORDS = frozenset(
    """
    app application class code com config const data default document edu err error errors event exception exports
    ext fatal field form global http i18n id io is item java javafx javax jdk key kotlin label lib link log mail message
    messages meta model module msg name navigator net node none not obj org package problem prop props reason
    request response result scala self server state status sun task test text that the this title type types user
    util utils validation value var warning window
    """.split()  # noqa: SIM905 - a list of words reads better as words
)

_KNOWN_PLATFORMS = (".google.internal", ".ec2.internal", ".compute.internal", ".docker.internal", ".cluster.local")

_MAX_LOCAL, _MAX_DOMAIN, _MAX_LABEL = 64, 253, 63  # RFC 5321 4.5.3.1, RFC 1035 2.3.4
_MIN_KEY_CHARS = 64  # an Ed25519 key, the shortest in use, is 64 base64 characters


def email(value: str) -> bool:
    """Tell whether the value is an address someone could have (RFC 5321 limits, a domain of letters that is no file name)."""
    local, _, domain = value.replace("%40", "@").rpartition("@")
    labels = domain.split(".")
    return (
        0 < len(local) <= _MAX_LOCAL
        and ".." not in local
        and local[0] != "."
        and local[-1] != "."
        and len(domain) <= _MAX_DOMAIN
        and all(_label(label) for label in labels)
        and _domain_words(labels)
    )


def internal_host(value: str) -> bool:
    """Tell whether the value is a host of a private zone, and not a message key or a property chain that looks like one."""
    name = value.lower().rstrip(".")
    labels = name.split(".")
    if len(name) > _MAX_DOMAIN or not all(_label(label) for label in labels):
        return False
    if name.endswith((*_KNOWN_PLATFORMS, ".svc")) or name.startswith("ip-"):
        return True
    if any("-" in label or any(char.isdigit() for char in label) for label in labels[:-1]):
        return True
    return len(labels[0]) > 1 and not _SOFTWARE_WORDS.intersection(labels[:-1])


def private_key(value: str) -> bool:
    r"""Tell whether the value has at least 64 base64 characters, and not one repeated (`\n` may be escaped)."""
    chars = value.replace("\\r", "").replace("\\n", "")
    packed = "".join(char for char in chars if char.isalnum() or char in "+/=")
    return len(packed) >= _MIN_KEY_CHARS and len(set(packed)) > 16


def jwt(value: str) -> bool:
    """Tell whether header and payload are base64url JSON objects and the header names an `alg` (RFC 7519, RFC 7515)."""
    parts = value.split(".")
    if len(parts) != 3:
        return False
    header, payload = _json_object(parts[0]), _json_object(parts[1])
    return header is not None and payload is not None and isinstance(header.get("alg"), str)


def dotnet_trace(value: str) -> bool:
    """Tell a .NET trace from a Java trace: only Java's frames end in these words when they name no file."""
    return "(Unknown Source)" not in value and "(Native Method)" not in value


VALIDATORS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "dotnet_trace": dotnet_trace,
        "email": email,
        "internal_host": internal_host,
        "jwt": jwt,
        "private_key": private_key,
        **TOKEN_VALIDATORS,
        **numbers.CHECKS,
    }
)


def _label(label: str) -> bool:
    return 0 < len(label) <= _MAX_LABEL and label[0] != "-" and label[-1] != "-"


def _domain_words(labels: list[str]) -> bool:
    """Tell whether the last label is letters (or xn--) and the others are not just a version number or a pixel ratio (2x)."""
    top = labels[-1].lower()
    if len(labels) < 2 or len(top) < 2 or top in _FILE_ENDINGS or not (top.isalpha() or top.startswith("xn--")):
        return False
    return not all(label.rstrip("xX").isdigit() for label in labels[:-1])


def _json_object(part: str) -> dict[str, Any] | None:
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        value = msgspec.json.decode(data)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
