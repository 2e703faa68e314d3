"""Static types of conditions, as expr-lang checks them when it compiles: `asFloat(x) == "1.1"` never runs.

Types are int, float, bool, string, nil, any, and lists of these. `any` is what only the run can tell: it passes here.
"""

from __future__ import annotations

from dataclasses import dataclass

from forensics.replay.conditions.syntax import Node, unsupported


@dataclass(frozen=True, slots=True)
class Type:
    """A type; `of` is that of the elements of a list."""

    name: str
    of: str = "any"

    def __str__(self) -> str:
        return f"[]{self.of}" if self.name == "list" else self.name


INT, FLOAT, BOOL, STRING, NIL, ANY = map(Type, ("int", "float", "bool", "string", "nil", "any"))
FLOATS = Type("list", "float")
_NUMBERS = ("int", "float", "any")


class ConditionError(Exception):
    """Compiling or running a condition fails: Argo's measurement is then Error."""


# Function -> types of its arguments, type of its result; `number` is int or float.
_SIGNATURES: dict[str, tuple[tuple[str, ...], Type]] = {
    "isNaN": (("float",), BOOL),
    "isInf": (("float",), BOOL),
    "isNil": (("any",), BOOL),
    "asInt": (("string",), INT),
    "asFloat": (("string",), FLOAT),
    "default": (("any", "any"), ANY),
    "len": (("sized",), INT),
    "abs": (("number",), ANY),
    "floor": (("number",), FLOAT),
    "ceil": (("number",), FLOAT),
    "round": (("number",), FLOAT),
}
_OF_PREDICATE = {"all": BOOL, "any": BOOL, "none": BOOL, "one": BOOL, "count": INT}


def check(node: Node, result: Type, element: Type | None = None) -> Type:
    """Return the type of a tree where `result` has the type given.

    Raises:
        ConditionError: the types do not fit, as expr-lang's checker says. RefusalError: a form whose types it cannot decide.

    """
    if node.kind == "literal":
        return _literal(node.value)
    if node.kind in ("result", "element"):
        return result if node.kind == "result" else element or ANY
    if node.kind == "predicate":
        return _predicate(node, result, element)
    parts = [check(part, result, element) for part in node.parts]
    return _CHECKS[node.kind](node, parts)


def _literal(value: object) -> Type:
    kinds = {bool: BOOL, int: INT, float: FLOAT, str: STRING, type(None): NIL}
    return kinds[type(value)]


def _predicate(node: Node, result: Type, element: Type | None) -> Type:
    subject = check(node.parts[0], result, element)
    if subject.name not in ("list", "any"):
        raise ConditionError(f"builtin {node.value} takes only a list (got {subject})")
    inner = Type(subject.of) if subject.name == "list" else ANY
    body = check(node.parts[1], result, inner)
    if node.value != "map" and body.name not in ("bool", "any"):
        raise ConditionError(f"predicate of {node.value} should return a boolean (got {body})")
    if node.value == "map":
        return Type("list", body.name)
    return _OF_PREDICATE.get(str(node.value), subject if subject.name == "list" else Type("list"))


def _index(_node: Node, parts: list[Type]) -> Type:
    subject, index = parts
    if subject.name not in ("list", "any"):
        raise ConditionError(f"type {subject} does not support indexing")
    if index.name not in ("int", "any"):
        raise ConditionError(f"a list is indexed by a whole number (got {index})")
    return Type(subject.of) if subject.name == "list" else ANY


def _field(node: Node, parts: list[Type]) -> Type:
    if parts[0].name != "any":
        raise ConditionError(f"type {parts[0]} has no field {node.value}")
    return ANY


def _unary(node: Node, parts: list[Type]) -> Type:
    wanted = ("bool", "any") if node.value == "not" else _NUMBERS
    if parts[0].name not in wanted:
        raise ConditionError(f"operator {node.value} does not take {parts[0]}")
    return parts[0]


def _ternary(_node: Node, parts: list[Type]) -> Type:
    if parts[0].name not in ("bool", "any"):
        raise ConditionError(f"the condition of ?: should be a boolean (got {parts[0]})")
    return parts[1] if parts[1] == parts[2] else ANY


def _binary(node: Node, parts: list[Type]) -> Type:
    sign, (left, right) = str(node.value), parts
    names = {left.name, right.name}
    if sign == "??":
        return right if left == NIL else left if left == right else ANY
    if sign in ("&&", "||"):
        fits, told = names <= {"bool", "any"}, BOOL
    elif sign in ("==", "!="):
        fits, told = bool(left.name == right.name or names & {"any", "nil"} or names <= set(_NUMBERS)), BOOL
    elif sign in ("in", "not in"):
        fits, told = right.name in ("list", "any") and _may_hold(right, left), BOOL
    elif sign in ("<", ">", "<=", ">="):
        fits, told = names <= set(_NUMBERS) or names <= {"string", "any"}, BOOL
    else:
        fits, told = _arithmetic(sign, left, right)
    if not fits:
        raise ConditionError(f"invalid operation: {sign} (mismatched types {left} and {right})")
    return told


def _may_hold(items: Type, item: Type) -> bool:
    return "any" in (items.of, item.name) or items.of == item.name or {items.of, item.name} <= set(_NUMBERS)


def _arithmetic(sign: str, left: Type, right: Type) -> tuple[bool, Type]:
    names = {left.name, right.name}
    if sign == "+" and names <= {"string", "any"} and "string" in names:
        return True, STRING if names == {"string"} else ANY
    if sign == "%":
        return names <= {"int", "any"}, INT
    whole = names == {"int"} and sign in ("+", "-", "*")
    return names <= set(_NUMBERS), INT if whole else ANY if "any" in names and sign not in ("/", "**") else FLOAT


def _call(node: Node, parts: list[Type]) -> Type:
    name = str(node.value)
    if name in ("min", "max"):
        return _extreme(name, parts)
    wanted, told = _SIGNATURES[name]
    if len(parts) != len(wanted):
        raise ConditionError(f"{name} takes {len(wanted)} arguments (got {len(parts)})")
    for kind, found in zip(wanted, parts, strict=True):
        if found.name not in _ACCEPTED[kind]:
            raise ConditionError(f"cannot use {found} as argument of {name} (type {kind})")
    return parts[0] if name == "abs" else told


_ACCEPTED = {
    "any": ("int", "float", "bool", "string", "nil", "list", "any"),
    "float": _NUMBERS,  # a whole literal becomes a float64 parameter
    "number": _NUMBERS,
    "string": ("string", "any"),
    "sized": ("list", "string", "any"),
}


def _extreme(name: str, parts: list[Type]) -> Type:
    if not parts or any(part.name not in (*_NUMBERS, "list") for part in parts):
        raise ConditionError(f"{name} takes numbers or lists of numbers")
    names = {part.of if part.name == "list" else part.name for part in parts}
    return Type(names.pop()) if len(names) == 1 else ANY


def _list(node: Node, parts: list[Type]) -> Type:
    names = {part.name for part in parts}
    if "list" in names:
        raise unsupported("list of lists", node.column)
    return Type("list", names.pop() if len(names) == 1 else "any")


_CHECKS = {
    "index": _index,
    "field": _field,
    "unary": _unary,
    "ternary": _ternary,
    "binary": _binary,
    "call": _call,
    "list": _list,
}
