"""A metric's series and sample as Prometheus names them, as columns of `metrics`; shared by the importers of metrics.

Labels of Kubernetes service discovery: prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from forensics.importers._values import text

# The labels that name what a sample speaks of; the first that is there is taken.
_NAMES = {
    "k8s_pod_name": ("pod", "kubernetes_pod_name", "pod_name"),
    "k8s_namespace_name": ("namespace", "kubernetes_namespace"),
    "service_name": ("service", "app", "job"),
    "service_version": ("service_version", "app_kubernetes_io_version", "version"),
}
# What a result of an expression is called: it has no name of its own.
UNNAMED = "expression"


def series(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that all samples of a series share; `__name__` is its name."""
    known = {key: value for key, value in ((key, text(value)) for key, value in labels.items()) if value is not None}
    title = known.pop("__name__", None) or UNNAMED
    named = {column: next((known[key] for key in keys if known.get(key)), None) for column, keys in _NAMES.items()}
    return {**named, "metric_name": title, "labels": json.dumps(known, sort_keys=True)}


def sample(value: Any, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the columns of a value given as text or number; one that is no finite number is kept in `attributes._invalid`."""
    said = text(value)
    found = _finite(said)
    kept = dict(extra or {})
    if found is None and value not in (None, ""):
        kept["_invalid"] = {"metric_value": said if said is not None else value}
    return {"metric_value": found, "attributes": json.dumps(kept, sort_keys=True) if kept else None}


def _finite(said: str | None) -> float | None:
    """Return the number; Python alone would take `1_0` and digits of other scripts."""
    if said is None or not said.isascii() or "_" in said:
        return None
    try:
        found = float(said)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
