"""The main job: evidence in, findings, results and report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from forensics import __version__, findings, ingest, verdict, views
from forensics.case import Case, LedgerEntry, create, exclusive, open_case
from forensics.config import FILE_NAME, Config, Loaded, empty, load
from forensics.detectors import Context as DetectContext
from forensics.detectors import Detector, expired, group, run, with_changed_components, with_corroboration
from forensics.detectors import load as load_detectors
from forensics.errors import UsageError
from forensics.findings import SCHEMA_VERSION, Finding, Result, canonical, level, moment
from forensics.replay.keep import check_policies, keep_policies
from forensics.results import Context as ResultContext
from forensics.results import build_all, material
from forensics.scan import load_patterns, packs_in
from forensics.store import QUERY_SECONDS, Sandbox

_PUBLIC = ("id", "name", "member", "continues", "first_record", "format", "observer", "status", "size", "sha256", "content_sha256", "compression", "records", "accepted", "rejected", "skipped",
           "salvaged", "duplicate_keys", "unmapped_keys", "rows", "first_time", "last_time", "time_rule", "note", "truncated", "duplicate_of",
           "may_hold_records")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """How to detect: user folders of detectors, detectors to run or to leave out, threads, seconds one detector may take."""

    queries: Sequence[Path] = ()
    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    threads: int | None = None
    seconds: float = QUERY_SECONDS
    ingest: ingest.Options = field(default_factory=ingest.Options)


def review(
    paths: Sequence[Path],
    config: Path | None,
    folder: Path | None,
    options: Options,
    watcher: ingest.Watcher | None = None,
) -> tuple[Case, Result]:
    """Make a case of the evidence, run the detectors, write findings, results and report.

    Raises:
        ForensicsError: see `ingest`, `load`, `create`; a case that holds other evidence is not touched.

    """
    loaded = find_config(paths, config)
    ignore = [*options.ingest.ignore, *loaded.config.ingest.ignore]
    chosen = replace(
        options.ingest, ignore=ignore, threads=options.threads, fresh=True, packs=packs_in(options.queries)
    )
    views.check_databases(loaded)
    check_policies(loaded)
    packs = packs_in(options.queries)
    if packs:
        load_patterns(packs)  # a broken one is told before a folder is made for nothing
    ingest.find(paths, chosen.ignore)  # before a folder is made for nothing
    case = create(folder or Path(f"{_case_name(paths)}.case"))
    with exclusive(case):
        sources = ingest.sources_of(case, paths, chosen.ignore)
        _require_same(case, {source.location for source in sources})
        case.write_config(loaded)
        views.keep_databases(case, loaded)
        keep_policies(case, loaded)
        ingest.load(case, sources, chosen, watcher)
        result = detect(case, options)
        write_report(case, result)
    return case, result


def find_config(paths: Sequence[Path], given: Path | None) -> Loaded:
    """Return the configuration named, or the canary.toml of the first folder, or an empty one."""
    if given is not None:
        return load(given)
    for path in paths:
        if (path / FILE_NAME).is_file():
            return load(path / FILE_NAME)
    return empty()


def _case_name(paths: Sequence[Path]) -> str:
    first = paths[0].resolve()
    return first.name if first.is_dir() else first.name.split(".")[0] or "case"


def _require_same(case: Case, wanted: set[str]) -> None:
    """Refuse a case that holds other evidence."""
    ledger = case.ledger()
    if ledger and {entry.path for entry in ledger} != wanted:
        raise UsageError(
            f"{case.folder} holds other evidence.",
            hint="Name another case with --case, or add to it with: canary-forensics ingest.",
        )


def detect(case: Case, options: Options) -> Result:
    """Run detectors over the case's views and write findings.json and results/; no evidence is read."""
    config, detectors = case.config().config, _chosen(load_detectors(options.queries), options)
    ledger = case.ledger()
    case.require_tables()
    with views.opened(case, options.threads) as sandbox:
        result = _judge(case, _context(config, ledger, options), detectors, ledger, sandbox)
        results = build_all(ResultContext(case, config, sandbox, result, detectors))
    result = msgspec.structs.replace(
        result, verdict=verdict.with_table(result.verdict, results["stable_canary"]["rows"])
    )
    files = {case.findings.name: canonical(result)}
    files |= {f"{case.results.name}/{name}.json": canonical(content) for name, content in results.items()}
    case.commit("detect", files, findings=len(result.findings), verdict=result.verdict.outcome)
    return result


def judge(case: Case, options: Options) -> Result:
    """Return what the detectors find now in the case's tables; nothing is written. Raises like `detect`."""
    detectors, ledger = _chosen(load_detectors(options.queries), options), case.ledger()
    case.require_tables()
    with views.opened(case, options.threads) as sandbox:
        return _judge(case, _context(case.config().config, ledger, options), detectors, ledger, sandbox)


def _chosen(detectors: list[Detector], options: Options) -> list[Detector]:
    from difflib import get_close_matches
    from fnmatch import fnmatchcase

    def matches(detector: Detector, globs: Sequence[str]) -> bool:
        return any(fnmatchcase(detector.id, glob) for glob in globs)

    unknown = [
        glob for glob in [*options.only, *options.skip] if not any(matches(detector, [glob]) for detector in detectors)
    ]
    if unknown:
        near = get_close_matches(unknown[0], [detector.id for detector in detectors], 1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"No detector matches {', '.join(unknown)}.", hint=f"{meant}canary-forensics detectors list shows all."
        )
    return [
        item
        for item in detectors
        if (not options.only or matches(item, options.only)) and not matches(item, options.skip)
    ]


def _judge(
    case: Case, context: DetectContext, detectors: list[Detector], ledger: list[LedgerEntry], sandbox: Sandbox
) -> Result:
    config = context.config
    outcomes = [run(sandbox, detector, context) for detector in detectors]
    states = [outcome.state for outcome in outcomes]
    ordered = sorted((item for outcome in outcomes for item in outcome.findings), key=_order)
    found = with_corroboration(with_changed_components(ordered))
    incidents = group(found)
    evidence = [_public(entry) for entry in ledger]
    grade = verdict.coverage(sandbox, config, states, evidence)
    return Result(
        schema_version=SCHEMA_VERSION,
        tool={"name": "canary-forensics", "version": __version__},
        case=_about(case, config, sandbox, ledger, expired(config, context.as_of)),
        verdict=verdict.decide(config, grade, states, found, incidents),
        coverage=grade,
        evidence=evidence,
        detectors=states,
        incidents=incidents,
        findings=found,
    )


def _context(config: Config, ledger: list[LedgerEntry], options: Options) -> DetectContext:
    return DetectContext(config, _as_of(config, ledger), options.seconds)


def _order(finding: Finding) -> tuple[int, str, str]:
    return -level(finding.severity), finding.detector, finding.id


def _as_of(config: Config, ledger: list[LedgerEntry]) -> date:
    """Return the day on which suppressions are judged: the end of the window, else of the evidence; never the clock."""
    if config.window.end:
        return config.window.end.date()
    last = max((entry.last_time for entry in ledger if entry.last_time), default="")
    return date.fromisoformat(last[:10]) if last else date(1970, 1, 1)


def _public(entry: LedgerEntry) -> dict[str, Any]:
    full = msgspec.structs.asdict(entry)
    return {key: full[key] for key in _PUBLIC}


def _about(
    case: Case, config: Config, sandbox: Sandbox, ledger: list[LedgerEntry], expired_rules: list[str]
) -> dict[str, Any]:
    phases = sandbox.rows("select phase, start_time, end_time, weight, source from dims.phases order by position")
    first = min(
        (entry.first_time for entry in ledger if entry.first_time and "http_requests" in entry.rows), default=""
    )
    last = max((entry.last_time for entry in ledger if entry.last_time and "http_requests" in entry.rows), default="")
    window = config.window
    return {
        "name": case.name,
        "service": config.release.service,
        "canary_version": config.release.canary_version,
        "baseline_version": config.release.baseline_version,
        "window": {"start": _iso(window.start) or first, "end": _iso(window.end) or last},
        "rollback_at": _iso(window.rollback_at),
        "outcome": window.outcome,
        "config_sha256": case.config().sha256,
        "enrichment_sha256": views.digests_of(case),
        "phases": [
            {"name": name, "start": moment(start), "end": moment(end), "weight": weight}
            for name, start, end, weight, _ in phases
        ],
        "phases_from": phases[0][4] if phases else "none",
        "expired_suppressions": expired_rules,
    }


def _iso(value: Any) -> str:
    from forensics.cohort import utc

    return moment(utc(value)) if value else ""


def write_report(case: Case, result: Result) -> Path:
    """Render reports/report.html from findings.json and results/; return its path."""
    from forensics.report import render_html

    path = case.reports / "report.html"
    page = render_html(*material(case)).encode()
    case.commit(
        "report", {path.relative_to(case.folder).as_posix(): page}, format="html", verdict=result.verdict.outcome
    )
    return path


__all__ = ["Options", "detect", "find_config", "findings", "judge", "material", "open_case", "review", "write_report"]
