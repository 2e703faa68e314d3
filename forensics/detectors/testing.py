"""The tests of a detector: tiny tables in, rows out; they stand in `<name>.test.toml` beside `<name>.sql`.

    [[test]]
    name = "says what is checked"
    kind = "positive"                 # positive | negative | baseline_too | nulls | hostile
    expect = [{destination = "x"}]    # rows in order, only the columns to check; [] = no rows
    findings = [{severity = "high"}]  # optional: after judging by the engine, only the fields to check
    state = "finding"                 # optional: the state after judging
    config = '''...'''                # optional: canary.toml in place of DEFAULT_CONFIG
    more_config = '''...'''           # optional: canary.toml sections in addition
    rows.connections = [{time = "2026-03-03 09:{n:02}:00", service_version = "2.4.0", repeat = 5}]

A column that is left out is NULL; an expected NULL is written `{null = true}`. `repeat` makes copies: record_no counts on, and `{n}` in a
string is the number of the copy from 1 (`{n:02}` with zeros in front). `{long}` is a string of 10,000 letters.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct, field

from forensics import views
from forensics.config import Config, parse
from forensics.detectors.front import FAMILIES_NOT_DETECTORS, Detector
from forensics.detectors.run import Context, run
from forensics.errors import DetectorError, ForensicsError, Location
from forensics.findings import moment
from forensics.resources import tree
from forensics.schema import TABLES
from forensics.store import Sandbox, lock, open_memory

Kind = Literal["positive", "negative", "baseline_too", "nulls", "hostile"]
KINDS: tuple[Kind, ...] = ("positive", "negative", "baseline_too", "nulls", "hostile")
LONG = "x" * 10_000
DAY = date(2026, 3, 3)
DEFAULT_CONFIG = """
[release]
service = "checkout"
baseline_version = "2.3.9"
canary_version = "2.4.0"
[[phase]]
name = "weight-10"
start = 2026-03-03T09:00:00Z
end = 2026-03-03T10:00:00Z
weight = 10
[[cohort]]
cohort = "canary"
column = "service_version"
equals = "2.4.0"
[[cohort]]
cohort = "baseline"
column = "service_version"
equals = "2.3.9"
[[zone]]
name = "cluster"
cidrs = ["10.0.0.0/8"]
kind = "internal"
"""
_ID = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
_NUMBER = re.compile(r"\{n(?::(0\d))?\}")
_NULL = {"null": True}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went; the message is empty where it passed."""

    __test__: ClassVar[bool] = False  # pytest: this is no test class

    name: str
    passed: bool
    message: str = ""


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[test]]`."""

    name: str
    kind: Kind
    expect: list[Row]
    rows: dict[str, list[Row]]
    config: str = DEFAULT_CONFIG
    more_config: str = ""
    findings: list[Row] | None = None
    state: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    test: list[Case] = field(default_factory=list)


def run_tests(detector: Detector) -> Iterator[TestResult]:
    """Run the tests beside a detector; one without tests, or with a broken file, yields one failed result."""
    try:
        cases = cases_of(detector)
    except DetectorError as error:
        yield TestResult("test file", passed=False, message=error.message)
        return
    for case in cases:
        message = run_case(detector, case)
        yield TestResult(f"{case.name} ({case.kind})", not message, message)


def cases_of(detector: Detector) -> list[Case]:
    """Return the tests beside a detector.

    Raises:
        DetectorError: there are none, or the file breaks the format.

    """
    title, text = _text_beside(detector)
    location = Location(Path(title))
    try:
        cases = msgspec.convert(tomllib.loads(text), _File).test
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DetectorError(f"{title} is not a valid test file: {error}.", location=location) from error
    if not cases:
        raise DetectorError(f"{title} holds no [[test]].", hint="docs/detectors.md shows one.", location=location)
    for case in cases:
        _check(case, location)
    return cases


def _text_beside(detector: Detector) -> tuple[str, str]:
    """Find the tests beside the file that was loaded: a user's detector of a built-in id brings its own."""
    stem = detector.id.rpartition(".")[2]
    built_in = tree("queries") / detector.family / f"{stem}.sql"
    own = Path(detector.file).with_suffix(".test.toml")
    is_built_in = built_in.is_file() and built_in.read_text(encoding="utf-8") == detector.text
    beside = tree("queries") / detector.family / f"{stem}.test.toml" if is_built_in else own
    if not beside.is_file():
        raise DetectorError(
            f"{own} is missing: a detector without tests is not trusted.",
            hint="canary-forensics detectors new writes one.",
        )
    try:
        return str(own), beside.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DetectorError(f"{own} is not UTF-8.") from error


def _check(case: Case, location: Location) -> None:
    """Refuse tables and columns that do not exist: a typing error would make a test pass for nothing."""
    for table, rows in case.rows.items():
        if table not in TABLES:
            raise DetectorError(f"{location}: test `{case.name}` fills {table}, which is no table.", location=location)
        unknown = sorted({key for row in rows for key in row} - {*TABLES[table].types, "repeat"})
        if unknown:
            raise DetectorError(
                f"{location}: test `{case.name}` fills {table} columns that do not exist: {', '.join(unknown)}.",
                location=location,
            )


def run_case(detector: Detector, case: Case) -> str:
    """Run one test; return what is wrong, or an empty string."""
    try:
        config = parse(case.config + "\n" + case.more_config).config
        with closing(open_memory(1)) as sandbox:
            fill(sandbox, config, case.rows, detector.query)
            return _judge(sandbox, detector, case, config)
    except ForensicsError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - rows that the engine refuses are this test's failure, not the end of the run
        return f"{type(error).__name__}: {error}"


def fill(sandbox: Sandbox, config: Config, rows: Mapping[str, list[Row]], query: str | None = None) -> None:
    """Make the tables of a case from rows as a test gives them, and the views, or those that `query` needs; then lock the sandbox."""
    views.load_rows(sandbox, {table: expanded(given) for table, given in rows.items()})
    views.derive(sandbox, config, [], query=query)
    lock(sandbox)


def expanded(rows: list[Row]) -> Iterator[Row]:
    """Yield rows with `repeat`, `{n}` and `{long}` resolved."""
    for row in rows:
        plain = {key: value for key, value in row.items() if key != "repeat"}
        for number in range(1, row.get("repeat", 1) + 1):
            copy: Row = {key: _filled(value, number) for key, value in plain.items()}
            if "record_no" in plain:
                copy["record_no"] = plain["record_no"] + number - 1
            yield copy


def _filled(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return _NUMBER.sub(lambda match: format(number, match[1] or ""), value).replace("{long}", LONG)
    if isinstance(value, list):
        return [_filled(item, number) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, number) for key, item in value.items()}
    return value


def _judge(sandbox: Sandbox, detector: Detector, case: Case, config: Config) -> str:
    rows = sandbox.select(detector.sql, detector.parameters or None)
    problem = difference(rows, case.expect, "row")
    if problem or (case.findings is None and not case.state):
        return problem
    outcome = run(sandbox, detector, Context(config, DAY))
    if case.state and outcome.state.state != case.state:
        return f"state is {outcome.state.state} ({outcome.state.reason}), expected {case.state}"
    return (
        difference(msgspec.to_builtins(outcome.findings), case.findings, "finding") if case.findings is not None else ""
    )


def difference(found: list[Row], expected: list[Row], noun: str) -> str:
    """Say where `found` differs from the columns named in `expected`; empty where it does not."""
    for index, wanted in enumerate(expected[: len(found)], 1):
        for key, value in wanted.items():
            if key not in found[index - 1]:
                return f"{noun} {index} has no {key}"
            if not _same(found[index - 1][key], value):
                return f"{noun} {index}: {key} is {_shown(found[index - 1][key])}, expected {_shown(value)}"
    if len(found) != len(expected):
        return f"{len(found)} {noun}s, expected {len(expected)}: {_shown(found)}"
    return ""


def _same(found: Any, wanted: Any) -> bool:
    """Compare; objects by the keys that are expected, floats to nine digits, times as ISO 8601 text."""
    if wanted == _NULL:
        return found is None
    if isinstance(found, datetime) and isinstance(wanted, str):
        return moment(found) == wanted
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(key in found and _same(found[key], value) for key, value in wanted.items())
    if isinstance(found, list | tuple) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    if isinstance(found, float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == _filled(wanted, 1))


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 600 else f"{text[:600]}... ({len(text):,} characters)"


def start(detector_id: str, folder: Path) -> list[Path]:
    """Write a detector that runs, and its tests, to be filled in; return both paths.

    Raises:
        DetectorError: the id is not FAMILY.NAME, or a file is there already.

    """
    match = _ID.fullmatch(detector_id)
    if not match or match[1] in FAMILIES_NOT_DETECTORS:
        raise DetectorError(
            f"`{detector_id}` is no detector id.",
            hint="An id is family.name: lower-case letters, digits and _, as in outbound.new_port.",
        )
    family, stem = match.groups()
    paths = {suffix: folder / family / f"{stem}{suffix}" for suffix in (".sql", ".test.toml")}
    for path in paths.values():
        if path.exists() or path.is_symlink():
            raise DetectorError(f"{path} is there already.", hint="Choose another name.", location=Location(path))
    (folder / family).mkdir(parents=True, exist_ok=True)
    for suffix, path in paths.items():
        path.write_text(
            (files("forensics.detectors") / "template" / f"detector{suffix}").read_text(encoding="utf-8"),
            encoding="utf-8",
        )
    return list(paths.values())
