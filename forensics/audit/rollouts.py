"""Rollouts in drop folders, and the case that each becomes. What was judged before is remembered beside the case."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from forensics import __version__, findings, gate, ingest, views
from forensics.case import Case, LedgerEntry, create, exclusive, file_sha256, write_bytes
from forensics.config import FILE_NAME, load
from forensics.errors import EvidenceError, IntegrityError, Location
from forensics.evidence import SPECIAL, discover, printable
from forensics.findings import Result
from forensics.investigate.status import inspect
from forensics.replay.keep import keep_policies
from forensics.review import Options, detect, write_report

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Rollout:
    """One subfolder of a drop folder that has a canary.toml."""

    name: str
    folder: Path


class Finding(msgspec.Struct, frozen=True):
    """What an audit remembers of a finding; `first_seen` only of outbound ones."""

    id: str
    detector: str
    severity: str
    title: str
    first_seen: str = ""


class Judged(msgspec.Struct, frozen=True):
    """One rollout as it was judged: what it was judged on, the verdict, findings, and which detectors could speak.

    `is_whole` is False where a file could not be read: then it is tried again. `files` tells whether a file in the folder changed (names, sizes, times), `evidence` whether what was read did (hashes of contents, and what
    could not be read).
    """

    name: str
    tool: str
    files: str
    evidence: str
    config: str
    start: str
    verdict: str
    reason: str
    grade: str
    damaged: list[str]
    is_whole: bool
    findings: list[Finding]
    suppressed: list[str]
    detectors: dict[str, str]
    expiring: dict[str, str]

    @property
    def spoke(self) -> set[str]:
        """Detectors that could judge."""
        return {name for name, state in self.detectors.items() if state in ("clean", "finding")}


def rollouts(drop: Path) -> tuple[list[Rollout], list[str]]:
    """Return the rollouts of a drop folder in name order, and a sentence for everything else that lies in it; hidden names are left out.

    Raises:
        EvidenceError: the folder cannot be read.

    """
    try:
        with os.scandir(drop) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        raise EvidenceError(
            f"The drop folder cannot be read: {error.strerror}.",
            hint="Check `drop` in the configuration.",
            location=Location(drop),
        ) from error
    seen = [entry for entry in entries if not entry.name.startswith(".")]
    found = [Rollout(printable(entry.name), Path(entry.path)) for entry in seen if not _why_not(entry)]
    return found, [f"{printable(entry.name)} {why} and was not judged" for entry in seen if (why := _why_not(entry))]


def _why_not(entry: os.DirEntry[str]) -> str:
    """Return why an entry of a drop folder is no rollout, empty where it is one."""
    if entry.is_symlink():
        return "is a link"
    if not entry.is_dir(follow_symlinks=False):
        return "lies beside the rollouts"
    config = Path(entry.path) / FILE_NAME
    if config.is_symlink():
        return f"has a link as {FILE_NAME}"
    return "" if config.is_file() else f"has no {FILE_NAME}"


def judge(rollout: Rollout, home: Path, options: Options) -> Judged:
    """Return the rollout as judged now: at once where nothing in its folder changed, else its case is made or extended and reviewed.

    `home` is the folder of the service's cases. Evidence is copied into the case: a drop folder is emptied one day.

    Raises:
        ForensicsError: the configuration is not valid, there is no evidence, the case cannot be used or was changed.

    """
    remembered = _remembered(_path(rollout, home, "json"))
    files, config = _fingerprint(rollout.folder), file_sha256(rollout.folder / FILE_NAME)
    asked = (__version__, files, config, True)
    folder = _path(rollout, home, "case")
    if folder.is_symlink():
        raise IntegrityError(f"{folder.name} is a link.", hint="Remove it: cases of an audit lie in its state folder.")
    if (
        remembered
        and (remembered.tool, remembered.files, remembered.config, remembered.is_whole) == asked
        and folder.is_dir()
    ):
        return remembered
    case = create(folder)
    with exclusive(case):
        _require_ours(case, rollout, remembered)
        result = _review(case, rollout, options)
        found = _judged(case, rollout.name, result, files, config)
    write_bytes(_path(rollout, home, "json"), msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    return found


def report_of(rollout: str, home: Path) -> Path:
    """Return where the report of a rollout lies."""
    return _path(Rollout(rollout, Path()), home, "case") / "reports" / "report.html"


def _review(case: Case, rollout: Rollout, options: Options) -> Result:
    loaded = load(rollout.folder / FILE_NAME)
    views.check_databases(loaded)
    case.write_config(loaded)
    views.keep_databases(case, loaded)
    keep_policies(case, loaded)
    sources = ingest.find([rollout.folder], loaded.config.ingest.ignore)
    ingest.load(case, sources, replace(options.ingest, copy=True))
    result = detect(case, options)
    write_report(case, result)
    return result


def _require_ours(case: Case, rollout: Rollout, remembered: Judged | None) -> None:
    """Refuse a case that was changed since it was judged, and one of other evidence that was put here."""
    ledger = case.ledger()
    if remembered and ledger and (problems := inspect(case).problems):
        raise IntegrityError(
            f"The case is not what was judged: {problems[0]}.",
            hint="Restore it, or remove it to judge the rollout anew.",
        )
    below = printable(str(rollout.folder.absolute())) + os.sep
    if not remembered and any(not entry.path.startswith(below) for entry in ledger):
        raise IntegrityError(
            "The case holds other evidence than the rollout.", hint="Remove it: the rollout is then judged anew."
        )


def _judged(case: Case, name: str, result: Result, files: str, config: str) -> Judged:
    settings, ledger = case.config().config, case.ledger()
    damaged = [*gate.damaged(ledger, settings.ingest.max_reject_share), *_left_out(ledger)]
    read = sorted(entry.content_sha256 for entry in ledger if entry.status == "ingested")
    return Judged(
        name=name,
        tool=__version__,
        files=files,
        evidence=hashlib.sha256("\n".join([*read, *damaged]).encode()).hexdigest() if read else "",
        config=config,
        start=result.case["window"]["start"],
        verdict=result.verdict.outcome,
        reason=result.verdict.reason,
        grade=result.coverage.grade,
        damaged=damaged,
        is_whole=all(entry.status not in ("failed", "pending") for entry in ledger),
        findings=[_short(item) for item in gate.gated(result, "low")],
        suppressed=[item.id for item in result.findings if item.status == "suppressed"],
        detectors={state.id: state.state for state in result.detectors},
        expiring={
            f"{rule.detector} ({rule.entity}), owner {rule.owner}": rule.expires.isoformat()
            for rule in settings.suppress
        },
    )


def _short(item: findings.Finding) -> Finding:
    return Finding(
        item.id, item.detector, item.severity, item.title, item.first_seen if item.family == "outbound" else ""
    )


def _left_out(ledger: Sequence[LedgerEntry]) -> list[str]:
    """Return a sentence for each link and special file: nobody chose to leave it out."""
    found = [entry for entry in ledger if entry.status == "ignored" and entry.note.startswith(SPECIAL)]
    return [f"{entry.name} was not read: {entry.note}" for entry in found]


def _remembered(path: Path) -> Judged | None:
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Judged)
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"{path.name} is not what this tool writes.",
            hint="Remove it: the rollout is then judged again.",
            location=Location(path),
        ) from error


def _path(rollout: Rollout, home: Path, kind: str) -> Path:
    """Return a path below `home`; a name that is not plain is told apart by its hash."""
    plain = _NAME.fullmatch(rollout.name)
    name = (
        rollout.name if plain else "x-" + hashlib.sha256(rollout.name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    )
    return home / f"{name}.{kind}"


def _fingerprint(folder: Path) -> str:
    """Return a hash over names, sizes and times of the files in a folder, without its canary.toml; nothing is read."""
    lines: list[Any] = [
        (source.name, *_stat(source.path))
        for source in discover([folder])
        if source.path != (folder / FILE_NAME).absolute()
    ]
    return hashlib.sha256(msgspec.json.encode(sorted(lines))).hexdigest()


def _stat(path: Path) -> Sequence[int]:
    info = path.lstat()
    return info.st_size, info.st_mtime_ns
