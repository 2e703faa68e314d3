"""Read and check canary.toml; every message names the file, the line, the key and the nearest valid key."""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import re
import tomllib
import types
import typing
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import FieldInfo

from forensics.config.destinations import destination_problems
from forensics.config.model import CohortRule, Config
from forensics.errors import ConfigError, Location
from forensics.schema import TABLES

FILE_NAME = "canary.toml"
S = TypeVar("S", bound=msgspec.Struct)
MAX_TEXT, MAX_ENTRIES, MAX_PATTERN = 1_000_000, 1000, 10_000
_MAX_DOTS = 5000  # in one line: a key of very many parts takes the parser quadratic time
_MAX_PROBLEMS = 100
# The annotations of a struct are evaluated once: 6 of the 9 ms of a small file.
_fields = typing.cast("Callable[[type[Any]], tuple[FieldInfo, ...]]", cache(msgspec.structs.fields))
_TESTS = ("equals", "any_of", "glob", "re2", "cidr")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `key` is a dotted path such as `cohort[0].tabel`."""

    key: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration with the bytes it came from."""

    config: Config
    text: str
    path: Path | None

    @property
    def sha256(self) -> str:
        """Hash of the text, as recorded in the case."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load(path: Path) -> Loaded:
    """Return the configuration in `path`.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or breaks a rule; the first problem is told, with the number of others.

    """
    text = read_text(path)
    config, problems = check(text)
    if config is None or problems:
        raise _refused(path, problems, f"canary-forensics config validate {path} lists every problem.")
    return Loaded(config, text, path)


def load_as(path: Path, kind: type[S], rules: Callable[[S], Iterator[Problem]]) -> S:
    """Return another TOML file as a struct, checked like canary.toml; raises `ConfigError` like `load`."""
    value, problems = checked(read_text(path), kind, rules, path.name)
    if value is None or problems:
        raise _refused(path, problems, "Correct the file and run the same again.")
    return value


def _refused(path: Path, problems: list[Problem], hint: str) -> ConfigError:
    first, *others = problems
    more = f" (and {len(others)} more)" if others else ""
    return ConfigError(first.message + more, hint=hint, location=Location(path, first.line, first.key))


def empty() -> Loaded:
    """Return the configuration of a case that has none."""
    return Loaded(Config(), "", None)


def parse(text: str, path: Path | None = None) -> Loaded:
    """Return the configuration in `text`; raises `ConfigError` like `load`."""
    config, problems = check(text)
    if config is None or problems:
        location = Location(path or Path(FILE_NAME), problems[0].line, problems[0].key)
        raise ConfigError(problems[0].message, location=location)
    return Loaded(config, text, path)


def check(text: str) -> tuple[Config | None, list[Problem]]:
    """Return the configuration, or None, and every problem found."""
    return checked(text, Config, _rule_problems, FILE_NAME)


def checked(
    text: str, kind: type[S], rules: Callable[[S], Iterator[Problem]], name: str
) -> tuple[S | None, list[Problem]]:
    """Return a TOML text as a struct, or None, and every problem found: of TOML, of keys, of types, then of `rules`."""
    if len(text) > MAX_TEXT or any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
        return None, [
            Problem(
                "",
                f"This is larger than a configuration can be ({MAX_TEXT:,} characters, {_MAX_DOTS:,} dots in a line).",
            )
        ]
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        return None, [Problem("", f"This is not valid TOML: {error}.", int(found[1]) if found else None)]
    except (ValueError, RecursionError):
        return None, [Problem("", "This holds a number or a nesting that is too large.")]
    problems = [_located(text, problem) for problem in islice(_unknown_keys(kind, data, "", name), _MAX_PROBLEMS)]
    if problems:
        return None, problems
    try:
        value = msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        return None, [_located(text, _value_problem(error, kind))]
    return value, [_located(text, problem) for problem in islice(rules(value), _MAX_PROBLEMS)]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of canary.toml."""
    schema = msgspec.json.schema(Config)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = FILE_NAME
    return schema


def read_text(path: Path) -> str:
    """Return the text of a TOML file; raises `ConfigError`."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", hint="Name an existing file with --config."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8.", hint="TOML files are UTF-8; save it so.", location=Location(path)
        ) from error


def _unknown_keys(kind: type[Any], data: dict[str, Any], prefix: str, name: str) -> Iterator[Problem]:
    fields = {item.encode_name: item.type for item in _fields(kind)}
    for key, value in data.items():
        path = f"{prefix}{key}"
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1, 0.5)
            advice = f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(fields)}."
            yield Problem(path, f"`{key}` is not a key of {prefix.rstrip('.') or name}{advice}")
            continue
        inner = _struct_of(fields[key])
        if inner is None:
            continue
        if isinstance(value, dict):
            yield from _unknown_keys(inner, value, f"{path}.", name)
        for index, entry in enumerate(value if isinstance(value, list) else []):
            if isinstance(entry, dict):
                yield from _unknown_keys(inner, entry, f"{path}[{index}].", name)


def _struct_of(kind: Any) -> type[Any] | None:
    if isinstance(kind, type) and not isinstance(kind, types.GenericAlias) and issubclass(kind, msgspec.Struct):
        return kind
    for inner in typing.get_args(kind):
        found = _struct_of(inner)
        if found is not None:
            return found
    return None


def _value_problem(error: msgspec.ValidationError, kind: type[Any]) -> Problem:
    message, _, path = str(error).partition(" - at `$")
    key = path.strip("`.").lstrip(".")
    words = _words_of(kind, key) if message.startswith("Invalid enum value") else []
    return Problem(key, f"{message}. One of: {', '.join(words)}." if words else f"{message}.")


def _words_of(kind: Any, key: str) -> list[str]:
    """Return the words that the key of a struct may have."""
    for name in re.findall(r"[A-Za-z_]\w*", key):
        fields = {item.encode_name: item.type for item in _fields(_struct_of(kind) or kind)}
        kind = fields.get(name)
        if _struct_of(kind) is None:
            break
    found = (word for part in (kind, *typing.get_args(kind)) for word in typing.get_args(part))
    return [word for word in found if isinstance(word, str)]


def _rule_problems(config: Config) -> Iterator[Problem]:
    too_large = list(size_problems(config))
    if too_large:
        yield from too_large
        return
    if not 0 <= config.ingest.max_reject_share <= 1:
        yield Problem("ingest.max_reject_share", "A share is a number from 0 to 1.")
    yield from _cohort_problems(config)
    yield from _time_problems(config)
    yield from _network_problems(config)
    yield from (Problem(key, message) for key, message in destination_problems(config))
    yield from _mapping_problems(config)
    if not _is_time_zone(config.display.time_zone):
        yield Problem(
            "display.time_zone",
            f"`{config.display.time_zone}` is not a time zone of this machine; write it as Europe/Paris.",
        )


def _is_time_zone(name: str) -> bool:
    """Ask for the one zone: the list of all takes 27 ms, which every command would pay."""
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # not a key, a folder of keys, no such zone
        return False
    return True


def _mapping_problems(config: Config) -> Iterator[Problem]:
    """Yield what is wrong with mappings: they name columns of `auth_events`, the action among them."""
    known = {column.name for column in TABLES["auth_events"].own_columns}
    for index, rule in enumerate(config.auth_event):
        key = f"auth_event[{index}].columns"
        for column in sorted(rule.columns.keys() - known):
            yield Problem(key, f"`{column}` is not a column of auth_events; known: {', '.join(sorted(known))}.")
        if "event_action" not in rule.columns:
            yield Problem(key, "A mapping names where `event_action` stands: records without it are no events.")


def _network_problems(config: Config) -> Iterator[Problem]:
    for index, zone in enumerate(config.zone):
        yield from (_network_problem(cidr, f"zone[{index}].cidrs") for cidr in zone.cidrs if not _is_network(cidr))
    for index, allowed in enumerate(config.allow):
        network = allowed.destination.rpartition(":")[0]
        network = (network if "/" in network else allowed.destination).strip("[]")
        is_url = "://" in allowed.destination
        if "/" in allowed.destination and not is_url and not _is_network(network):
            yield _network_problem(allowed.destination, f"allow[{index}].destination")
    for index, rule in enumerate(config.synthetic):
        if not (rule.user_agent or rule.client):
            yield Problem(f"synthetic[{index}]", "Name a `user_agent`, a `client`, or both.")
        if rule.client and not _is_network(rule.client):
            yield _network_problem(rule.client, f"synthetic[{index}].client")
    for index, identity in enumerate(config.identity):
        if "/" in identity.address or not _is_network(identity.address):
            yield Problem(
                f"identity[{index}].address",
                f"`{identity.address}` is not an address; write it as 10.42.0.7 or fd00::7.",
            )


def _cohort_problems(config: Config) -> Iterator[Problem]:
    for index, rule in enumerate(config.cohort):
        key = f"cohort[{index}]"
        tests = [name for name in _TESTS if getattr(rule, name) is not None]
        yield from _subject_problems(rule, key, tests)
        if rule.table != "*" and rule.table not in TABLES:
            near = difflib.get_close_matches(rule.table, TABLES, 1, 0.4)
            advice = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(TABLES)}."
            yield Problem(f"{key}.table", f"`{rule.table}` is not a table; {advice}")
        elif rule.column and not _has_column(rule.table, rule.column):
            yield Problem(f"{key}.column", _column_advice(rule.table, rule.column))
        if rule.cidr is not None and not _is_network(rule.cidr):
            yield _network_problem(rule.cidr, f"{key}.cidr")
        if rule.re2 is not None and (trouble := _re2_trouble(rule.re2)):
            yield Problem(f"{key}.re2", trouble)


def _subject_problems(rule: CohortRule, key: str, tests: list[str]) -> Iterator[Problem]:
    """`evidence` is a glob by itself; `column` and `flag` need one test."""
    tested = [name for name in ("column", "flag") if getattr(rule, name)]
    if not tested and not rule.evidence:
        yield Problem(
            f"{key}.column", "A cohort rule names a `column`, a `flag`, or `evidence` (a glob over file names)."
        )
    elif len(tested) > 1:
        yield Problem(f"{key}.column", "A cohort rule names `column` or `flag`, not both.")
    elif rule.flag and rule.cidr is not None:
        yield Problem(f"{key}.cidr", "A flag's variant is no address; test it with `equals`, `in`, `glob` or `re2`.")
    elif tested and len(tests) != 1:
        yield Problem(
            f"{key}.{tested[0]}", "A rule on a column or flag has exactly one of `equals`, `in`, `glob`, `re2`, `cidr`."
        )
    elif not tested and tests:
        yield Problem(
            f"{key}.{'in' if tests[0] == 'any_of' else tests[0]}",
            "`evidence` is a glob over file names and needs no test.",
        )


def _length(section: object) -> int:
    return len(section) if isinstance(section, list) else 0


def _re2_trouble(pattern: str) -> str:
    import re2

    options = re2.Options()
    options.log_errors = False
    if len(pattern) > MAX_PATTERN:
        return f"This pattern is longer than {MAX_PATTERN:,} characters."
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        return f"This is not a valid RE2 pattern: {error}."
    return ""


def _has_column(table: str, column: str) -> bool:
    tables = TABLES.values() if table == "*" else [TABLES[table]]
    return any(column in entry.types for entry in tables)


def _column_advice(table: str, column: str) -> str:
    known = sorted({name for entry in TABLES.values() if table in ("*", entry.name) for name in entry.types})
    near = difflib.get_close_matches(column, known, 1, 0.5)
    return f"`{column}` is not a column{'' if table == '*' else f' of {table}'}" + (
        f"; did you mean `{near[0]}`?" if near else "."
    )


def size_problems(config: msgspec.Struct) -> Iterator[Problem]:
    """Yield what is too large, or no text, in any file."""
    too_many = [section for section in config.__struct_fields__ if _length(getattr(config, section)) > MAX_ENTRIES]
    if too_many:
        yield Problem(too_many[0], f"[[{too_many[0]}]] has more than {MAX_ENTRIES:,} entries.")
    if b"\\u0000" in msgspec.json.encode(config):
        yield Problem("", "A text holds the character NUL.")


def zone_problems(config: msgspec.Struct) -> Iterator[Problem]:
    """Yield what is wrong with any time of a file: a zone is required, since a time without one is another for every reader."""
    for key, moment in _moments(config):
        if moment.tzinfo is None:
            yield Problem(key, "This time has no zone; write it as 2026-03-03T09:00:00Z.")
        elif not 1970 <= moment.year <= 2200:
            yield Problem(key, "This time is not between 1970 and 2200.")


def _time_problems(config: Config) -> Iterator[Problem]:
    yield from zone_problems(config)
    for index, phase in enumerate(config.phase):
        if phase.start.tzinfo and phase.end.tzinfo and phase.start >= phase.end:
            yield Problem(f"phase[{index}].end", f"Phase `{phase.name}` ends before it starts.")
        if not 0 <= phase.weight <= 100:
            yield Problem(f"phase[{index}].weight", "A weight is a percentage from 0 to 100.")
    yield from _overlaps(config)
    window = config.window
    if window.start and window.end and window.start.tzinfo and window.end.tzinfo and window.start >= window.end:
        yield Problem("window.end", "The window ends before it starts.")


def _overlaps(config: Config) -> Iterator[Problem]:
    """Two phases of one moment would give its events to one of them by chance of order."""
    timed = sorted(
        (phase.start, index) for index, phase in enumerate(config.phase) if phase.start.tzinfo and phase.end.tzinfo
    )
    for (_, earlier), (start, later) in pairwise(timed):
        if start < config.phase[earlier].end:
            names = config.phase[earlier].name, config.phase[later].name
            yield Problem(f"phase[{later}].start", f"Phase `{names[1]}` begins before phase `{names[0]}` ends.")


def _moments(config: msgspec.Struct) -> Iterator[tuple[str, datetime]]:
    """Yield every time of a file with its dotted key; sections are structs or lists of structs."""
    for section in _fields(type(config)):
        value = getattr(config, section.name)
        entries = [(f"{section.encode_name}.", value)] if isinstance(value, msgspec.Struct) else []
        if isinstance(value, list):
            entries = [(f"{section.encode_name}[{index}].", entry) for index, entry in enumerate(value)]
        for prefix, struct in entries:
            yield from _moments_of(prefix, struct)


def _moments_of(prefix: str, struct: object) -> Iterator[tuple[str, datetime]]:
    for item in _fields(type(struct)) if isinstance(struct, msgspec.Struct) else ():
        value = getattr(struct, item.name)
        if isinstance(value, datetime):
            yield prefix + item.encode_name, value


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _network_problem(text: str, key: str) -> Problem:
    return Problem(key, f"`{text}` is not an address or network; write it as 10.42.0.0/16 or fd00::/8.")


def _located(text: str, problem: Problem) -> Problem:
    """Find the line of a dotted key: the n-th table header of its section, then the key below it."""
    parts = re.match(r"(\w+)(?:\[(\d+)\])?(?:\.(\w+))?", problem.key)
    if not parts or problem.line is not None:
        return problem
    section, index, leaf = parts[1], int(parts[2] or 0), parts[3]
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(rf"\s*\[\[?\s*{section}\s*\]", line)]
    if len(starts) <= index:
        return Problem(problem.key, problem.message, _first(lines, section, 0))
    line = _first(lines, leaf, starts[index] + 1) if leaf else None
    return Problem(problem.key, problem.message, line or starts[index] + 1)


def parse_as(text: str, path: Path, kind: type[S], rules: Callable[[S], Iterator[Problem]], hint: str) -> S:
    """Return the text of another TOML file as a struct; raises `ConfigError` with place and `hint`."""
    value, problems = checked(text, kind, rules, path.name)
    if value is None or problems:
        raise _refused(path, problems, hint)
    return value


def line_of(text: str, key: str) -> int | None:
    """Return the 1-based line of a dotted key, or of its section where the key is not there."""
    return _located(text, Problem(key, "")).line


def _first(lines: list[str], key: str, start: int) -> int | None:
    for number, line in enumerate(lines[start:], start + 1):
        if start and line.lstrip().startswith("["):
            return None
        if re.match(rf"\s*{re.escape(key)}\s*[=.]", line):
            return number
    return None
