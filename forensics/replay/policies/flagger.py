"""Flagger's Canary with its MetricTemplates (flagger.app/v1beta1): checks in order, a range for one number, failed checks up to a threshold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from forensics.replay.policies.documents import Document, decimal, mapping, seconds, title, too_short, whole
from forensics.replay.policies.model import Gate, Policy, Run
from forensics.replay.refusal import RefusalError

KINDS = ("Canary",)
BUILT_IN = ("request-success-rate", "request-duration")
_VARIABLE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")


def read(document: Document, library: list[Document], given: Mapping[str, str]) -> Policy:
    """Return the policy of a Canary."""
    spec = mapping(document.data.get("spec"))
    key = "spec.analysis" if "analysis" in spec else "spec.canaryAnalysis"
    analysis = mapping(spec.get(key.rpartition(".")[2]))
    given_interval = seconds(analysis.get("interval"), document.place(f"{key}.interval"))
    interval = 60.0 if given_interval is None else given_interval
    threshold = whole(analysis.get("threshold"), document.place(f"{key}.threshold"))
    gates = tuple(
        _gate(document, f"{key}.metrics[{index}]", mapping(item), library, given, interval)
        for index, item in enumerate(document.metrics(f"{key}.metrics", analysis.get("metrics")))
    )
    if refusal := too_short(interval, document.place(f"{key}.interval")):
        gates = tuple(replace(gate, refusal=gate.refusal or refusal) for gate in gates)
    run = Run(document.name, gates, document.place(key))
    return Policy(
        document.name, "flagger", document.kind, document.path, (run,), interval, 1 if threshold is None else threshold
    )


def _gate(
    document: Document,
    key: str,
    metric: Mapping[str, Any],
    library: list[Document],
    given: Mapping[str, str],
    interval: float,
) -> Gate:
    name = title(metric, key, document)
    place = document.place(key, below=True)
    limits = mapping(metric.get("thresholdRange"))
    low, high = (decimal(limits.get(end), document.place(f"{key}.thresholdRange.{end}")) for end in ("min", "max"))
    single = decimal(metric.get("threshold"), document.place(f"{key}.threshold"))
    if not limits and single is not None:
        low, high = (single, None) if name == "request-success-rate" else (None, single)
    window = seconds(metric.get("interval"), document.place(f"{key}.interval")) or interval
    gate = Gate(name, place, interval=interval, low=low, high=high, window=window)
    try:
        return replace(gate, query=_query(document, key, metric, library, given, window))
    except RefusalError as error:
        return replace(gate, refusal=error)


def _query(
    document: Document,
    key: str,
    metric: Mapping[str, Any],
    library: list[Document],
    given: Mapping[str, str],
    window: float,
) -> str:
    name = str(metric.get("name"))
    if metric.get("query"):
        return _filled(str(metric["query"]), document, f"{key}.query", given, window)
    if not metric.get("templateRef"):
        if name in BUILT_IN:
            return name.replace("-", "_")  # the binding file says which rows it counts
        raise RefusalError("E-PROVIDER-UNSUPPORTED", f"the metric {name} has no query").located(document.place(key))
    wanted = str(mapping(metric["templateRef"]).get("name") or "")
    found = [item for item in library if item.kind == "MetricTemplate" and item.name == wanted]
    if len(found) != 1:
        what = f"the MetricTemplate {wanted!r} is not among the files"
        raise RefusalError("E-TEMPLATE-MISSING", what, hint="Name its file too.").located(
            document.place(f"{key}.templateRef")
        )
    spec = mapping(found[0].data.get("spec"))
    provider = str(mapping(spec.get("provider")).get("type") or "none")
    if provider != "prometheus":
        what = f"provider {provider} cannot be replayed; prometheus can"
        raise RefusalError("E-PROVIDER-UNSUPPORTED", what).located(found[0].place("spec.provider.type"))
    return _filled(str(spec.get("query") or ""), document, f"{key}.templateRef", given, window)


def _filled(text: str, document: Document, key: str, given: Mapping[str, str], window: float) -> str:
    """Fill in what Flagger gives a template: namespace, name, target, service, ingress, interval."""
    spec, metadata = mapping(document.data.get("spec")), mapping(document.data.get("metadata"))
    target = str(mapping(spec.get("targetRef")).get("name") or "")
    known = {
        "name": document.name, "namespace": str(metadata.get("namespace") or "default"), "target": target,
        "service": str(mapping(spec.get("service")).get("name") or target), "ingress": str(mapping(spec.get("ingressRef")).get("name") or target),
        "interval": f"{window:g}s", **given,
    }  # fmt: skip

    def value(match: re.Match[str]) -> str:
        if match[1] not in known:
            what = f"{match[0]} is no variable that Flagger gives to every template"
            raise RefusalError("E-TEMPLATE-UNSUPPORTED", what, column=match.start() + 1).located(document.place(key))
        return known[match[1]]

    return _VARIABLE.sub(value, text)
