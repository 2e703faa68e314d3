"""Settings of a snapshot as rows of `configuration`: one a leaf, its path as key, secrets masked; shared by the importers of configuration.

A value is a secret by its name (`DB_PASSWORD`, `apiKey`, `authorization`), or by its look: credentials in a URL, a private key, a token of a known
shape, `password=...` inside a text. Only its length is kept: a hash of it could be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from forensics.importers._values import text
from forensics.text import middle_cut

# Kubernetes refuses objects nested deeper than some dozens; a hostile one costs memory by depth and length of its keys.
MAX_DEPTH = 100
_MAX_PATH = 1000

_PARTS = r"passw|passphrase|secret|token|credential|api_?key|private_?key|access_?key|signing_?key|encryption_?key|client-key-data|authorization"
_SECRET_NAME = re.compile(
    rf"(?i){_PARTS}|(?:^|[^a-z])(?:key|keys|pwd|pass|dsn|cookie)(?:$|[^a-z])|[a-z](?-i:Key|Keys|Pwd|Dsn)$"
)
# What stands for a secret elsewhere, or cannot be one.
_NO_SECRET = re.compile(
    r"(?i)true|false|null|none|\$\{[^}]*\}|\$\([^)]*\)|\$\w+|\[redacted\]|W3JlZGFjdGVkXQ==|\[masked, [0-9,]+ characters\]"
)
_URL_LOGIN = re.compile(r"(?<=://)([^/\s:@\"']*:[^/\s@\"']+)(?=@)")
_TOKEN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abpr]-[\w-]{10,}"
    r"|\bsk_live_[A-Za-z0-9]{10,}|\bAIza[\w-]{35}|\bglpat-[\w-]{20,}|(?<=[Bb]earer )[\w.~+/=-]{8,}|(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}",
    re.DOTALL,
)
# `db.password=x`, `"apiKey": "x"`, `--token x`; what follows is the value.
_ASSIGNED = re.compile(
    rf"""(?ix)
    ((?<![\w.-]) [\w.-]{{0,100}} (?:{_PARTS}) [\w.-]{{0,100}} ["']? [ \t]{{0,20}} [:=] [ \t]{{0,20}} | (?<!\S) --[\w-]{{0,100}} (?:{_PARTS}) [\w-]{{0,100}} [ \t] )
    (?: "([^"\n]+)" | '([^'\n]+)' | ([^\s"',;]+) )
    """
)


def masked(value: str) -> str:
    """Return what stands for a secret: its length alone."""
    return value if not value or _NO_SECRET.fullmatch(value) else f"[masked, {len(value):,} characters]"


def is_secret_name(name: str) -> bool:
    """Say whether a setting of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def shown(value: str, name: str = "") -> str:
    """Return the value of a setting without its secrets; with a name it is a secret where the name says so."""
    if name and is_secret_name(name):
        return masked(value)
    plain = _TOKEN.sub(lambda match: masked(match[0]), value)
    plain = _URL_LOGIN.sub(lambda match: masked(match[0]), plain) if "://" in plain else plain
    return _ASSIGNED.sub(_without_value, plain)


def _without_value(match: re.Match[str]) -> str:
    inner = match[2] or match[3] or match[4]
    return match[1] + match[0][len(match[1]) :].replace(inner, masked(inner), 1)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield (path, name, value) of every leaf in document order: keys joined by dots, list items as `[name]`, or `[index]` without a name.

    The name is the leaf's own key, or for a `value` the `name` or `key` beside it. An empty object or list is a leaf; what lies deeper
    than 100 levels is one leaf without its value.
    """
    waiting: list[tuple[str, str, Any, int]] = [(path, "", value, 0)]
    while waiting:
        place, name, found, depth = waiting.pop()
        if not found or not isinstance(found, dict | list):
            yield place, name, found
        elif depth >= MAX_DEPTH:
            yield place, name, "[nested too deeply]"
        else:
            inner = _members(place, name, found) if isinstance(found, dict) else _entries(place, found)
            waiting += [(middle_cut(key, _MAX_PATH), title, item, depth + 1) for key, title, item in reversed(inner)]


def _members(path: str, name: str, found: dict[Any, Any]) -> list[tuple[str, str, Any]]:
    is_named = path.endswith("]") and isinstance(found.get("name"), str)
    titled = name if is_named else text(found.get("key")) or ""
    own = [
        (text(key) or str(key), item)
        for key, item in found.items()
        if not (is_named and key == "name" and len(found) > 1)
    ]
    prefix = f"{path}." if path else ""
    return [(prefix + key, titled if titled and key == "value" else key, item) for key, item in own]


def _entries(path: str, found: list[Any]) -> list[tuple[str, str, Any]]:
    """Return the items of a list; of two with one name the second is `name (2)`."""
    seen: dict[str, int] = {}
    inner = []
    for index, item in enumerate(found):
        name = text(item.get("name")) if isinstance(item, dict) else None
        key = name or str(index)
        seen[key] = seen.get(key, 0) + 1
        inner.append((f"{path}[{key}]" if seen[key] == 1 else f"{path}[{key} ({seen[key]})]", name or "", item))
    return inner


def written(value: Any) -> str | None:
    """Return a leaf as text, as JSON writes it; NULL is None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return None if value is None else text(value) or ("" if value == "" else f"[{type(value).__name__}]")
