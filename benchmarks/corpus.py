"""The labelled corpus: responses of which a person said whether a class of patterns has something to find in them.

`tests/corpus/<class>.toml` is a list of `[[case]]` with `label` ("positive" or "negative"), `content_type`, `body` (or `headers`, a list of
[name, value]) and `note`; `countries` is what canary.toml says
in `[privacy]`. A positive is right if a pattern of the class is found, a negative if none is. Placeholders such as `{{hex:32}}` are
filled from the class and the number of the case, so that no text in this repository looks like a secret.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from forensics.scan import Match, scan_text, scanner_for

FOLDER = Path(__file__).parent.parent / "tests" / "corpus"
_PLACEHOLDER = re.compile(r"\{\{([a-z0-9_]+):(\d+)\}\}")
_UPPER, _LOWER, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
_ALPHABETS = {
    "hex": _DIGITS + "abcdef",
    "base62": _DIGITS + _UPPER + _LOWER,
    "base64": _UPPER + _LOWER + _DIGITS + "+/",
    "base64url": _UPPER + _LOWER + _DIGITS + "-_",
    "digits": _DIGITS,
    "upper": _UPPER,
    "lower": _LOWER,
    "upper_alnum": _UPPER + _DIGITS,
    "alnum": _DIGITS + _UPPER + _LOWER,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One response and what a person said of it."""

    pattern_class: str
    number: int
    positive: bool
    content_type: str | None
    body: str
    headers: tuple[tuple[str, str], ...]
    countries: tuple[str, ...]
    note: str


def cases(folder: Path = FOLDER) -> Iterator[Case]:
    """Yield the cases by class and number, placeholders filled.

    Raises:
        KeyError, ValueError: a case lacks a key, or has an unknown label or placeholder.

    """
    for path in sorted(folder.glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
        for number, entry in enumerate(entries, 1):
            yield _case(path.stem, number, entry)


def _case(name: str, number: int, entry: dict[str, object]) -> Case:
    label: Literal["positive", "negative"] | object = entry["label"]
    if label not in ("positive", "negative"):
        raise ValueError(f"{name} {number}: the label is {label}; it should be positive or negative.")
    random = Random(f"{name} {number}")
    headers = entry.get("headers", [])
    assert isinstance(headers, list)
    return Case(
        name,
        number,
        label == "positive",
        str(entry["content_type"]) if entry.get("content_type") else None,
        fill(str(entry.get("body", "")), random),
        tuple((str(key), fill(str(value), random)) for key, value in headers),
        _strings(entry, "countries"),
        str(entry["note"]),
    )


def _strings(entry: dict[str, object], key: str) -> tuple[str, ...]:
    values = entry.get(key, [])
    assert isinstance(values, list)
    return tuple(map(str, values))


def fill(text: str, random: Random) -> str:
    """Put random characters in for the placeholders; raises `KeyError` for an alphabet that does not exist."""
    return _PLACEHOLDER.sub(lambda found: "".join(random.choices(_ALPHABETS[found[1]], k=int(found[2]))), text)


def found(case: Case) -> list[Match]:
    """Return what the patterns of the case's class find in it."""
    scanner = scanner_for(case.countries)
    matches = scan_text(scanner, case.body, case.content_type, "body")
    for name, value in case.headers:
        matches += scan_text(scanner, value, None, "header", name.strip().lower())
    return [match for match in matches if match.pattern_class == case.pattern_class]
