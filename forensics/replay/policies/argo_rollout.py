"""Argo's Rollout: steps, analysis in steps (inline) and in the background, arguments (pkg/apis/rollouts/v1alpha1/types.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forensics.replay.policies.argo_template import referred, rejected, with_dry_run
from forensics.replay.policies.arguments import values_of
from forensics.replay.policies.documents import Document, decimal, items, mapping, seconds, whole
from forensics.replay.policies.model import Policy, Run, Start
from forensics.replay.refusal import Place

KINDS = ("Rollout",)


def read(document: Document, library: list[Document], given: Mapping[str, str]) -> Policy:
    """Return the policy of a Rollout: one run a step with an analysis, and one for the analysis in the background."""
    canary = mapping(mapping(mapping(document.data.get("spec")).get("strategy")).get("canary"))
    key = "spec.strategy.canary"
    steps = items(canary.get("steps"))
    runs = [*_background(document, f"{key}.analysis", canary.get("analysis"), steps, library, given)]
    start = Start()
    for index, step in enumerate(steps):
        at = f"{key}.steps[{index}]"
        if "analysis" in mapping(step):
            runs.append(
                _run(document, f"{at}.analysis", mapping(step["analysis"]), library, given, start, is_inline=True)
            )
        start = _after(mapping(step), start, document.place(at))
    notes = () if runs else ("The Rollout has no analysis: nothing but people would have stopped it.",)
    return Policy(document.name, "argo", document.kind, document.path, tuple(runs), notes=notes)


def _background(
    document: Document, key: str, analysis: Any, steps: list[Any], library: list[Document], given: Mapping[str, str]
) -> list[Run]:
    if not isinstance(analysis, dict):
        return []
    first = whole(analysis.get("startingStep"), document.place(f"{key}.startingStep")) or 0
    start = Start()
    for index, step in enumerate(steps[:first]):
        start = _after(mapping(step), start, document.place(f"spec.strategy.canary.steps[{index}]"))
    return [_run(document, key, analysis, library, given, start, is_inline=False)]


def _run(
    document: Document,
    key: str,
    analysis: Mapping[str, Any],
    library: list[Document],
    given: Mapping[str, str],
    start: Start,
    *,
    is_inline: bool,
) -> Run:
    arguments = {**values_of(analysis.get("args")), **given}
    templates = items(analysis.get("templates"))
    found = [
        gate
        for index, item in enumerate(templates)
        for gate in referred(document, f"{key}.templates[{index}]", mapping(item), library, arguments)
    ]
    gates = tuple(
        with_dry_run(found, [str(mapping(item).get("metricName") or "") for item in items(analysis.get("dryRun"))])
    )
    name = ", ".join(str(mapping(item).get("templateName")) for item in templates) or "analysis"
    return Run(name, gates, document.place(key), is_inline, start, rejected(gates, is_inline=is_inline))


def _after(step: Mapping[str, Any], start: Start, place: Place) -> Start:
    """Return where the next step begins: a weight begins its phase, a pause goes on inside of it; one without an end goes on for ever."""
    if "setWeight" in step:
        return Start(decimal(step["setWeight"], place.at("setWeight")))
    pause = mapping(step.get("pause")).get("duration")
    if isinstance(pause, int) and not isinstance(pause, bool):
        return Start(start.weight, start.phase, start.delay + pause)
    return Start(start.weight, start.phase, start.delay + (seconds(pause, place.at("pause.duration")) or 0.0))
