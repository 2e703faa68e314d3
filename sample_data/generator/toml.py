"""The little TOML the generator writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime

Scalar = str | int | float | bool | date | datetime
Value = Scalar | Sequence[str]


def table(name: str, values: Mapping[str, Value], *, many: bool = False) -> str:
    """Return one table, or one element of an array of tables."""
    head = f"[[{name}]]" if many else f"[{name}]"
    return "\n".join([head, *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]) + "\n"


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "").isalnum() and key.isascii()
    return key if plain else _text(key)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    return str(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
