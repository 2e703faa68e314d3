"""`policy lint`: one file a rule (`l01_...`), found by listing this folder; each has RULE and `check(subject)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from forensics.replay.lint.subject import Issue, Subject, Traffic, refusals
from forensics.replay.policies.model import Gate, Policy, Run
from forensics.replay.refusal import Place

Check = Callable[[Subject], Iterator[Issue]]
_LEVELS = ("error", "warning", "info")

__all__ = ["Issue", "Subject", "Traffic", "lint", "rules"]


def rules() -> dict[str, Check]:
    """Return the rules by their id, in order of the files."""
    names = sorted(
        item.name for item in pkgutil.iter_modules(__path__) if item.name[0] == "l" and item.name[1:3].isdigit()
    )
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.RULE: module.check for module in modules}


def lint(policies: Sequence[Policy], scrape: float, traffic: Mapping[tuple[str, str], Traffic]) -> list[dict[str, Any]]:
    """Return the issues of policies, worst first, equal ones once; `traffic` has the numbers of a case by policy and gate."""
    found = {
        tuple(row.items()): row
        for policy in policies
        for run in policy.runs
        for gate in run.gates
        for row in _of(policy, run, gate, scrape, traffic.get((policy.name, gate.name)))
    }
    return sorted(
        found.values(),
        key=lambda row: (_LEVELS.index(row["level"]), row["file"], row["rule"], row["line"] or 0, row["gate"]),
    )


def _of(policy: Policy, run: Run, gate: Gate, scrape: float, traffic: Traffic | None) -> Iterator[dict[str, Any]]:
    found = [gate.refusal] if gate.refusal else []
    found += [error.located(gate.place.at(key)) for key, error in refusals(gate)]
    for error in found:
        yield _row(
            policy,
            gate,
            error.place,
            error.code,
            "error",
            error.plain,
            "it cannot be replayed",
            error.hint.partition("\n")[0],
            "",
        )
    if not gate.query and not gate.sql:
        return
    subject = Subject(policy, run, gate, scrape, traffic)
    for check in rules().values():
        for issue in check(subject):
            place = gate.place.at(issue.key) if issue.key else gate.place
            yield _row(
                policy, gate, place, issue.rule, issue.level, issue.message, issue.reason, issue.fix, issue.evidence
            )


def _row(policy: Policy, gate: Gate, place: Place, *told: str) -> dict[str, Any]:
    rule, level, message, reason, fix, evidence = told
    return {
        "rule": rule, "level": level, "file": str(place.file or policy.path), "line": place.line, "column": place.column, "gate": gate.name, "key": place.key,
        "message": message, "reason": reason, "fix": fix, "evidence": evidence,
    }  # fmt: skip
