"""`{{args.name}}` in queries and conditions, as Argo fills them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forensics.replay.policies.documents import items, mapping
from forensics.replay.refusal import RefusalError

_ARGUMENT = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def values_of(arguments: Any) -> dict[str, str]:
    """Return name -> value of an `args` list; those without a value (`valueFrom`) are left out."""
    named = [mapping(item) for item in items(arguments)]
    return {
        str(item["name"]): str(item["value"]) for item in named if item.get("name") and item.get("value") is not None
    }


def filled(text: str, arguments: Mapping[str, str]) -> str:
    """Return a text with its arguments.

    Raises:
        RefusalError: E-ARG-MISSING: nobody gives an argument; E-TEMPLATE-UNSUPPORTED: it is another expression.

    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not name.startswith("args."):
            raise RefusalError("E-TEMPLATE-UNSUPPORTED", f"{match[0]} is no argument", column=match.start() + 1)
        if name[5:] not in arguments:
            hint = f"Give it with: --arg {name[5:]}=VALUE."
            raise RefusalError(
                "E-ARG-MISSING", f"nothing gives {match[0]} a value", hint=hint, column=match.start() + 1
            )
        return arguments[name[5:]]

    return _ARGUMENT.sub(value, text)
