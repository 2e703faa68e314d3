"""Kubernetes objects, as `kubectl get ... -o json` or `-o yaml` exports them: rollouts, events, pods, configuration.

Argo Rollouts' kinds: argo-rollouts.readthedocs.io/en/stable/features/specification; event reasons: utils/conditions/conditions.go of
argoproj/argo-rollouts. The weight of a step stands only in the event's message. Pods give identities: which address was which version;
`_kubernetes_configuration.py` reads what configures a release.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import yaml

from forensics.importers._kubernetes_configuration import KINDS, settings, tag
from forensics.importers._values import integer, items, mapping, number, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip

NAME = "kubernetes"
TABLES = ("rollout_events", "identities", "configuration")
OBSERVER = "kubernetes"

_MAX_DEPTH = 100
_HASH = "rollouts-pod-template-hash"
_VERSION_LABELS = ("app.kubernetes.io/version", "version")
# The controller's reason -> our kind; what is not here is a note.
_KINDS = {
    "RolloutUpdated": "started",
    "TrafficWeightUpdated": "weight_set",
    "RolloutPaused": "paused",
    "RolloutResumed": "resumed",
    "AnalysisRunRunning": "analysis_started",
    "AnalysisRunSuccessful": "analysis_passed",
    "AnalysisRunFailed": "analysis_failed",
    "AnalysisRunError": "analysis_failed",
    "AnalysisRunInconclusive": "analysis_inconclusive",
    "RolloutAborted": "aborted",
    "RolloutCompleted": "completed",
    "SkipSteps": "promoted",
}
_PHASES = {
    "Successful": "analysis_passed",
    "Failed": "analysis_failed",
    "Error": "analysis_failed",
    "Inconclusive": "analysis_inconclusive",
}
_WEIGHT = re.compile(r"(?i)(?:traffic )?weight(?: updated)? .*?to (?:desired: )?'?(\d+(?:\.\d+)?)")


def recognise(head: Head) -> int:
    """Certain where the document is a list or an object of a kind we read."""
    kinds = "|".join(("List", *_READERS))
    if not head.mentions(rf"\"?kind\"?\s*:\s*\"?({kinds})(List)?\b"):
        return 0
    if not head.mentions(r"\"?apiVersion\"?\s*:\s*\"?([a-z0-9.-]+/)?v[0-9][a-z0-9]*\b"):
        return 0
    return 0 if head.mentions(r"audit\.k8s\.io/") else 94


def records(data: bytes) -> Iterator[Item]:
    """Yield rows of every object; objects of other kinds are skipped and counted."""
    try:
        documents = _documents(data)
    except (ValueError, LookupError, AttributeError, TypeError, yaml.YAMLError, RecursionError) as error:
        yield Reject(1, f"neither JSON nor YAML that is safe to read: {type(error).__name__}", data)
        return
    for index, thing in enumerate(documents, 1):
        if not isinstance(thing, dict):
            yield Reject(index, "not an object", _raw(thing))
            continue
        rows = _READERS.get(str(thing.get("kind")))
        yield from rows(index, thing) if rows else [Skip(index, f"kind {text(thing.get('kind')) or 'unknown'}")]


def _documents(data: bytes) -> list[Any]:
    content = data.decode("utf-8-sig")
    loaded = [json.loads(content)] if content.lstrip().startswith(("{", "[")) else _yaml(content)
    flat: list[Any] = []
    for document in loaded:
        inner = document if isinstance(document, list) else mapping(document).get("items")
        if not isinstance(inner, list):
            flat += [document] if document is not None else []
            continue
        kind = str(mapping(document).get("kind") or "").removesuffix("List")
        flat += [
            {"kind": kind, **entry} if kind and isinstance(entry, dict) and "kind" not in entry else entry
            for entry in inner
        ]
    return flat


class _Loader(yaml.CSafeLoader):
    """Plain values only; times stay text, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _yaml(content: str) -> list[Any]:
    """Return the documents; aliases (which multiply) and deep nesting (which ends libyaml's composer) are refused beforehand.

    Raises:
        ValueError: the YAML holds one of these; Kubernetes exports neither.

    """
    depth = 0
    for event in yaml.parse(content, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _MAX_DEPTH:
            raise ValueError("aliases or deep nesting")
    return list(yaml.load_all(content, _Loader))


def _event(index: int, thing: dict[str, Any]) -> Iterator[Item]:
    involved = mapping(thing.get("involvedObject") or thing.get("regarding"))
    metadata, reason = mapping(thing.get("metadata")), text(thing.get("reason")) or ""
    stamp = text(thing.get("firstTimestamp")) or text(thing.get("eventTime")) or text(metadata.get("creationTimestamp"))
    moment = _time(stamp)
    if moment is None:
        yield Reject(index, "event without a time", _raw(thing))
        return
    message = text(thing.get("message")) or text(thing.get("note"))
    weight = _WEIGHT.search(message or "") if reason == "TrafficWeightUpdated" else None
    is_rollout = involved.get("kind") in ("Rollout", "AnalysisRun", "Experiment")
    source = (
        mapping(thing.get("source")).get("component")
        or thing.get("reportingComponent")
        or thing.get("reportingController")
    )
    yield Row("rollout_events", index, {
        **_common(metadata | {"namespace": involved.get("namespace") or metadata.get("namespace")}, moment, stamp),
        "rollout_name": text(involved.get("name")),
        "event_kind": _KINDS.get(reason, "note") if is_rollout else "note",
        "canary_weight": float(weight[1]) if weight else None,
        "reason": reason,
        "message": message,
        "actor": text(source),
    })  # fmt: skip


def _rollout(index: int, thing: dict[str, Any]) -> Iterator[Item]:
    """Tell the state at the time of its newest condition; the revisions tell which pods are the canary."""
    metadata, status = mapping(thing.get("metadata")), mapping(thing.get("status"))
    stamps = [
        stamp
        for item in items(status.get("conditions"))
        if (stamp := text(item.get("lastUpdateTime"))) and _time(stamp)
    ]
    stamp = max(stamps, default=None) or text(metadata.get("creationTimestamp"))
    moment = _time(stamp)
    if moment is None:
        yield Reject(index, "rollout without a time", _raw(thing))
        return
    weights = mapping(mapping(mapping(status.get("canary")).get("weights")).get("canary"))
    current, stable = text(status.get("currentPodHash")), text(status.get("stableRS"))
    yield Row("rollout_events", index, {
        **_common(metadata, moment, stamp),
        "rollout_name": text(metadata.get("name")),
        "event_kind": "state",
        "canary_weight": number(weights.get("weight")),
        "step_index": integer(status.get("currentStepIndex"), 32),
        "canary_revision": current if current != stable else None,
        "baseline_revision": stable,
        "reason": text(status.get("phase")) or "Rollout",
        "message": text(status.get("message")),
    })  # fmt: skip
    for condition in items(status.get("conditions")):
        stamp = text(condition.get("lastTransitionTime"))
        moment = _time(stamp)
        if moment is not None:
            yield Row("rollout_events", index, {
                **_common(metadata, moment, stamp),
                "rollout_name": text(metadata.get("name")),
                "event_kind": "note",
                "reason": text(condition.get("reason")),
                "message": text(condition.get("message")),
            })  # fmt: skip


def _analysis_run(index: int, thing: dict[str, Any]) -> Iterator[Item]:
    metadata, status = mapping(thing.get("metadata")), mapping(thing.get("status"))
    owner = next((text(item.get("name")) for item in items(metadata.get("ownerReferences"))), None) or text(
        metadata.get("name")
    )
    stamp = text(status.get("startedAt")) or text(metadata.get("creationTimestamp"))
    moment = _time(stamp)
    if moment is None:
        yield Reject(index, "analysis run without a time", _raw(thing))
        return
    base = {"rollout_name": owner}
    yield Row("rollout_events", index, {
        **_common(metadata, moment, stamp), **base, "event_kind": "analysis_started", "reason": "AnalysisRun",
        "message": text(metadata.get("name")),
    })  # fmt: skip
    last, last_stamp = moment, stamp
    for metric in items(status.get("metricResults")):
        for measurement in items(metric.get("measurements")):
            stamp = text(measurement.get("finishedAt")) or text(measurement.get("startedAt"))
            moment = _time(stamp)
            if moment is None:
                continue
            last, last_stamp = max((last, last_stamp), (moment, stamp))
            detail = f"{text(metric.get('name')) or 'metric'} = {text(measurement.get('value')) or 'no value'}"
            yield Row("rollout_events", index, {
                **_common(metadata, moment, stamp), **base, "event_kind": "measurement", "reason": text(measurement.get("phase")), "message": detail,
            })  # fmt: skip
    kind = _PHASES.get(text(status.get("phase")) or "")
    if kind:
        finished = text(status.get("completedAt"))
        done = _time(finished)
        yield Row("rollout_events", index, {
            **_common(metadata, done or last, finished if done else last_stamp), **base, "event_kind": kind,
            "reason": text(status.get("phase")), "message": text(status.get("message")) or text(metadata.get("name")),
        })  # fmt: skip


def _pod(index: int, thing: dict[str, Any]) -> Iterator[Item]:
    metadata, status = mapping(thing.get("metadata")), mapping(thing.get("status"))
    labels = mapping(metadata.get("labels"))
    addresses = [text(item.get("ip")) for item in items(status.get("podIPs"))] or [text(status.get("podIP"))]
    known = [address for address in addresses if address]
    if not known:
        yield Skip(index, "pod without an address")
        return
    container = next(iter(items(status.get("containerStatuses"))), {})
    stamp = text(status.get("startTime")) or text(metadata.get("creationTimestamp"))
    version = next((text(labels.get(label)) for label in _VERSION_LABELS if labels.get(label)), None)
    for address in known:
        yield Row("identities", index, {
            "observer": OBSERVER,
            "time": _time(stamp),
            "time_raw": stamp,
            "service_name": text(labels.get("app.kubernetes.io/name")) or text(labels.get("app")),
            "service_version": version or tag(text(container.get("image"))),
            "k8s_namespace_name": text(metadata.get("namespace")),
            "k8s_pod_name": text(metadata.get("name")),
            "address": address,
            "image": text(container.get("image")),
            "image_digest": (text(container.get("imageID")) or "").rpartition("@")[2] or None,
            "revision": text(labels.get(_HASH)) or text(labels.get("pod-template-hash")),
            "valid_from": _time(stamp),
            "valid_to": _time(text(metadata.get("deletionTimestamp"))),
            "labels": json.dumps({str(key): text(value) for key, value in labels.items()}, sort_keys=True),
        })  # fmt: skip


_READERS: dict[str, Callable[[int, dict[str, Any]], Iterator[Item]]] = {
    "Event": _event,
    "Rollout": _rollout,
    "AnalysisRun": _analysis_run,
    "Pod": _pod,
    **dict.fromkeys(KINDS, partial(settings, observer=OBSERVER)),
}


def _common(metadata: dict[str, Any], moment: datetime, stamp: str | None) -> dict[str, Any]:
    return {
        "observer": OBSERVER,
        "time": moment,
        "time_raw": stamp,
        "k8s_namespace_name": text(metadata.get("namespace")),
    }


def _time(stamp: str | None) -> datetime | None:
    return utc(text_time(stamp))


def _raw(thing: Any) -> bytes:
    try:
        return json.dumps(thing, default=str, skipkeys=True).encode()
    except ValueError:  # Python refuses to write whole numbers of more than 4,300 digits
        return b""
