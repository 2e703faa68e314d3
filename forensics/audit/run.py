"""One audit: every service by itself, what goes wrong with one does not stop the others; one record, one exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forensics import gate
from forensics.audit import history, statement
from forensics.audit.config import AuditConfig, Service
from forensics.audit.history import Record, ServiceRecord
from forensics.audit.junit import junit
from forensics.audit.overview import overview
from forensics.audit.rollouts import Judged, Rollout, judge, rollouts
from forensics.case import write_bytes
from forensics.errors import ForensicsError
from forensics.findings import level
from forensics.review import Options
from forensics.text import plural, safe_text


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit made: its record, all records up to it, the rollouts judged by service."""

    record: Record
    records: list[Record]
    judged: dict[str, list[Judged]]


def run(config: AuditConfig, as_of: str, options: Options) -> Audit:
    """Audit all services and record it.

    Raises:
        UsageError: a later audit is recorded. CaseError: another audit runs, or the state folder cannot be written.
        IntegrityError: the record of audits was changed.

    """
    with history.locked(config.state):
        earlier = history.before(history.read(config.state), as_of)
        judged: dict[str, list[Judged]] = {}
        services = []
        for service in config.services:
            known = history.memory(earlier, service.name)
            said, judged[service.name] = _service(config, service, known, as_of, options)
            services.append(said)
        record = Record(as_of, gate.worst(item.exit_code for item in services), services)
        history.append(config.state, record)
    return Audit(record, [*earlier, record], judged)


def write(config: AuditConfig, audit: Audit) -> None:
    """Write overview.html and junit.xml into the state folder; raises `CaseError`."""
    write_bytes(config.state / "overview.html", overview(config, audit.records).encode())
    write_bytes(config.state / "junit.xml", junit(audit.record, audit.judged, config.fail_on))


def _service(
    config: AuditConfig, service: Service, memory: statement.Memory, as_of: str, options: Options
) -> tuple[ServiceRecord, list[Judged]]:
    """Return what is said of a service, and its rollouts that were judged on something new."""
    troubles: list[tuple[int, str]] = []
    found: list[Rollout] = []
    try:
        found, others = rollouts(service.drop)
        troubles += [(gate.EVIDENCE, other) for other in others]
    except ForensicsError as error:
        troubles.append((gate.EVIDENCE, error.message))
    every = [item for rollout in found if (item := _judge(rollout, config.home(service), options, troubles))]
    now = statement.changed(every, memory)
    said = statement.state(now, memory, as_of)
    failed = any(code != gate.EVIDENCE for code, _ in troubles)
    if not (failed or any(statement.has_new_evidence(item, memory) for item in now)):
        troubles.append((gate.EVIDENCE, "no evidence arrived"))
    troubles += _reasons(config, now)
    troubles += _expired(every, as_of)
    record = ServiceRecord(
        name=service.name,
        exit_code=gate.worst(code for code, _ in troubles),
        reasons=[reason for _, reason in troubles],
        changes=said.changes,
        rollouts={item.name: item.verdict for item in now},
        memory=said.memory if said.memory != memory else None,
    )
    return record, now


def _judge(rollout: Rollout, home: Path, options: Options, troubles: list[tuple[int, str]]) -> Judged | None:
    try:
        return judge(rollout, home, options)
    except ForensicsError as error:
        place = f" [{error.location}]" if error.location else ""
        troubles.append((error.exit_code, safe_text(f"{rollout.name}: {error.message}{place}")))
    except Exception as error:  # a defect met in one service must not cost the others their audit; it is exit 5
        if os.environ.get("CANARY_DEBUG"):
            raise
        told = f"a defect of canary-forensics stopped it: {type(error).__name__}: {safe_text(error, 200)}"
        troubles.append((gate.INTERNAL, f"{rollout.name}: {told}"))
    return None


def _reasons(config: AuditConfig, judged: Sequence[Judged]) -> list[tuple[int, str]]:
    """Return exit codes with their reasons for rollouts that were judged now."""
    told: list[tuple[int, str]] = []
    for item in judged:
        gated = [finding for finding in item.findings if level(finding.severity) >= level(config.fail_on)]
        if gated:
            told.append((gate.FINDINGS, f"{item.name}: {plural(len(gated), 'finding')} at {config.fail_on} or above"))
        told += [(gate.EVIDENCE, f"{item.name}: {sentence}") for sentence in item.damaged]
        if item.verdict == "inconclusive":
            told.append((gate.EVIDENCE, f"{item.name}: inconclusive: {item.reason}"))
    return told


def _expired(judged: Sequence[Judged], as_of: str) -> list[tuple[int, str]]:
    """Suppressions of the newest rollout that have expired on the day of the audit: whoever accepted the finding must decide again."""
    newest = max(judged, key=lambda item: (item.start, item.name), default=None)
    day = history.when(as_of).date()
    rules = newest.expiring.items() if newest else ()
    return [
        (gate.FINDINGS, f"the suppression of {rule} expired on {expires}")
        for rule, expires in rules
        if date.fromisoformat(expires) < day
    ]
