"""Evaluations of feature flags as JSON lines: OpenTelemetry's attributes, OpenFeature hooks and flagd, LaunchDarkly.

OpenTelemetry's names (opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events, older ones too) stand in the record or in its
`attributes`; hooks log `flagKey`, `variant`, `reason`, `value` and a context with `targetingKey` (openfeature.dev/specification/types);
LaunchDarkly exports events of kind `feature` (launchdarkly.com/docs/integrations/data-export/schema-reference), others are skipped. Where no variant
is given the value is it, as OpenTelemetry has it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from forensics.importers.contract import Head, LinePlan, json_plan
from forensics.store import literal, name

NAME = "flag-events"
TABLES = ("flag_events",)
OBSERVER = "flags"

# What each value is called; the first that a record has is taken.
_NAMES = {
    "key": ("feature_flag.key", "flagKey", "flag_key", "flag-key"),
    "variant": ("feature_flag.result.variant", "feature_flag.variant", "variant", "variation"),
    "value": ("feature_flag.result.value", "feature_flag.evaluation.value", "value"),
    "reason": ("feature_flag.result.reason", "feature_flag.evaluation.reason", "reason"),
    "provider": ("feature_flag.provider.name", "feature_flag.provider_name", "provider", "providerName"),
    "user": ("feature_flag.context.id", "targetingKey", "targeting_key", "userKey", "user_id", "userId"),
    "time": ("time", "timestamp", "@timestamp", "ts", "creationDate", "timeUnixNano", "observedTimestamp"),
    "trace": ("trace_id", "traceId", "trace.id"),
    "pod": ("k8s.pod.name", "pod", "pod_name", "k8s_pod_name"),
    "namespace": ("k8s.namespace.name", "namespace", "k8s_namespace_name"),
    "service": ("service.name", "service", "service_name"),
    "version": ("service.version", "service_version"),
}
_ATTRIBUTES = "attributes"
# Where an object that tells whom the flag was evaluated for holds the id.
_CONTEXTS = {
    "context": ("$.targetingKey", "$.key", "$.user.key"),
    "evaluationContext": ("$.targetingKey", "$.key"),
    "contextKeys": ("$.user",),
    "user": ("$.key",),
}


def recognise(head: Head) -> int:
    """Score by the share of lines that are evaluations; of LaunchDarkly's events any kind counts where one is an evaluation."""
    if not head.lines:
        return 0
    found = sum(map(_is_evaluation, head.objects))
    known = sum(_is_evaluation(item) or _is_launchdarkly(item) for item in head.objects) if found else 0
    return round(94 * known / len(head.lines)) if known * 2 >= len(head.lines) else 0


def _is_evaluation(item: dict[str, Any]) -> bool:
    inner = item.get(_ATTRIBUTES)
    if "feature_flag.key" in item or (isinstance(inner, dict) and "feature_flag.key" in inner):
        return True
    if any(key in item for key in _NAMES["key"]):
        return any(key in item for key in ("variant", "value", "reason"))
    return _is_launchdarkly(item) and item["kind"] == "feature"


def _is_launchdarkly(item: dict[str, Any]) -> bool:
    return isinstance(item.get("kind"), str) and "creationDate" in item


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Return the columns as expressions over the names that the head shows."""
    is_launchdarkly = any(map(_is_launchdarkly, head.objects))
    names = {**_NAMES, "key": (*_NAMES["key"], "key")} if is_launchdarkly else _NAMES
    seen = set(head.keys)
    scalars = [title for group in names.values() for title in group if title in seen]
    objects = [title for title in (_ATTRIBUTES, *_CONTEXTS) if title in seen]
    mapped = dict.fromkeys(scalars + ["kind"] * is_launchdarkly, "VARCHAR") | dict.fromkeys(objects, "JSON")
    inner = _inner_names(head)
    of = {title: _first(group, scalars, inner) for title, group in names.items()}
    time = f"any_time({_seconds(of['time'])})"
    made = json_plan(
        mapped,
        head,
        "flag_events",
        {**_columns(of, objects), "time": time},
        observer=OBSERVER,
        skips=(("f.kind is not null and f.kind <> 'feature'", "another kind of event"),) if is_launchdarkly else (),
        checks=((f"{of['key']} is null", "no flag"), (f"{time} is null", "time is missing or not a time")),
        time_rule="ISO 8601 with zone (without: UTC), or seconds, milli-, micro- or nanoseconds since 1970",
    )
    kept = {title: of[title] for title in ("value", "reason", "provider")}
    kept |= {title: f"f.{name(title)}" for title in objects}
    return replace(
        made, attributes={**made.attributes, **{title: text for title, text in kept.items() if text != "null"}}
    )


def _columns(of: dict[str, str], objects: list[str]) -> dict[str, str]:
    places = [(title, place) for title in _CONTEXTS if title in objects for place in _CONTEXTS[title]]
    contexts = [f"json_extract_string(f.{name(title)}, {literal(place)})" for title, place in places]
    return {
        "time_raw": of["time"],
        "service_name": of["service"],
        "service_version": of["version"],
        "k8s_namespace_name": of["namespace"],
        "k8s_pod_name": of["pod"],
        "trace_id": of["trace"],
        "feature_flag_key": of["key"],
        "feature_flag_variant": f"coalesce({of['variant']}, {of['value']})",
        "user_id": f"coalesce({', '.join([of['user'], *contexts, 'null'])})",
    }


def _inner_names(head: Head) -> set[str]:
    """Return the names in the `attributes` of the head's records."""
    return {key for item in head.objects if isinstance(item.get(_ATTRIBUTES), dict) for key in item[_ATTRIBUTES]}


def _first(group: tuple[str, ...], scalars: list[str], inner: set[str]) -> str:
    """Return the SQL of the first name of a group that a record has, in itself or in its `attributes`."""
    own = [f"f.{name(title)}" for title in group if title in scalars]
    nested = [
        f"json_extract_string(f.{_ATTRIBUTES}, {literal('$.' + json.dumps(title))})"
        for title in group
        if title in inner
    ]
    return f"coalesce({', '.join([*own, *nested])}, null)" if own or nested else "null"


def _seconds(stamp: str) -> str:
    """Return the SQL of a stamp with whole milli-, micro- or nanoseconds since 1970 as seconds: the first ten digits are those."""
    if stamp == "null":
        return stamp
    return f"case when regexp_full_match({stamp}, '[0-9]{{13}}|[0-9]{{16}}|[0-9]{{19}}') then ({stamp})[:10] || '.' || ({stamp})[11:] else {stamp} end"
