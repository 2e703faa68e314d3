"""The response diff of one case, as a document and as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from forensics.errors import UsageError
from forensics.replay.responses.facets import MAX_FACETS, Question, Totals, facets, totals
from forensics.replay.responses.judge import LEAST, Change, Key, between_halves, judged
from forensics.replay.responses.pairs import PairChange, pairs
from forensics.scan.hiding import hide_values
from forensics.store import Sandbox

COLUMNS = (
    "change", "method", "route", "principal", "request_type", "query_names", "status_class", "kind", "path", "value", "canary_n", "canary_of",
    "baseline_n", "baseline_of", "canary_units", "canary_units_of", "baseline_units", "baseline_units_of", "noise", "q", "bound", "records",
)  # fmt: skip
PAIR_COLUMNS = (
    "change", "via", "method", "route", "principal", "request_type", "query_names", "kind", "path", "pairs", "differing", "noisy", "checked", "records",
)  # fmt: skip


def compare(sandbox: Sandbox, route: str = "*") -> dict[str, Any]:
    """Return how the canary answers otherwise than the baseline on the routes of a glob: `changes`, `pairs`, `halves`, and what was not compared.

    Raises:
        UsageError: there is no response of the canary or of the baseline, or more than `MAX_FACETS` forms of responses.

    """
    whole, found = totals(sandbox, route), facets(sandbox, route)
    _require(whole, len(found))
    told, twice = judged(found, whole), pairs(sandbox, route)
    return {
        "route": route,
        "changes": [_row(item) for item in told.changes],
        "within_noise": told.within_noise,
        "halves": {"changes": between_halves(found, whole), "facets": len(found)},
        "pairs": {
            "counts": twice.counts,
            "without_noise": twice.without_noise,
            "changes": [_pair_row(item) for item in twice.changes],
        },
        "compared": _compared(whole),
    }


def _require(whole: Mapping[Key, Totals], count: int) -> None:
    if count > MAX_FACETS:
        raise UsageError(
            f"The responses have more than {MAX_FACETS:,} forms.", hint="Compare fewer routes: --route '/api/*'."
        )
    for arm in ("canary", "baseline"):
        if not any(item.arms[arm].n for item in whole.values()):
            raise UsageError(
                f"The case has no verbose sample of the {arm}'s responses on these routes.",
                hint="Ingest exchanges (docs/formats.md), or name other routes with --route.",
            )


def _compared(whole: Mapping[Key, Totals]) -> dict[str, Any]:
    """Say how much of the responses was compared, and what stands on one side alone."""
    asked = {
        question: item.arms
        for (question, status_class, part), item in whole.items()
        if (status_class, part) == ("", "any")
    }
    seen: dict[str, dict[str, int]] = {arm: {} for arm in ("canary", "baseline")}
    for arm, counts in seen.items():
        for part in ("any", "headers", "body"):
            counts[part] = sum(
                item.arms[arm].n for (_, status_class, one), item in whole.items() if (status_class, one) == ("", part)
            )
    return {
        "responses": seen,
        "questions": sum(1 for arms in asked.values() if arms["canary"].n and arms["baseline"].n + arms["other"].n),
        "thin": sum(1 for arms in asked.values() if arms["canary"].n and 0 < arms["baseline"].n + arms["other"].n < LEAST),
        "canary_alone": [_question(one) for one, arms in asked.items() if arms["canary"].n and not arms["baseline"].n + arms["other"].n],
        "baseline_alone": [_question(one) for one, arms in asked.items() if arms["baseline"].n and not arms["canary"].n],
        "too_large": sum(item.too_large for (_, status_class, part), item in whole.items() if (status_class, part) == ("", "any")),
        "mixed_units": sum(item.mixed_units for (_, status_class, part), item in whole.items() if (status_class, part) == ("", "any")),
    }  # fmt: skip


def _question(question: Question) -> dict[str, str]:
    return {**asdict(question), "route": hide_values(question.route)}


def _row(item: Change) -> dict[str, Any]:
    facet = item.facet
    return {
        "change": item.change, **_question(facet.question), "status_class": facet.status_class, "kind": facet.kind,
        "path": hide_values(facet.path), "value": hide_values(facet.value),
        "canary_n": item.canary.n, "canary_of": item.canary_of.n, "baseline_n": item.baseline.n, "baseline_of": item.baseline_of.n,
        "canary_units": item.canary.units, "canary_units_of": item.canary_of.units,
        "baseline_units": item.baseline.units, "baseline_units_of": item.baseline_of.units,
        "noise": item.noise, "q": item.q, "bound": item.bound, "records": facet.canary_records or facet.baseline_records,
    }  # fmt: skip


def _pair_row(item: PairChange) -> dict[str, Any]:
    return {
        "change": item.change, "via": item.via, **_question(item.question), "kind": item.kind, "path": hide_values(item.path), "pairs": item.pairs,
        "differing": item.differing, "noisy": item.noisy, "checked": item.checked, "records": [item.canary_record, item.baseline_record],
    }  # fmt: skip
