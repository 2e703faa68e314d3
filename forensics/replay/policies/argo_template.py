"""Argo's AnalysisTemplate and ClusterAnalysisTemplate (pkg/apis/rollouts/v1alpha1/analysis_types.go), replayed as an analysis in the background."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from forensics.replay.conditions import one_line
from forensics.replay.policies.arguments import filled, values_of
from forensics.replay.policies.documents import Document, bad, items, mapping, seconds, title, too_short, whole
from forensics.replay.policies.model import Gate, Policy, Run, Start
from forensics.replay.refusal import Place, RefusalError

KINDS = ("AnalysisTemplate", "ClusterAnalysisTemplate")
MAX_DEPTH = 3  # templates in templates
MAX_REFERENCES = 20
NO_INTERVAL = "interval must be specified when count > 1"
ENDLESS = "runs indefinitely. Invalid value for count"
TOO_FEW = "count must be >= failureLimit + consecutiveSuccessLimit"


def read(document: Document, library: list[Document], given: Mapping[str, str]) -> Policy:
    """Return the policy of a template that stands alone: background analysis from the first phase on."""
    place = document.place("spec")
    gates = gates_of(document, given, library)
    run = Run(document.name, gates, place, start=Start(), rejected=rejected(gates, is_inline=False))
    return Policy(document.name, "argo", document.kind, document.path, (run,))


def gates_of(document: Document, given: Mapping[str, str], library: list[Document], depth: int = 0) -> tuple[Gate, ...]:
    """Return the metrics of a template and of those it refers to; an argument's own value counts where none is given."""
    spec = mapping(document.data.get("spec"))
    arguments = {**values_of(spec.get("args")), **given}
    dry = [str(mapping(item).get("metricName") or "") for item in items(spec.get("dryRun"))]
    own = [
        _gate(document, f"spec.metrics[{index}]", mapping(item), arguments)
        for index, item in enumerate(document.metrics("spec.metrics", spec.get("metrics")))
    ]
    inner = [
        gate
        for index, item in enumerate(_references(document, spec.get("templates")))
        for gate in referred(document, f"spec.templates[{index}]", mapping(item), library, given, depth + 1)
    ]
    return tuple(with_dry_run([*own, *inner], dry))


def _references(document: Document, found: Any) -> list[Any]:
    listed = items(found)
    if len(listed) > MAX_REFERENCES:
        raise bad(
            f"there are {len(listed):,} templates in a template; {MAX_REFERENCES} at most",
            document.place("spec.templates"),
            "Write them out.",
        )
    return listed


def referred(
    document: Document,
    key: str,
    reference: Mapping[str, Any],
    library: list[Document],
    given: Mapping[str, str],
    depth: int = 0,
) -> tuple[Gate, ...]:
    """Return the metrics of the template that a reference names; a template that is not there is one gate that is refused."""
    name, kind = str(reference.get("templateName") or ""), KINDS[bool(reference.get("clusterScope"))]
    found = [item for item in library if item.kind == kind and item.name == name]
    if len(found) == 1 and depth <= MAX_DEPTH:
        return gates_of(found[0], given, library, depth)
    missing = _missing(name, len(found))
    place = document.place(f"{key}.templateName")
    return (Gate(name or "template", place, refusal=missing.located(place)),)


def _missing(name: str, count: int) -> RefusalError:
    """Return the refusal of a reference to a template that is among the files not at all, more than once, or too deep in others."""
    if count == 1:
        what = f"the template {name!r} refers to templates in a circle, or they are more than {MAX_DEPTH} deep"
        return RefusalError("E-TEMPLATE-MISSING", what, hint="Write its metrics out.")
    if count:
        what = f"the template {name!r} is there more than once"
        return RefusalError("E-TEMPLATE-MISSING", what, hint="Name one file that has it.")
    return RefusalError(
        "E-TEMPLATE-MISSING", f"the template {name!r} is not among the files", hint="Name its file too."
    )


def with_dry_run(gates: list[Gate], patterns: list[str]) -> list[Gate]:
    """Mark the gates that `dryRun` names; its names are patterns that match as a whole."""
    import re2

    try:
        compiled = [re2.compile(pattern) for pattern in patterns if pattern]
    except re2.error as error:
        raise bad(
            "a metricName of dryRun is no pattern", gates[0].place if gates else Place(), "Write a name, or .*"
        ) from error
    return [
        replace(gate, dry_run=gate.dry_run or any(item.fullmatch(gate.name) for item in compiled)) for gate in gates
    ]


def rejected(gates: tuple[Gate, ...], *, is_inline: bool) -> str:
    """Return what Argo's validation says against these metrics; empty where it takes them."""
    names = [gate.name for gate in gates]
    for gate in gates:
        if names.count(gate.name) > 1:
            return f"{gate.name}: duplicate metric name"
        if is_inline and gate.interval is not None and not gate.count:
            return f"{gate.name}: {ENDLESS}"
        if gate.count and gate.count > 1 and gate.interval is None:
            return f"{gate.name}: {NO_INTERVAL}"
        if gate.count and gate.count < max(gate.failure_limit, 0) + gate.consecutive_success_limit:
            return f"{gate.name}: {TOO_FEW}"
    return ""


def _gate(document: Document, key: str, metric: Mapping[str, Any], arguments: Mapping[str, str]) -> Gate:
    place = document.place(key, below=True, fill=lambda text: str(_plain(text, arguments)))
    gate = Gate(
        title(metric, key, document),
        place,
        interval=_seconds(document, key, metric, "interval", arguments),
        initial_delay=_seconds(document, key, metric, "initialDelay", arguments) or 0.0,
        count=_whole(document, key, metric, "count", None, arguments),
        failure_limit=_whole(document, key, metric, "failureLimit", 0, arguments) or 0,
        inconclusive_limit=_whole(document, key, metric, "inconclusiveLimit", 0, arguments) or 0,
        consecutive_error_limit=_limit(_whole(document, key, metric, "consecutiveErrorLimit", None, arguments), 4),
        consecutive_success_limit=_whole(document, key, metric, "consecutiveSuccessLimit", 0, arguments) or 0,
    )
    if refusal := too_short(gate.interval, place.at("interval")):
        return replace(gate, refusal=refusal)
    try:
        return replace(gate, **_texts(document, key, metric, arguments))
    except RefusalError as error:
        return replace(gate, refusal=error)


def _texts(document: Document, key: str, metric: Mapping[str, Any], arguments: Mapping[str, str]) -> dict[str, Any]:
    provider = mapping(metric.get("provider"))
    kinds = sorted(provider)
    if kinds not in (["prometheus"], ["sql"]):
        what = f"provider {', '.join(map(str, kinds)) or 'none'} cannot be replayed; prometheus and sql can"
        raise RefusalError("E-PROVIDER-UNSUPPORTED", what).located(document.place(f"{key}.provider"))
    field = "query" if kinds == ["prometheus"] else "sql"
    inner = provider[kinds[0]]
    text = mapping(inner).get("query", "") if isinstance(inner, dict) else inner
    at = f"{key}.provider.{kinds[0]}" + (".query" if isinstance(inner, dict) else "")
    return {
        field: _filled(document, at, text, arguments),
        "success": one_line(_filled(document, f"{key}.successCondition", metric.get("successCondition"), arguments)),
        "failure": one_line(_filled(document, f"{key}.failureCondition", metric.get("failureCondition"), arguments)),
    }


def _filled(document: Document, key: str, text: Any, arguments: Mapping[str, str]) -> str:
    try:
        return filled(str(text or ""), arguments)
    except RefusalError as error:
        raise error.located(document.place(key)) from error


def _plain(value: Any, arguments: Mapping[str, str]) -> Any:
    """Return a value whose argument is known; one that is not stays as it is written, and is then no number."""
    if not isinstance(value, str) or "{{" not in value:
        return value
    return re.sub(r"\{\{\s*args\.([^{}\s]+)\s*\}\}", lambda match: arguments.get(match[1], match[0]), value)


def _seconds(
    document: Document, key: str, metric: Mapping[str, Any], name: str, arguments: Mapping[str, str]
) -> float | None:
    return seconds(_plain(metric.get(name), arguments), document.place(f"{key}.{name}"))


def _whole(
    document: Document,
    key: str,
    metric: Mapping[str, Any],
    name: str,
    default: int | None,
    arguments: Mapping[str, str],
) -> int | None:
    found = whole(_plain(metric.get(name), arguments), document.place(f"{key}.{name}"))
    return default if found is None else found


def _limit(value: int | None, default: int) -> int:
    return default if value is None else value
