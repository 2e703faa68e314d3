"""Lexer and parser of the subset of expr-lang that conditions use: text to a tree, each node with its 1-based column.

Precedence as in expr-lang's parser (parser/operator): `|| or` < `&& and` < comparisons, `in`, `not in` < `+ -` < `* / %` < `** ^`, with `??` above
them; the ternary binds loosest. What is not here is refused with E-EXPR-UNSUPPORTED, since a form that this parser does not know may mean something to Argo.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from forensics.replay.refusal import RefusalError

MAX_CHARACTERS = 4000
MAX_TOKENS = 300  # bounds the depth of a tree that leans to the left
MAX_DEPTH = 50
FUNCTIONS = (
    "isNaN",
    "isInf",
    "isNil",
    "asInt",
    "asFloat",
    "default",
    "len",
    "abs",
    "min",
    "max",
    "floor",
    "ceil",
    "round",
)
PREDICATES = ("all", "any", "none", "one", "count", "filter", "map")
_BINARY = {
    "||": 10, "or": 10, "&&": 15, "and": 15, "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20, ">=": 20, "in": 20, "not in": 20,
    "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "^": 100, "??": 500,
}  # fmt: skip
_TOKEN = re.compile(
    r"""\s+ | (?P<number>0[xX][0-9a-fA-F_]+|(?:\d[\d_]*)?\.\d[\d_]*(?:[eE][+-]?\d+)?|\d[\d_]*(?:[eE][+-]?\d+)?)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*') | (?P<name>[A-Za-z_]\w*)
    | (?P<sign>\|\||&&|\*\*|\?\?|==|!=|<=|>=|[-+*/%^<>!?:()\[\]{}.,\#]) | (?P<odd>.)""",
    re.VERBOSE,
)
_NEAREST = {
    "matches": "compare numbers with < > ==",
    "contains": "use == or in",
    "startsWith": "use == or in",
    "endsWith": "use == or in",
    "sum": "let the query add up: sum(...)",
    "let": "write the value where it is used",
    "last": "result[len(result) - 1]",
    "first": "result[0]",
    "mean": "let the query average: avg(...)",
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


@dataclass(frozen=True, slots=True)
class Node:
    """One node: `kind` literal, result, element, index, field, unary, binary, ternary, call, predicate or list."""

    kind: str
    column: int
    value: Any = None
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its column; `kind` number, text, name, sign or end."""

    kind: str
    text: str
    column: int


def unsupported(what: str, column: int, text: str = "") -> RefusalError:
    """Return the refusal of a construct, with a caret below it and the nearest form that is supported."""
    nearest = _NEAREST.get(what)
    hint = f"Nearest supported form: {nearest}." if nearest else "docs/replay.md lists what conditions may hold."
    shown = f"\n{text}\n{' ' * (column - 1)}^" if text and "\n" not in text else ""
    return RefusalError(
        "E-EXPR-UNSUPPORTED", f"{what!r} is outside the supported subset of expr-lang", hint=hint + shown, column=column
    )


def parse(text: str) -> Node:
    """Return the tree of a condition.

    Raises:
        RefusalError: E-EXPR-UNSUPPORTED with column and caret.

    """
    if len(text) > MAX_CHARACTERS:
        raise RefusalError(
            "E-EXPR-UNSUPPORTED", f"the condition is longer than {MAX_CHARACTERS:,} characters", column=1
        )
    tokens = _tokens(text)
    if len(tokens) > MAX_TOKENS:
        raise RefusalError(
            "E-EXPR-UNSUPPORTED", f"the condition has more than {MAX_TOKENS} parts", column=tokens[MAX_TOKENS].column
        )
    parser = _Parser(text, tokens)
    tree = parser.expression()
    if parser.here.kind != "end":
        raise parser.refused()
    return tree


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:  # a line feed inside of a text
            raise unsupported(text[at], at + 1, text)
        if match.lastgroup:
            found.append(Token(match.lastgroup, match.group(), at + 1))
        at = match.end()
    return [*found, Token("end", "end of the condition", len(text) + 1)]


class _Parser:
    """Precedence climbing over the tokens; `depth` bounds the recursion, since conditions come from files of others."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text, self.tokens, self.at, self.depth, self.closures = text, tokens, 0, 0, 0

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def refused(self) -> RefusalError:
        return unsupported(self.here.text, self.here.column, self.text)

    def take(self, *signs: str) -> Token | None:
        token = self.here
        if token.kind in ("sign", "name") and token.text in signs:
            self.at += 1
            return token
        return None

    def need(self, sign: str) -> Token:
        token = self.take(sign)
        if token is None:
            raise self.refused()
        return token

    def expression(self, least: int = 0) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refused()
        left = self.unary()
        while (found := self.operator()) and _BINARY[found[0]] >= least:
            sign, width = found
            token = self.here
            self.at += width
            right = self.expression(_BINARY[sign] + (sign not in ("**", "^")))
            left = Node("binary", token.column, _SAME.get(sign, sign), (left, right))
        if least == 0 and (mark := self.take("?")):
            left = self.ternary(mark, left)
        self.depth -= 1
        return left

    def ternary(self, mark: Token, condition: Node) -> Node:
        yes = self.expression()
        self.need(":")
        return Node("ternary", mark.column, None, (condition, yes, self.expression()))

    def operator(self) -> tuple[str, int] | None:
        """Return the binary operator here and how many tokens it has."""
        token, after = self.here, self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if token.kind == "name" and token.text == "not" and after.text == "in":
            return "not in", 2
        return (token.text, 1) if token.kind in ("sign", "name") and token.text in _BINARY else None

    def unary(self) -> Node:
        if token := self.take("!", "not"):
            return Node("unary", token.column, "not", (self.expression(50),))
        if token := self.take("-", "+"):
            return Node("unary", token.column, token.text, (self.expression(90),))
        return self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        while token := self.take("[", "."):
            if token.text == ".":
                name = self.here
                if name.kind != "name":
                    raise self.refused()
                self.at += 1
                node = Node("field", token.column, name.text, (node,))
                continue
            index = self.expression()
            self.need("]")
            node = Node("index", token.column, None, (node, index))
        return node

    def primary(self) -> Node:
        token = self.here
        if token.kind in ("number", "text"):
            self.at += 1
            return Node(
                "literal", token.column, self.number(token) if token.kind == "number" else _unescaped(token.text)
            )
        if token.kind == "name":
            return self.named(token)
        if self.take("("):
            inner = self.expression()
            self.need(")")
            return inner
        if self.take("["):
            return Node("list", token.column, None, tuple(self.arguments("]")))
        if token.text == "#" and self.closures:
            self.at += 1
            return Node("element", token.column)
        raise self.refused()

    def named(self, token: Token) -> Node:
        self.at += 1
        if token.text in _LITERALS:
            return Node("literal", token.column, _LITERALS[token.text])
        if token.text == "result":
            return Node("result", token.column)
        if token.text in PREDICATES and self.take("("):
            return self.predicate(token)
        if token.text in FUNCTIONS and self.take("("):
            return Node("call", token.column, token.text, tuple(self.arguments(")")))
        self.at -= 1
        raise self.refused()

    def predicate(self, token: Token) -> Node:
        """Parse `all(list, {# < 1})` or `all(list, # < 1)`."""
        subject = self.expression()
        self.need(",")
        self.closures += 1
        braces = self.take("{")
        body = self.expression()
        if braces:
            self.need("}")
        self.closures -= 1
        self.need(")")
        return Node("predicate", token.column, token.text, (subject, body))

    def arguments(self, end: str) -> list[Node]:
        found: list[Node] = []
        while not self.take(end):
            if found:
                self.need(",")
            found.append(self.expression())
        return found

    def number(self, token: Token) -> int | float:
        text = token.text.replace("_", "")
        if text[:2].lower() == "0x":
            value: int | float = int(text, 16)
        else:
            value = float(text) if re.search(r"[.eE]", text) else int(text)
        if value >= 2**63 if isinstance(value, int) else math.isinf(value):
            raise unsupported(token.text, token.column, self.text)
        return value


_SAME = {"or": "||", "and": "&&", "^": "**"}
_LITERALS = {"true": True, "false": False, "nil": None}


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])
