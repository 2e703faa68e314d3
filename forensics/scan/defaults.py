"""What the patterns of a class have in common stands once, in `<class>/_defaults.toml`, and not in each of its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "_defaults.toml"

# Keys that add to those of the pattern; of any other key the pattern's own value counts.
_ADDED_LISTS = ("allow", "stop_words")
_ADDED_TABLE = "define"


def merged(own: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pattern's keys with those of its class; a pattern may use the definitions of its class in its own."""
    table = {**defaults, **own}
    for key in _ADDED_LISTS:
        if isinstance(own.get(key), list):
            table[key] = [*defaults.get(key, []), *own[key]]
    if isinstance(own.get(_ADDED_TABLE), dict):
        table[_ADDED_TABLE] = {**defaults.get(_ADDED_TABLE, {}), **own[_ADDED_TABLE]}
    return table
