"""A detector is one .sql file: TOML front matter in its leading block comment, then exactly one SELECT."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from forensics.errors import DetectorError, Location, QueryError
from forensics.findings import Confidence, Severity
from forensics.resources import tree, walk
from forensics.schema import TABLES
from forensics.selects import parameters_of, require_select

Compare = Literal["new_in_canary", "rate_up", "rate_down", "changed", "presence"]
FAMILIES_NOT_DETECTORS = ("macros", "views", "patterns", "lists")
COUNTS = ("canary_n", "canary_total", "baseline_n", "baseline_total", "prior_n")
MAX_FILE = 1_000_000  # bytes; a detector is a small text
MAX_WORDS = 5000  # characters of one text of the front matter
_ID = re.compile(r"[a-z][a-z0-9_]*")
_PARTS = re.compile(r"\A\s*/\*(.*?)\*/(.*)\Z", re.DOTALL)


class Needs(Struct, frozen=True, forbid_unknown_fields=True):
    """Below this the state is `not_evaluated`; rows are counted on the first table.

    With `bodies` only responses count whose body could be searched: others show nothing, whatever they held. With `either`, one of the tables is
    enough, and the rows of all are counted. With fewer canary rows than `clean_rows` what is found counts, and nothing found does not mean clean.
    `known` names views `known_...` (queries/views/65_known.sql): what the case must know besides. `shown` names views `shown_...`: what a canary
    record must show before nothing found means clean; what is found without it counts all the same.
    """

    tables: list[str]
    bodies: bool = False
    either: bool = False
    canary_rows: int = 1
    clean_rows: int = 0
    baseline_rows: int = 1
    known: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    @property
    def counted(self) -> list[str]:
        """The tables whose rows are counted."""
        return self.tables if self.either else self.tables[:1]


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """How strong a difference of rates must be: q-value at most, difference of shares at least."""

    max_q: float = 0.05
    min_difference: float = 0.05


class Front(Struct, frozen=True, forbid_unknown_fields=True):
    """The front matter."""

    title: str
    severity: Severity
    confidence: Confidence
    compare: Compare
    unit: Literal["user", "session", "client", "pod", "connection", "request", "record", "component"]
    why: str
    recommendation: str
    false_positives: list[str]
    references: list[str]
    personal_data: bool
    gdpr: list[str]
    fingerprint: list[str]
    needs: Needs
    pre_existing: Severity = "low"
    params: dict[str, Any] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True)
class Detector:
    """A loaded detector; `id` is folder and file name."""

    id: str
    family: str
    front: Front
    sql: str
    text: str
    file: str

    @property
    def version_hash(self) -> str:
        """Hash of the whole file: SQL, parameters and words."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def query(self) -> str:
        """What names the views that a run needs."""
        needs = self.front.needs
        return " ".join(
            [self.sql, *(f"known_{what}" for what in needs.known), *(f"shown_{what}" for what in needs.shown)]
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """Bound parameters."""
        return dict(self.front.params)


def parse(text: str, family: str, stem: str, file: str) -> Detector:
    """Return the detector in `text`.

    Raises:
        DetectorError: the front matter is missing or wrong, the SQL is not one SELECT, or its parameters are not those declared.

    """
    location = Location(Path(file))
    parts = _PARTS.match(text)
    if not parts:
        raise DetectorError(
            "A detector begins with a /* ... */ comment that holds TOML.",
            hint="See docs/detectors.md.",
            location=location,
        )
    try:
        front = msgspec.convert(tomllib.loads(parts[1]), Front)
    except tomllib.TOMLDecodeError as error:
        raise DetectorError(f"The front matter is not valid TOML: {error}.", location=location) from error
    except msgspec.ValidationError as error:
        raise DetectorError(
            f"The front matter is wrong: {error}.", hint="docs/detectors.md lists the keys.", location=location
        ) from error
    except (ValueError, RecursionError) as error:
        raise DetectorError(
            "The front matter holds a number or a nesting that is too large.", location=location
        ) from error
    detector = Detector(f"{family}.{stem}", family, front, parts[2].strip(), text, file)
    _check(detector, location)
    return detector


def _check(detector: Detector, location: Location) -> None:
    try:
        require_select(detector.sql)
    except QueryError as error:
        raise DetectorError(error.message, hint="A detector is exactly one SELECT.", location=location) from error
    if (
        len(msgspec.json.encode(msgspec.structs.replace(detector.front, params={}))) > 8 * MAX_WORDS
        or len(detector.front.title) > 300
    ):
        raise DetectorError(
            "The texts of the front matter are too long.",
            hint=f"A title has at most 300 characters, all together {8 * MAX_WORDS:,}.",
            location=location,
        )
    used, declared = parameters_of(detector.sql), set(detector.front.params)
    if used != declared:
        odd = ", ".join(sorted(used ^ declared))
        raise DetectorError(f"Parameters in the SQL and in [params] differ: {odd}.", location=location)
    unknown = [table for table in detector.front.needs.tables if table not in TABLES]
    if unknown or not detector.front.needs.tables:
        raise DetectorError(
            f"[needs] tables must name tables; not known: {', '.join(unknown) or 'none given'}.", location=location
        )


def load(folders: Sequence[Path] = ()) -> list[Detector]:
    """Return the built-in detectors and those below `folders`, sorted by id; a user's detector replaces a built-in one of the same id.

    Raises:
        DetectorError: a file breaks the contract, or a folder does not exist.

    """
    found = {detector.id: detector for detector in _built_in()}
    for folder in folders:
        if not folder.is_dir():
            raise DetectorError(
                f"{folder} is not a folder.", hint="--queries names a folder with <family>/<name>.sql files."
            )
        for path in sorted(folder.glob("*/*.sql")):
            if path.parent.name not in FAMILIES_NOT_DETECTORS:
                detector = parse(_read(path, folder), path.parent.name, path.stem, str(path))
                found[detector.id] = detector
    return [found[key] for key in sorted(found)]


def _read(path: Path, folder: Path) -> str:
    """Return the text of a detector of the user: a plain file of that folder, of a moderate size, with a plain name."""
    if not (_ID.fullmatch(path.stem) and _ID.fullmatch(path.parent.name)):
        raise DetectorError(
            f"{path} is no detector id: family and name are of a-z, 0-9 and _.", hint="Rename the file."
        )
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise DetectorError(f"{path} is no plain file of this folder.", hint="Links may not lead out of the pack.")
    if path.stat().st_size > MAX_FILE:
        raise DetectorError(f"{path} is larger than {MAX_FILE:,} bytes.", hint="A detector is a small text.")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DetectorError(
            f"{path} cannot be read as UTF-8 text.", hint="A detector is a text file.", location=Location(path)
        ) from error


@cache
def _built_in() -> tuple[Detector, ...]:
    return tuple(_shipped())


def _shipped() -> Iterator[Detector]:
    for path, file in walk(tree("queries"), ".sql"):
        family, _, title = path.partition("/")
        if title and family not in FAMILIES_NOT_DETECTORS:
            yield parse(file.read_text(encoding="utf-8"), family, title.removesuffix(".sql"), f"queries/{path}")


def by_id(detectors: Sequence[Detector], wanted: str) -> Detector:
    """Return one detector.

    Raises:
        DetectorError: there is none of this id; the nearest is named.

    """
    import difflib

    for detector in detectors:
        if detector.id == wanted:
            return detector
    near = difflib.get_close_matches(wanted, [detector.id for detector in detectors], 1, 0.4)
    advice = f"Did you mean {near[0]}?" if near else "canary-forensics detectors list shows all."
    raise DetectorError(f"There is no detector `{wanted}`.", hint=advice)
