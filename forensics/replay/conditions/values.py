"""Runs a checked condition: numbers are 64-bit, NaN compares false (IEEE 754), an index out of range or a nil in arithmetic is an error."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from forensics.replay.conditions.syntax import Node
from forensics.replay.conditions.types import ConditionError

MAX_STEPS = 1_000_000
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class Run:
    """One run over one result; `steps` bounds the work, since a condition may loop over the result inside of a loop."""

    def __init__(self, result: Any) -> None:
        self.result, self.elements, self.steps = result, list[Any](), 0

    def value(self, node: Node) -> Any:
        """Return the value of a node; raises `ConditionError`."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise ConditionError("the condition takes too many steps")
        return _RUN[node.kind](self, node)

    def literal(self, node: Node) -> Any:
        """Return what is written."""
        return node.value

    def whole(self, _node: Node) -> Any:
        """Return `result`."""
        return self.result

    def element(self, _node: Node) -> Any:
        """Return `#` of the innermost predicate."""
        return self.elements[-1]

    def index(self, node: Node) -> Any:
        """Return an item; a negative index counts from the end."""
        items, index = (self.value(part) for part in node.parts)
        if not isinstance(items, list) or not _is_whole(index):
            raise ConditionError(f"cannot fetch {index} from {type(items).__name__}")
        if not -len(items) <= index < len(items):
            raise ConditionError(f"index out of range: {index} (list length is {len(items)})")
        return items[index]

    def field(self, node: Node) -> Any:
        """No value of a metric has fields."""
        raise ConditionError(f"cannot fetch {node.value} from {type(self.value(node.parts[0])).__name__}")

    def unary(self, node: Node) -> Any:
        """Return `not x`, `-x` or `+x`."""
        value = self.value(node.parts[0])
        if node.value == "not":
            return not _boolean(value)
        return _wrapped(-_number(value)) if node.value == "-" else _number(value)

    def ternary(self, node: Node) -> Any:
        """Return one of two; the other is not run."""
        return self.value(node.parts[1] if _boolean(self.value(node.parts[0])) else node.parts[2])

    def binary(self, node: Node) -> Any:
        """Return the value of an operator; `&&`, `||` and `??` run their right side only where it counts."""
        sign = str(node.value)
        left = self.value(node.parts[0])
        if sign in ("&&", "||"):
            return _boolean(left) if _boolean(left) == (sign == "||") else _boolean(self.value(node.parts[1]))
        if sign == "??":
            return self.value(node.parts[1]) if left is None else left
        return operate(sign, left, self.value(node.parts[1]))

    def call(self, node: Node) -> Any:
        """Return the value of a function. Argo's isNil and default look at the result itself, whatever their first argument is."""
        values = [self.value(part) for part in node.parts]
        if node.value == "isNil":
            return self.result is None
        if node.value == "default":
            return values[1] if self.result is None else self.result
        return _FUNCTIONS[str(node.value)](values)

    def predicate(self, node: Node) -> Any:
        """Return what all, any, none, one, count, filter or map makes of a list."""
        items = self.value(node.parts[0])
        if not isinstance(items, list):
            raise ConditionError(f"{node.value} needs a list")
        found = [self.inside(node.parts[1], item) for item in items]
        if node.value == "map":
            return found
        held = [_boolean(item) for item in found]
        if node.value == "filter":
            return [item for item, is_held in zip(items, held, strict=True) if is_held]
        count = sum(held)
        told = {"all": count == len(items), "any": count > 0, "none": count == 0, "one": count == 1, "count": count}
        return told[str(node.value)]

    def inside(self, body: Node, item: Any) -> Any:
        """Return the value of a body for one element."""
        self.elements.append(item)
        value = self.value(body)
        self.elements.pop()
        return value

    def listed(self, node: Node) -> list[Any]:
        """Return a list that is written out."""
        return [self.value(part) for part in node.parts]


_RUN: dict[str, Callable[[Run, Node], Any]] = {
    "literal": Run.literal, "result": Run.whole, "element": Run.element, "index": Run.index, "field": Run.field, "unary": Run.unary,
    "ternary": Run.ternary, "binary": Run.binary, "call": Run.call, "predicate": Run.predicate, "list": Run.listed,
}  # fmt: skip


def operate(sign: str, left: Any, right: Any) -> Any:
    """Return the value of a binary operator that always runs both sides; raises `ConditionError`."""
    if sign in ("==", "!="):
        return _equal(left, right) == (sign == "==")
    if sign in ("in", "not in"):
        if not isinstance(right, list):
            raise ConditionError("operator in needs a list")
        return any(_equal(left, item) for item in right) == (sign == "in")
    if sign in _COMPARE:
        if isinstance(left, str) and isinstance(right, str):
            return _COMPARE[sign](left, right)
        return _COMPARE[sign](_number(left), _number(right))
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    return _arithmetic(sign, _number(left), _number(right))


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)


def _arithmetic(sign: str, left: float, right: float) -> float:
    if sign == "%":
        if not _is_whole(left) or not _is_whole(right) or right == 0:
            raise ConditionError("integer divide by zero" if right == 0 else "operator % needs whole numbers")
        return int(math.fmod(left, right)) if max(abs(left), abs(right)) < 2**53 else _remainder(int(left), int(right))
    if sign == "/":
        return _quotient(float(left), float(right))
    if sign == "**":
        return _power(float(left), float(right))
    told = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign](left, right)
    return _wrapped(told)


def _remainder(left: int, right: int) -> int:
    return left - right * (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1)


def _quotient(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def _wrapped(value: float) -> float:
    """Whole numbers have 64 bits and wrap, as in Go."""
    return (value + 2**63) % 2**64 - 2**63 if isinstance(value, int) else value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConditionError(f"invalid operation on {'nil' if value is None else type(value).__name__}")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConditionError(f"expected bool, but got {'nil' if value is None else type(value).__name__}")
    return value


def _as_int(text: Any) -> int:
    if isinstance(text, str) and text.isascii() and text.lstrip("+-").isdigit() and len(text) < 21:
        value = int(text)
        if -(2**63) <= value < 2**63:
            return value
    raise ConditionError(f"asInt cannot read {str(text)[:40]!r}")


def _as_float(text: Any) -> float:
    try:
        if isinstance(text, str) and text == text.strip():
            return float(text)
    except ValueError:
        pass  # told below, with other texts that are no number
    raise ConditionError(f"asFloat cannot read {str(text)[:40]!r}")


def _extreme(values: Sequence[Any], better: Callable[[float, float], bool]) -> float:
    """Return the first of the extreme values; NaN is never better, so it stays only where it stands first."""
    flat = [_number(item) for value in values for item in (value if isinstance(value, list) else [value])]
    if not flat:
        raise ConditionError("not enough arguments to call min or max")
    return reduce(lambda best, item: item if better(item, best) else best, flat)


def _rounded(value: float, how: Callable[[float], float]) -> float:
    return how(float(value)) if math.isfinite(value) else float(value)


def _half_away(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value) if abs(value) < 2**52 else value


_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "isNaN": lambda values: math.isnan(_number(values[0])),
    "isInf": lambda values: math.isinf(_number(values[0])),
    "asInt": lambda values: _as_int(values[0]),
    "asFloat": lambda values: _as_float(values[0]),
    "len": lambda values: _length(values[0]),
    "abs": lambda values: _wrapped(abs(_number(values[0]))),
    "min": lambda values: _extreme(values, operator.lt),
    "max": lambda values: _extreme(values, operator.gt),
    "floor": lambda values: _rounded(_number(values[0]), math.floor),
    "ceil": lambda values: _rounded(_number(values[0]), math.ceil),
    "round": lambda values: _rounded(_number(values[0]), _half_away),
}


def _length(value: Any) -> int:
    if not isinstance(value, list | str):
        raise ConditionError(f"invalid argument for len ({'nil' if value is None else type(value).__name__})")
    return len(value)
