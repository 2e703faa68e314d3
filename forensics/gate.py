"""Exit codes: one place that turns a result into a number.

0 done, 1 findings at or above the gate, 2 usage or configuration, 3 evidence damaged or inconclusive, 4 integrity failed, 5 internal error.
Of several the first of 5, 4, 2, 1, 3, 0 counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from forensics.case import LedgerEntry
from forensics.findings import Finding, Result, level
from forensics.text import listing

DONE, FINDINGS, USAGE, EVIDENCE, INTEGRITY, INTERNAL = 0, 1, 2, 3, 4, 5
_PRECEDENCE = (INTERNAL, INTEGRITY, USAGE, FINDINGS, EVIDENCE, DONE)


def worst(codes: Iterable[int]) -> int:
    """Return the exit code that counts of several; 0 of none."""
    return min(codes, key=_PRECEDENCE.index, default=DONE)


def gated(result: Result, fail_on: str) -> Iterator[Finding]:
    """Yield the active findings at or above a severity that the baseline does not show."""
    for item in result.findings:
        if item.status == "active" and item.novelty != "pre_existing" and level(item.severity) >= level(fail_on):
            yield item


def exit_code(result: Result, ledger: Sequence[LedgerEntry], fail_on: str | None, max_reject_share: float) -> int:
    """Return 1 for gated findings, 3 for damaged evidence or a gated inconclusive verdict, else 0; 1 goes before 3."""
    if fail_on is not None and any(gated(result, fail_on)):
        return FINDINGS
    if damaged(ledger, max_reject_share):
        return EVIDENCE
    return EVIDENCE if fail_on is not None and result.verdict.outcome == "inconclusive" else DONE


def damaged(ledger: Sequence[LedgerEntry], max_reject_share: float) -> list[str]:
    """Return a sentence for each file that is cut, unreadable, or has too many rejects."""
    told = (
        []
        if any(entry.status in ("ingested", "duplicate", "contained") for entry in ledger)
        else ["no file was recognised as evidence"]
    )
    told += _unread(ledger, "failed", "could not be read")
    told += _unread(ledger, "pending", "not read, since the ingest was interrupted: run the same command again")
    for entry in ledger:
        if entry.status in ("failed", "pending", "replaced", "contained"):
            continue
        if entry.truncated and entry.status == "archive":
            told.append(f"{entry.name}: {entry.truncated}")
        elif entry.truncated:
            told.append(f"{entry.name} is damaged or cut; {entry.accepted:,} records were kept")
        elif entry.rejected > max_reject_share * max(entry.records, 1):
            told.append(f"{entry.name}: {entry.rejected:,} of {entry.records:,} records could not be parsed")
    return told


def _unread(ledger: Sequence[LedgerEntry], status: str, what: str) -> list[str]:
    """Return a sentence for each reason: a hundred thousand files that share one are told once."""
    reasons: dict[str, list[str]] = {}
    for entry in ledger:
        if entry.status == status:
            reasons.setdefault(entry.note, []).append(entry.name)
    return [f"{listing(names)} {what}: {note}" for note, names in reasons.items()]
