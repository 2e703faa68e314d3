"""Objects inside of JSON lines: texts by path, and what is left of an object when the paths that have a column are taken out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from forensics.store import literal, name


def text(path: str) -> str:
    """Return the SQL of the text at `key.inner.inner`, or with a number for an entry of a list; the first key is a field of `f`."""
    key, *inner = path.split(".")
    steps = "".join(f"[{part}]" if part.isdecimal() else f".{json.dumps(part)}" for part in inner)
    return f"json_extract_string(f.{name(key)}, {literal('$' + steps)})" if inner else f"f.{name(key)}"


def rest(key: str, paths: Iterable[str]) -> str:
    """Return the SQL of the object under `key` without `paths` (RFC 7396: null takes a member out), NULL where nothing is left."""
    patch: dict[str, Any] = {}
    for path in paths:
        *outer, last = path.split(".")
        place = patch
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = None
    left = f"json_merge_patch(f.{name(key)}, {literal(json.dumps(patch))})"
    return f"case when json_type(f.{name(key)}) = 'OBJECT' then nullif({left}::varchar, '{{}}')::json else f.{name(key)} end"
