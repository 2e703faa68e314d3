"""Check a case against what was recorded."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from forensics import custody
from forensics.case import LEDGER, Case, LedgerEntry, file_sha256, interrupted
from forensics.errors import EvidenceError, IntegrityError
from forensics.evidence import HashingReader
from forensics.investigate.show import located
from forensics.results import material
from forensics.text import plural, safe_text


@dataclass(slots=True)
class Status:
    """What was found; `problems` are sentences about what is not as recorded."""

    ledger: list[LedgerEntry]
    tables: str = ""
    custody: str = ""
    findings: str = ""
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain objects."""
        plain = {"tables": self.tables, "custody": self.custody, "findings": self.findings, "problems": self.problems}
        return {"evidence": msgspec.to_builtins(self.ledger), **plain}


def inspect(case: Case, *, evidence: bool = False) -> Status:
    """Check table hashes and the custody log, and with `evidence` the evidence files."""
    status = Status(case.ledger())
    _tables(case, status)
    _custody(case, status)
    _outputs(case, status)
    _findings(case, status)
    if evidence:
        _evidence(case, status)
    return status


def _tables(case: Case, status: Status) -> None:
    count = 0
    for entry in status.ledger:
        for table, digest in entry.table_sha256.items():
            path = case.tables / table / f"{entry.id}.parquet"
            count += 1
            if not path.exists():
                status.problems.append(f"table file {table}/{path.name} is missing")
            elif file_sha256(path) != digest:
                status.problems.append(f"table file {table}/{path.name} was changed")
    status.tables = f"{plural(count, 'table file')} checked by hash"


def _custody(case: Case, status: Status) -> None:
    for title in ("custody.jsonl", "access.jsonl", "annotations.jsonl"):
        try:
            chain = custody.verify(case.folder / title)
        except IntegrityError as error:
            status.problems.append(error.message)
        else:
            if title == "custody.jsonl":
                torn = ", the last line was not finished (interrupted)" if chain.torn else ""
                status.custody = f"{plural(chain.length, 'entry')}, chain whole, head {chain.head[:16]}{torn}"


def _outputs(case: Case, status: Status) -> None:
    """Compare findings, results, reports and configuration with the hashes that the custody log pins."""
    pinned = custody.pinned(case.folder / custody.FILE_NAME)
    made = [case.folder / LEDGER, case.findings, *sorted(case.results.glob("*.json"))]
    unknown = [path.relative_to(case.folder).as_posix() for path in made if path.is_file()]
    if not interrupted(case.folder):
        gone = "is not in the custody log, which was cut or replaced"
        status.problems += [f"{safe_text(name)} {gone}" for name in unknown if name not in pinned]
    for name, digest in pinned.items():
        path = case.folder / name
        if not path.is_file():
            status.problems.append(f"{safe_text(name)} is missing")
        elif file_sha256(path) != digest:
            status.problems.append(f"{safe_text(name)} was changed after it was written")


def _findings(case: Case, status: Status) -> None:
    if not case.findings.exists():
        status.findings = "none yet"
        return
    try:
        result = material(case)[0]
        status.findings = f"{plural(len(result['findings']), 'finding')}, verdict {result['verdict']['outcome']}, coverage grade {result['coverage']['grade']}"
    except (IntegrityError, KeyError, TypeError):
        status.findings = "damaged"


def _evidence(case: Case, status: Status) -> None:
    """Compare the evidence, or as much of it as was ingested: a file may have grown since."""
    for entry in status.ledger:
        if entry.sha256 and entry.status != "replaced":
            try:
                with located(case, entry) as path:
                    changed = not _is_same(path, entry)
            except EvidenceError as error:
                status.problems.append(safe_text(error.message))
                continue
            if changed:
                status.problems.append(f"evidence {safe_text(entry.name)} is not what was ingested")


def _is_same(path: Path, entry: LedgerEntry) -> bool:
    with closing(HashingReader(path, size=entry.size)) as reader:
        return reader.identity().sha256 == entry.sha256
