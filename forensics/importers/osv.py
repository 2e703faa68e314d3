"""OSV advisories that the user exported: one, a list, `{"vulns": [...]}`, or one a line.

Defined in ossf.github.io/osv-schema (1.x). osv.dev offers them by ecosystem; osv-scanner, GitHub and others write the same form. One row an affected package; ranges stay as they are and
are evaluated against the components of the bills of materials.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forensics.importers._values import items, mapping, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip

NAME = "osv"
TABLES = ("vulnerabilities",)
OBSERVER = "osv"
_WORDS = {"LOW": "low", "MODERATE": "medium", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical"}


def recognise(head: Head) -> int:
    """Certain where an object has the keys that the schema requires and its affected packages."""
    return (
        97
        if head.mentions(r'"id"\s*:', r'"modified"\s*:\s*"\d{4}-', r'"affected"\s*:\s*\[', r'"(ranges|versions)"\s*:')
        else 0
    )


def records(data: bytes) -> Iterator[Item]:
    """Yield one row an affected package; `record_no` is the advisory's place."""
    try:
        advisories = _advisories(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        yield Reject(1, f"not JSON: {type(error).__name__}", data)
        return
    for index, advisory in enumerate(advisories, 1):
        if text(mapping(advisory).get("id")) is None:
            yield Reject(
                index, "advisory without an id", json.dumps(advisory, default=str).encode("utf-8", "surrogatepass")
            )
        elif not items(advisory.get("affected")):
            yield Skip(index, "advisory names no package")
        else:
            yield from _rows(index, advisory)


def _advisories(content: str) -> list[Any]:
    """Return the advisories of one document, or of one document a line."""
    try:
        document = json.loads(content)
    except ValueError:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    if isinstance(document, list):
        return document
    inner = mapping(document).get("vulns")
    return inner if isinstance(inner, list) else [document]


def _rows(index: int, advisory: dict[str, Any]) -> Iterator[Row]:
    stamp = text(advisory.get("published")) or text(advisory.get("modified"))
    score, word = _severity(advisory)
    for affected in items(advisory.get("affected")):
        package = mapping(affected.get("package"))
        own_score, own_word = _severity(affected)
        versions = affected.get("versions")
        yield Row("vulnerabilities", index, {
            "observer": OBSERVER,
            "time": utc(text_time(stamp)),
            "time_raw": stamp,
            "vulnerability_id": text(advisory.get("id")),
            "aliases": [alias for alias in map(text, _list(advisory.get("aliases"))) if alias],
            "summary": text(advisory.get("summary")) or (text(advisory.get("details")) or "")[:500] or None,
            "severity": own_word or word,
            "severity_score": own_score if own_score is not None else score,
            "is_withdrawn": advisory.get("withdrawn") is not None,
            "package_ecosystem": text(package.get("ecosystem")),
            "package_name": text(package.get("name")),
            "package_purl": text(package.get("purl")),
            "affected_ranges": json.dumps(items(affected.get("ranges"))),
            "affected_versions": [version for version in map(text, _list(versions)) if version],
        })  # fmt: skip


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _severity(thing: dict[str, Any]) -> tuple[float | None, str | None]:
    """Return CVSS base score and word: the score where a vector of CVSS 3 is given, the word where the database says one."""
    vectors = [text(entry.get("score")) or "" for entry in items(thing.get("severity"))]
    score = next((found for found in map(base_score, vectors) if found is not None), None)
    given = text(mapping(thing.get("database_specific")).get("severity")) or text(
        mapping(thing.get("ecosystem_specific")).get("severity")
    )
    return score, _word(score) if score is not None else _WORDS.get((given or "").upper())


def _word(score: float) -> str:
    """Qualitative rating scale of the CVSS 3.1 specification, section 5."""
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"


_CVSS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def base_score(vector: str) -> float | None:
    """Return the base score of a CVSS 3.0 or 3.1 vector (first.org/cvss/v3.1/specification-document, section 7.1), else None."""
    if not vector.startswith("CVSS:3.") or len(vector) > 200:
        return None
    given = dict(part.split(":", 1) for part in vector.split("/")[1:] if ":" in part)
    try:
        value = {key: weights[given[key]] for key, weights in _CVSS.items()}
        scope = given["S"]
        privileges = _PRIVILEGES[scope][given["PR"]]
    except KeyError:
        return None
    loss = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 6.42 * loss if scope == "U" else 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15
    if impact <= 0:
        return 0.0
    ease = 8.22 * value["AV"] * value["AC"] * privileges * value["UI"]
    return _rounded_up(min(10.0, (impact + ease) * (1.0 if scope == "U" else 1.08)))


def _rounded_up(score: float) -> float:
    """Round up to one decimal as appendix A of the specification does, free of binary fractions."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
