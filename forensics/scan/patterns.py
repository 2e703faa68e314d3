"""Patterns are data: one TOML file each, `<class>/<name>.toml`, read from this project's folder and from users' packs.

What all patterns of a class share may stand in `<class>/_defaults.toml`.

A pattern has two expressions. The gate is relaxed and cheap: all gates are searched in one pass, and most bodies end there. The
exact expression and the validator then decide. See `queries/patterns/README.md` for the keys.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from forensics.errors import Location, PatternError
from forensics.resources import tree, walk
from forensics.scan import defaults
from forensics.scan.masking import MaskKind
from forensics.scan.regex import Regex, RegexError
from forensics.scan.validators import VALIDATORS

Part = Literal["body", "header"]
Severity = Literal["critical", "high", "medium", "low", "info"]
Confidence = Literal["high", "medium", "low"]

# Code and media: full of what looks like an address or a trace, and the same for every user.
ASSETS = (
    "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript",
    "application/pdf", "application/wasm", "image/*", "font/*", "audio/*", "video/*",
)  # fmt: skip

_NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})
# Makes the keys of a class a whole pattern, so that they are checked by themselves.
_BLANK: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("title", "class", "gate", "exact"), ""),
        **dict.fromkeys(("true_positives", "false_positives", "cwe"), ()),
        "severity": "info",
        "confidence": "low",
        "mask": "text",
    }
)

_MAX_GATE_REPEAT = 8  # larger bounded repeats multiply the states of the automaton; they belong into `exact`
_DEFINED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_ESCAPE_OR_CLASS = re.compile(r"\\[^AzbBZ]|\[\^?\]?(?:[^\]\\]|\\.)*\]")
_ANCHOR = re.compile(r"[$^]|\\[AzZ]")


class Pattern(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is looked for, where, how sure a match is, and examples that prove it."""

    title: str
    pattern_class: str = field(name="class")
    gate: str
    exact: str
    severity: Severity
    confidence: Confidence
    mask: MaskKind
    true_positives: list[str]
    false_positives: list[str]
    cwe: list[str]
    validator: str = ""
    parts: list[Part] = field(default_factory=lambda: ["body", "header"])
    content_types: list[str] = field(default_factory=lambda: ["*"])
    not_content_types: list[str] = field(default_factory=lambda: [*ASSETS])
    json_keys: list[str] = field(default_factory=list)
    not_json_keys: list[str] = field(default_factory=list)
    context: list[str] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    stop_words: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    opt_in: str = ""
    define: dict[str, str] = field(default_factory=dict)
    name: str = ""

    @property
    def id(self) -> str:
        """Class and file name: `pii.email`."""
        return f"{self.pattern_class}.{self.name}"

    @property
    def in_json(self) -> bool:
        r"""Whether it is looked for inside JSON strings: not if it is for headers only, or for the start of a body (`\A`)."""
        return "body" in self.parts and not self.exact.startswith("\\A")


@cache
def builtin_patterns() -> tuple[Pattern, ...]:
    """Return the patterns of this project, by id. They are proven by the test suite, not at each start (half of the time to load them)."""
    return _load(tree("queries") / "patterns", _expanded)


def pack_patterns(folder: Path) -> tuple[Pattern, ...]:
    """Return the patterns of a user's pack, proven by their own examples.

    Raises:
        PatternError: a file breaks the contract, or an example shows that a pattern does not do what it says.

    """
    from forensics.scan.selftest import failures

    patterns = read_patterns(folder)
    for pattern in patterns:
        if trouble := next(failures(pattern), ""):
            path = folder / pattern.pattern_class / f"{pattern.name}.toml"
            raise PatternError(
                f"Pattern {pattern.id}: {trouble}",
                hint="Change the expression or the example.",
                location=Location(path),
            )
    return patterns


def read_patterns(folder: Traversable) -> tuple[Pattern, ...]:
    """Return the patterns of a folder, held to the contract of a file but not to their examples; raises `PatternError`."""
    return _load(folder, parse)


def load_patterns(packs: Iterable[Path] = (), countries: Collection[str] = ()) -> tuple[Pattern, ...]:
    """Return this project's patterns and those of `packs`; those with `opt_in` only if it is one of `countries`.

    Raises:
        PatternError: two patterns share an id, or no pattern has to be asked for by one of the countries.

    """
    patterns = [*builtin_patterns()]
    for folder in packs:
        patterns.extend(pack_patterns(folder))
    seen: set[str] = set()
    for pattern in patterns:
        if pattern.id in seen:
            raise PatternError(
                f"Pattern {pattern.id} is there twice.", hint="Give the pattern in your pack another file name."
            )
        seen.add(pattern.id)
    return _asked_for(patterns, countries)


def _asked_for(patterns: Sequence[Pattern], countries: Collection[str]) -> tuple[Pattern, ...]:
    known = {pattern.opt_in for pattern in patterns} - {""}
    if unknown := sorted(set(countries) - known):
        raise PatternError(
            f"No pattern waits to be asked for by {', '.join(unknown)}; there are {', '.join(sorted(known))}.",
            hint="Take it out of [privacy] countries: numbers with a check digit are always looked for.",
        )
    return tuple(pattern for pattern in patterns if not pattern.opt_in or pattern.opt_in in countries)


def parse(text: str, place: str, location: Path, shared: Mapping[str, Any] = _NO_DEFAULTS) -> Pattern:
    """Return the pattern in the TOML `text`; `place` is `<class>/<name>.toml`, `shared` the keys of its class.

    Raises:
        PatternError: naming the file and the key.

    """
    pattern = _expanded(text, place, location, shared)
    for key, trouble in _problems(pattern, place):
        raise PatternError(trouble, location=Location(location, key=key))
    return pattern


def _expanded(text: str, place: str, location: Path, shared: Mapping[str, Any]) -> Pattern:
    pattern = _converted(defaults.merged(_table(text, location), shared), location)
    try:
        gate, exact = expand(pattern.gate, pattern.define), expand(pattern.exact, pattern.define)
    except KeyError as error:
        raise PatternError(
            f"{{{error.args[0]}}} is not defined before its use.", location=Location(location, key="define")
        ) from error
    name = place.rpartition("/")[2].removesuffix(".toml")
    return msgspec.structs.replace(pattern, gate=gate, exact=exact, name=name)


def expand(expression: str, define: dict[str, str]) -> str:
    """Put definitions in for their `{name}`, as groups; one may use those above it. Raises `KeyError` for an unknown name."""
    known: dict[str, str] = {}
    for name, part in define.items():
        known[name] = f"(?:{_put_in(part, known)})"
    return _put_in(expression, known)


def _put_in(expression: str, known: dict[str, str]) -> str:
    return _DEFINED.sub(lambda found: known[found[1]], expression)


def _load(folder: Traversable, read: Callable[[str, str, Path, Mapping[str, Any]], Pattern]) -> tuple[Pattern, ...]:
    if not folder.is_dir():
        raise PatternError(f"{folder} is not a folder.", hint="A pack holds <class>/<name>.toml files.")
    shared: dict[str, Mapping[str, Any]] = {}
    files = []
    for place, file in walk(folder, ".toml"):
        name, text, path = place.rpartition("/"), _text(file), Path(str(file))
        if name[2] == defaults.NAME:
            shared[name[0]] = _checked_defaults(text, path)
        else:
            files.append((name[0], text, place, path))
    return tuple(
        read(text, place, path, shared.get(pattern_class, _NO_DEFAULTS)) for pattern_class, text, place, path in files
    )


def _checked_defaults(text: str, location: Path) -> Mapping[str, Any]:
    table = _table(text, location)
    _converted({**_BLANK, **table}, location)
    return table


def _table(text: str, location: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PatternError(f"This is not valid TOML: {error}.", location=Location(location)) from error


def _converted(table: Mapping[str, Any], location: Path) -> Pattern:
    try:
        return msgspec.convert(table, Pattern)
    except msgspec.ValidationError as error:
        raise _key_error(error, location) from error


def _text(file: Traversable) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PatternError(f"{file.name} cannot be read as UTF-8 text.", location=Location(Path(str(file)))) from error


def _key_error(error: msgspec.ValidationError, location: Path) -> PatternError:
    message, _, where = str(error).partition(" - at `$")
    quoted = re.search(r"field `([^`]+)`", message)
    key = where.rstrip("`").lstrip(".") or (quoted[1] if quoted else None)
    return PatternError(
        f"{message}.", hint="The keys are listed in queries/patterns/README.md.", location=Location(location, key=key)
    )


def _problems(pattern: Pattern, place: str) -> Iterator[tuple[str, str]]:
    if place != f"{pattern.pattern_class}/{pattern.name}.toml":
        yield "class", f"The class is {pattern.pattern_class}, the file is {place}; it should be <class>/<name>.toml."
    if pattern.validator and pattern.validator not in VALIDATORS:
        yield "validator", f"No validator is called {pattern.validator}; there are {', '.join(sorted(VALIDATORS))}."
    if not pattern.true_positives or not pattern.false_positives:
        yield "true_positives", "A pattern needs at least one true and one false positive."
    for key, expressions in (("gate", [pattern.gate]), ("exact", [pattern.exact]), ("allow", pattern.allow)):
        yield from ((key, trouble) for trouble in _expression_problems(expressions))
    yield from (("gate", trouble) for trouble in _gate_problems(pattern.gate))


def _expression_problems(expressions: Sequence[str]) -> Iterator[str]:
    for expression in expressions:
        try:
            if Regex(expression).finds(b""):
                yield "The expression matches the empty text."
        except RegexError as error:
            yield f"This is not an RE2 expression: {error}."


def _gate_problems(gate: str) -> Iterator[str]:
    repeats = [int(number) for found in _REPEAT.finditer(gate) for number in found.groups() if number]
    if any(number > _MAX_GATE_REPEAT for number in repeats):
        yield f"A repeat in a gate goes to {_MAX_GATE_REPEAT} at most; put the exact number into `exact`."
    if _ANCHOR.search(_ESCAPE_OR_CLASS.sub("", gate)):
        yield "A gate has no anchors (^ $ \\A \\z): the same text may stand inside a JSON string."
