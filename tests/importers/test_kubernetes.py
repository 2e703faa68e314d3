"""Kubernetes objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, load

ROLLOUT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "shop", "namespace": "prod", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "status": {
        "phase": "Paused",
        "message": "CanaryPauseStep",
        "currentStepIndex": 2,
        "currentPodHash": "new",
        "stableRS": "old",
        "canary": {"weights": {"canary": {"weight": 20}}},
        "conditions": [
            {
                "lastUpdateTime": "2026-03-03T09:10:00Z",
                "lastTransitionTime": "2026-03-03T09:05:00Z",
                "reason": "RolloutPaused",
                "message": "paused",
            }
        ],
    },
}


def event(reason: str, message: str, stamp: str = "2026-03-03T09:00:00Z", kind: str = "Rollout") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": "prod"},
        "involvedObject": {"kind": kind, "name": "shop", "namespace": "prod"},
        "reason": reason,
        "message": message,
        "firstTimestamp": stamp,
        "source": {"component": "rollouts-controller"},
    }


def pod(name: str, **status: Any) -> dict[str, Any]:
    labels = {"app": "shop", "version": "2.4.0", "rollouts-pod-template-hash": "new"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "prod", "labels": labels},
        "status": {
            "startTime": "2026-03-03T09:00:00Z",
            "containerStatuses": [
                {"image": "registry:5000/shop:2.4.0@sha256:aa", "imageID": "registry:5000/shop@sha256:aa"}
            ],
            **status,
        },
    }


def listed(*objects: Any, kind: str = "List") -> str:
    return json.dumps({"apiVersion": "v1", "kind": kind, "items": list(objects)})


@pytest.mark.parametrize(
    ("reason", "message", "kind", "weight"),
    [
        ("TrafficWeightUpdated", "Traffic weight updated to desired: 20", "weight_set", 20.0),
        ("TrafficWeightUpdated", "Traffic weight updated from 0 to 12.5", "weight_set", 12.5),
        ("RolloutAborted", "Rollout aborted update to revision 5", "aborted", None),
        ("AnalysisRunFailed", "failed", "analysis_failed", None),
        ("NewReplicaSetCreated", "weight updated to 50", "note", None),
    ],
)
def test_events(tmp_path: Path, reason: str, message: str, kind: str, weight: float | None) -> None:
    row = load(tmp_path, listed(event(reason, message))).row("rollout_events")
    assert (row["event_kind"], row["canary_weight"], row["rollout_name"], row["actor"]) == (
        kind,
        weight,
        "shop",
        "rollouts-controller",
    )
    assert (row["time"], row["k8s_namespace_name"], row["reason"]) == (at("2026-03-03T09:00:00"), "prod", reason)


def test_an_event_of_another_object_is_a_note(tmp_path: Path) -> None:
    assert (
        load(tmp_path, listed(event("RolloutAborted", "x", kind="Pod"))).row("rollout_events")["event_kind"] == "note"
    )


def test_an_event_list_names_the_kind_of_its_items(tmp_path: Path) -> None:
    bare = {key: value for key, value in event("RolloutPaused", "p").items() if key not in ("kind", "apiVersion")}
    loaded = load(tmp_path, listed(bare, bare, kind="EventList"))
    assert [(row["record_no"], row["event_kind"]) for row in loaded.rows("rollout_events")] == [
        (1, "paused"),
        (2, "paused"),
    ]


def test_events_of_the_newer_api(tmp_path: Path) -> None:
    newer = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "prod"},
        "regarding": {"kind": "Rollout", "name": "shop"},
        "reason": "RolloutResumed",
        "note": "resumed",
        "eventTime": "2026-03-03T09:00:00.123456Z",
        "reportingController": "c",
    }
    row = load(tmp_path, listed(newer)).row("rollout_events")
    assert (row["event_kind"], row["message"], row["actor"], row["time"]) == (
        "resumed",
        "resumed",
        "c",
        at("2026-03-03T09:00:00.123456"),
    )


def test_a_rollout_is_a_state_and_its_conditions(tmp_path: Path) -> None:
    state, note = load(tmp_path, json.dumps(ROLLOUT)).rows("rollout_events")
    expected = {
        "event_kind": "state",
        "time": at("2026-03-03T09:10:00"),
        "canary_weight": 20.0,
        "step_index": 2,
        "canary_revision": "new",
        "baseline_revision": "old",
        "reason": "Paused",
    }
    assert {key: state[key] for key in expected} == expected
    assert (note["event_kind"], note["time"], note["reason"], note["record_no"]) == (
        "note",
        at("2026-03-03T09:05:00"),
        "RolloutPaused",
        1,
    )


def test_an_analysis_run(tmp_path: Path) -> None:
    run = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": "shop-1", "namespace": "prod", "ownerReferences": [{"name": "shop"}]},
        "status": {
            "phase": "Failed",
            "message": "metric errors failed",
            "startedAt": "2026-03-03T09:00:00Z",
            "metricResults": [
                {
                    "name": "errors",
                    "measurements": [
                        {"phase": "Successful", "value": "0.1", "finishedAt": "2026-03-03T09:01:00Z"},
                        {"phase": "Failed", "value": 9, "finishedAt": "2026-03-03T09:02:00Z"},
                    ],
                }
            ],
        },
    }
    rows = load(tmp_path, listed(run)).rows("rollout_events")
    assert [(row["event_kind"], row["time"].minute, row["message"]) for row in rows] == [
        ("analysis_started", 0, "shop-1"),
        ("measurement", 1, "errors = 0.1"),
        ("measurement", 2, "errors = 9"),
        ("analysis_failed", 2, "metric errors failed"),
    ]
    assert {row["rollout_name"] for row in rows} == {"shop"}


def test_pods_have_an_identity_for_each_address(tmp_path: Path) -> None:
    two = pod("shop-1", podIPs=[{"ip": "10.42.0.7"}, {"ip": "fd00::7"}])
    loaded = load(tmp_path, listed(two, pod("shop-2", podIP="10.42.0.8"), pod("shop-3")))
    rows = loaded.rows("identities")
    assert [(row["record_no"], row["address"], row["k8s_pod_name"]) for row in rows] == [
        (1, "10.42.0.7", "shop-1"),
        (1, "fd00::7", "shop-1"),
        (2, "10.42.0.8", "shop-2"),
    ]
    expected = {
        "service_version": "2.4.0",
        "image_digest": "sha256:aa",
        "revision": "new",
        "valid_from": at("2026-03-03T09:00:00"),
        "valid_to": None,
        "service_name": "shop",
    }
    assert {key: rows[0][key] for key in expected} == expected
    assert (loaded.entry.records, loaded.entry.accepted, loaded.entry.skipped) == (3, 2, {"pod without an address": 1})


def test_the_version_may_stand_in_the_image_only(tmp_path: Path) -> None:
    bare = pod("shop-1", podIP="10.42.0.7")
    bare["metadata"]["labels"] = {}
    assert load(tmp_path, listed(bare)).row("identities")["service_version"] == "2.4.0"


def test_other_kinds_are_skipped(tmp_path: Path) -> None:
    loaded = load(tmp_path, listed(event("RolloutPaused", "p"), {"apiVersion": "v1", "kind": "Node"}, {"kind": 5}, 7))
    assert loaded.numbers("rollout_events") == [1]
    assert loaded.entry.skipped == {"kind 5": 1, "kind Node": 1}
    assert loaded.reasons() == [(4, "not an object")]


YAML = """\
apiVersion: v1
kind: Event
metadata: {namespace: prod}
involvedObject: {kind: Rollout, name: shop}
reason: TrafficWeightUpdated
message: "Traffic weight updated to desired: 5"
firstTimestamp: 2026-03-03T09:00:00Z
---
---
apiVersion: v1
kind: Pod
metadata: {name: shop-1, labels: {1: one, version: 2.4}}
status: {podIP: 10.42.0.7, startTime: "2026-03-03T09:00:00Z"}
"""


def test_yaml_documents(tmp_path: Path) -> None:
    """Times need no quotes; a number as a label is text."""
    loaded = load(tmp_path, YAML)
    assert (loaded.row("rollout_events")["canary_weight"], loaded.row("rollout_events")["time"]) == (
        5.0,
        at("2026-03-03T09:00:00"),
    )
    identity = loaded.row("identities")
    assert (identity["record_no"], identity["service_version"], json.loads(identity["labels"])) == (
        2,
        "2.4",
        {"1": "one", "version": "2.4"},
    )


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        "a: &a [*a]",
        "a: !!python/object/apply:os.system [id]",
        "a: !!bool maybe",
        "a: !!int ''",
        "a: !!timestamp x",
        "? [a]\n: b",
        "a: " + "[" * 200_000,
        "\ta: b",
        "a: \x00",
    ],
)
def test_yaml_that_is_not_safe_is_one_reject(tmp_path: Path, body: str) -> None:
    """Aliases multiply, tags build objects, deep nesting ends libyaml's composer with a segmentation fault."""
    loaded = load(tmp_path, "apiVersion: v1\nkind: Pod\n" + body + "\n")
    assert (loaded.entry.records, loaded.entry.rejected) == (1, 1)
    assert loaded.rows("rejects")[0]["reason"].startswith("neither JSON nor YAML that is safe to read")


@pytest.mark.parametrize("junk", [None, 5, 10**30, 1e400, True, "x", [], [5], [[]], {}, {"a": {}}, "\ud800"])
def test_junk_anywhere(tmp_path: Path, junk: Any) -> None:
    good: list[dict[str, Any]] = [event("TrafficWeightUpdated", "to 5"), ROLLOUT, pod("shop-1", podIP="10.42.0.7")]
    spoiled = [{**thing, key: junk} for thing in good for key in thing]
    spoiled += [
        {**thing, part: {**thing[part], key: junk}}
        for thing in good
        for part in ("metadata", "status")
        if part in thing
        for key in thing[part]
    ]
    loaded = load(tmp_path, listed(*good, *spoiled))
    assert loaded.entry.records == len(good) + len(spoiled)


def test_events_without_a_time(tmp_path: Path) -> None:
    loaded = load(tmp_path, listed(event("RolloutPaused", "p", stamp="soon"), event("RolloutPaused", "p")))
    assert (loaded.numbers("rollout_events"), loaded.reasons()) == ([2], [(1, "event without a time")])
