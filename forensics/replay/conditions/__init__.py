"""Conditions of Argo metrics: a closed subset of expr-lang with its static types, errors and NaN rules; docs/replay.md lists it.

Nothing of a policy is ever run as code: policies come out of incident bundles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from forensics.replay.conditions.syntax import Node, parse
from forensics.replay.conditions.types import FLOAT, FLOATS, NIL, ConditionError, check
from forensics.replay.conditions.values import Run

__all__ = ["Condition", "ConditionError", "Node", "compiled", "nodes", "one_line", "parse"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was parsed; `tree` is what lint looks at."""

    text: str
    tree: Node

    def calls(self, *names: str) -> bool:
        """Say whether it calls one of these functions."""
        return any(node.value in names for node in nodes(self.tree) if node.kind == "call")

    def holds(self, result: float | list[float] | None) -> bool:
        """Say whether it is true of a result: a list of numbers (a vector), a number (a scalar), or None.

        Raises:
            ConditionError: types do not fit, an index is out of range, a value is nil, or the outcome is no boolean.

        """
        kind = FLOATS if isinstance(result, list) else NIL if result is None else FLOAT
        check(self.tree, kind)
        value: Any = Run(result).value(self.tree)
        if not isinstance(value, bool):
            raise ConditionError(f"expected bool, but got {'nil' if value is None else type(value).__name__}")
        return value


def one_line(text: str) -> str:
    """Return a condition on one line: what is between its parts is no part of it, and every sign keeps its place."""
    return re.sub(r"\s", " ", text).rstrip()


def nodes(tree: Node) -> Iterator[Node]:
    """Yield every node of a condition."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.parts)


@lru_cache(maxsize=256)
def compiled(text: str) -> Condition | None:
    """Return a condition, None where the text is empty.

    Raises:
        RefusalError: E-EXPR-UNSUPPORTED, with the column.

    """
    return Condition(text, parse(text)) if text.strip() else None
