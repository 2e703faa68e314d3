"""YAML of policies: plain values with the line of every key. Files come out of incident bundles, so sizes, depth and aliases are bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from forensics.errors import ConfigError, Location
from forensics.replay.refusal import Place, RefusalError

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_DOCUMENTS = 200
MAX_LINES = 20_000  # keys whose line is known; a path has at most MAX_PATH characters
MAX_PATH = 1000
MAX_METRICS = 200
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class _Loader(yaml.CSafeLoader):
    """Plain values only; times stay text, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document; `lines` has the 1-based line of each dotted path, `texts` the lines of values that have several."""

    path: Path
    data: dict[str, Any]
    lines: dict[str, int]
    texts: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`kind` of a Kubernetes object."""
        return str(self.data.get("kind") or "")

    @property
    def name(self) -> str:
        """`metadata.name`, else the name of the file."""
        return str(mapping(self.data.get("metadata")).get("name") or self.path.stem)

    def place(self, key: str = "", *, below: bool = False, fill: Callable[[str], str] = str) -> Place:
        """Return the place of a dotted path, its line or that of the nearest key above.

        `below` adds the lines of the keys inside of it; `fill` is what the reader makes of a line of text.
        """
        above = key
        while above and above not in self.lines:
            above = re.sub(r"(?:\.[^.\[]*|\[\d+\]|^[^.\[]+)$", "", above)
        inner = (
            (name.removeprefix(f"{key}."), line) for name, line in self.lines.items() if name.startswith(f"{key}.")
        )
        texts = (
            (name.removeprefix(key).removeprefix("."), tuple((line, len(fill(text))) for line, text in rows))
            for name, rows in self.texts.items()
            if name == key or (below and name.startswith(f"{key}."))
        )
        return Place(self.path, self.lines.get(above, 1), key, below=tuple(inner) if below else (), texts=tuple(texts))

    def metrics(self, key: str, found: Any) -> list[Any]:
        """Return a list of metrics; raises `ConfigError` where it is none, or longer than a policy can be."""
        if found is not None and not isinstance(found, list):
            raise bad("metrics are a list", self.place(key), "Begin each with a dash.")
        listed = items(found)
        if len(listed) > MAX_METRICS:
            raise bad(
                f"there are {len(listed):,} metrics; {MAX_METRICS} at most", self.place(key), "Name a policy file."
            )
        return listed


def read_documents(path: Path) -> list[Document]:
    """Return the objects of a YAML (or JSON) file.

    Raises:
        ConfigError: it cannot be read, is too large or nested, has aliases or a key twice, or is no YAML.

    """
    text = read(path)
    try:
        _require_plain(text, path)
        found = _loaded(text, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(f"This is not valid YAML: {problem}.", location=Location(path, _line(mark))) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError("This YAML holds a value that cannot be read.", location=Location(path)) from error
    return found


def read(path: Path) -> str:
    """Return the text of a policy file; raises `ConfigError`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"The policy cannot be read: {error.strerror}.", hint="Name a file.", location=Location(path)
        ) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(
            f"The policy is larger than {MAX_BYTES:,} bytes.", hint="Name a policy file.", location=Location(path)
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            "The policy is not UTF-8 text.", hint="Name a policy file.", location=Location(path)
        ) from error


def _require_plain(text: str, path: Path) -> None:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH:
            what = "aliases" if isinstance(event, yaml.AliasEvent) else f"more than {MAX_DEPTH} levels"
            raise ConfigError(
                f"The policy has {what}.", hint="Write it out.", location=Location(path, _line(event.start_mark))
            )


def _loaded(text: str, path: Path) -> list[Document]:
    loader, found, source = _Loader(text), list[Document](), text.splitlines()
    try:
        while loader.check_node():
            if len(found) >= MAX_DOCUMENTS:
                raise ConfigError(f"The file has more than {MAX_DOCUMENTS} documents.", location=Location(path))
            node = loader.get_node()
            if node is None:
                break
            noted = Document(path, {}, {})
            _note_lines(node, "", noted, source)
            value = loader.construct_document(node)
            if isinstance(value, dict):
                found.append(replace(noted, data=value))
    finally:
        loader.dispose()
    return found


def _note_lines(node: yaml.Node, key: str, noted: Document, source: list[str]) -> None:
    """Keep the line of every key, and refuse a key that is there twice; bounded, since a file may be made of keys."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if str(name.value) in seen:
                raise ConfigError(
                    f"The key {str(name.value)[:100]} is there twice.",
                    location=Location(noted.path, _line(name.start_mark)),
                )
            seen.add(str(name.value))
            _note(value, f"{key}.{name.value}" if key else str(name.value), _line(name.start_mark), noted, source)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note(value, f"{key}[{index}]", _line(value.start_mark), noted, source)


def _note(value: yaml.Node, inner: str, line: int, noted: Document, source: list[str]) -> None:
    short = inner[:MAX_PATH]
    if len(noted.lines) < MAX_LINES:
        noted.lines.setdefault(short, line)
        if isinstance(value, yaml.ScalarNode) and value.end_mark.line > value.start_mark.line:
            noted.texts.setdefault(short, _rows(value, source))
    _note_lines(value, short, noted, source)


def _rows(value: yaml.ScalarNode, source: list[str]) -> list[tuple[int, str]]:
    """Return the lines of a value as they stand in the file, without what indents them."""
    first, last = value.start_mark.line, value.end_mark.line
    if value.style in ("|", ">"):
        block = source[first + 1 : last + 1]
        indent = next((len(row) - len(row.lstrip()) for row in block if row.strip()), 0)
        inside = takewhile(lambda row: not row[:indent].strip(), block)
        return [(number, row[indent:]) for number, row in enumerate(inside, first + 2)]
    begin = value.start_mark.column + bool(value.style)
    rows = [source[first][begin:], *source[first + 1 : last + 1]]
    return [(number, row.strip()) for number, row in enumerate(rows, first + 1)]


def _line(mark: Any) -> int:
    return int(mark.line) + 1 if mark else 1


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, an empty one where the value is none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a list, an empty one where the value is none."""
    return value if isinstance(value, list) else []


def title(metric: Mapping[str, Any], key: str, document: Document) -> str:
    """Return the name of a metric, its key where it has none; raises `ConfigError` where that is no text."""
    name = metric.get("name")
    if name is not None and not isinstance(name, str):
        raise bad("a name is a text", document.place(f"{key}.name"), "Put it in quotes.")
    return name or key


def seconds(value: Any, place: Place) -> float | None:
    """Return a duration as Go writes it (`90s`, `1h30m`), None where there is none.

    Raises:
        ConfigError: it is no duration, or none above zero.

    """
    if value is None or value == "":
        return None
    text = str(value)
    if len(text) > 40 or not _DURATION.fullmatch(text):
        raise bad(f"{text[:40]!r} is no duration", place, "Write it as 60s, 5m or 1h30m.")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text))


def too_short(interval: float | None, place: Place) -> RefusalError | None:
    """Return the refusal (E-INTERVAL) of an interval below a second: ticks would not go on, or be more than anybody can replay."""
    if interval is None or interval >= 1:
        return None
    what = f"an interval of {interval:g} s cannot be replayed"
    return RefusalError("E-INTERVAL", what, hint="Write one second at least.").located(place)


def whole(value: Any, place: Place) -> int | None:
    """Return a whole number, also one that is written as text (Kubernetes' IntOrString); raises `ConfigError`."""
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or len(text) > 10 or not re.fullmatch(r"-?\d+", text):
        raise bad(f"{text[:40]!r} is no whole number", place, "Write it as 3.")
    return int(text)


def decimal(value: Any, place: Place) -> float | None:
    """Return a number; raises `ConfigError`."""
    if value is None:
        return None
    try:
        return float(str(value))
    except ValueError as error:
        raise bad(f"{str(value)[:40]!r} is no number", place, "Write it as 0.05.") from error


def bad(what: str, place: Place, hint: str) -> ConfigError:
    """Return the error of a value in a policy."""
    return ConfigError(
        f"{what}.", hint=hint, location=Location(place.file or Path("policy"), place.line, place.key or None)
    )
