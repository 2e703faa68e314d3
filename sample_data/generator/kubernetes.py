"""What kubectl exported about the rollout: the Rollout, its events, the AnalysisRun and the pods."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from sample_data.generator import careless, rollout_object
from sample_data.generator.images import REPOSITORY, digest_of, image
from sample_data.generator.model import BASELINE_HASH, CANARY_HASH, HASHES, VERSIONS, Pod, World, iso_seconds
from sample_data.generator.rollout_object import NAMESPACE, REVISION, ROLLOUT_UID, RUN_NAME, run_end

MINUTE = 60_000
LIMIT = 0.05
KEPT_MEASUREMENTS = 10
QUERY = (
    'sum(rate(istio_requests_total{destination_workload="checkout",destination_version="2.4.0",'
    'response_code=~"5.."}[30m])) / sum(rate(istio_requests_total{destination_workload="checkout",'
    'destination_version="2.4.0"}[30m]))'
)


def files(world: World) -> dict[str, bytes]:
    """Return the four exports."""
    return {
        "rollout/rollout.yaml": rollout_object.text(world).encode(),
        "rollout/events.json": _document(_list(_events(world))),
        "rollout/analysisrun.json": _document(_analysis_run(world)),
        "rollout/pods.json": _document(_list([_pod(pod) for pod in world.pods])),
    }


def _document(content: object) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


def _uid(name: str) -> str:
    word = hashlib.sha256(name.encode()).hexdigest()
    return f"{word[:8]}-{word[8:12]}-4{word[12:15]}-8{word[15:18]}-{word[18:30]}"


# --- events ---------------------------------------------------------------------------------------------------------


def timeline(world: World) -> list[tuple[int, str, str, str]]:
    """Return (time, type, reason, message) of the controller's events."""
    scenario, name = world.scenario, f"checkout-{CANARY_HASH}"
    found = [
        (scenario.created, "RolloutUpdated", f"Rollout updated to revision {REVISION}"),
        (
            scenario.created,
            "RolloutNotCompleted",
            f"Rollout not completed, started update to revision {REVISION} ({CANARY_HASH})",
        ),
        (scenario.created + 2_000, "NewReplicaSetCreated", f"Created ReplicaSet {name} (revision {REVISION})"),
        *_phase_events(world),
        *_ending(world),
    ]
    return [(time, _severity(reason), reason, message) for time, reason, message in sorted(found, key=lambda e: e[0])]


def _severity(reason: str) -> str:
    return "Warning" if reason == "RolloutAborted" else "Normal"


def _phase_events(world: World) -> list[tuple[int, str, str]]:
    """Return scaling, weight change, step and pause of every phase."""
    found: list[tuple[int, str, str]] = []
    replicas, weight, steps = 0, 0, len(world.scenario.steps)
    for number, planned in enumerate(world.scenario.phases):
        late = careless.EVENTS_LATE_MS if world.scenario.careless and number else 0
        phase = replace(planned, start=planned.start + late)
        wanted = -(-6 * phase.weight // 100)
        scaled = world.scenario.created + 3_000 if number == 0 else phase.start
        found += _resumed(phase.start, number, world.scenario.steps)
        found += _scaled(scaled, "up", replicas, wanted)
        found.append((phase.start, "TrafficWeightUpdated", f"Traffic weight updated from {weight} to {phase.weight}"))
        done = f"Rollout step {2 * number + 1}/{steps} completed (setWeight: {phase.weight})"
        found.append((phase.start + 1_000, "RolloutStepCompleted", done))
        if 2 * number + 1 < steps:
            found.append((phase.start + 1_000, "RolloutPaused", "Rollout is paused (CanaryPauseStep)"))
        found += _run_started(phase.start + 1_000) if number == 0 else []
        replicas, weight = wanted, phase.weight
    return found


def _scaled(time: int, direction: str, before: int, after: int) -> list[tuple[int, str, str]]:
    replica_set = f"checkout-{CANARY_HASH} (revision {REVISION})"
    message = f"Scaled {direction} ReplicaSet {replica_set} from {before} to {after}"
    return [(time, "ScalingReplicaSet", message)] if before != after else []


def _resumed(time: int, number: int, steps: tuple[str, ...]) -> list[tuple[int, str, str]]:
    if number == 0:
        return []
    done = f"Rollout step {2 * number}/{len(steps)} completed ({steps[2 * number - 1]})"
    return [(time, "RolloutStepCompleted", done), (time, "RolloutResumed", "Rollout is resumed")]


def _run_started(time: int) -> list[tuple[int, str, str]]:
    message = f"Background Analysis Run '{RUN_NAME}' Status New: 'Running' Previous: ''"
    return [(time, "AnalysisRunRunning", message)]


def _ending(world: World) -> list[tuple[int, str, str]]:
    """Return the abort or the completion; either way the gate saw nothing."""
    scenario, last = world.scenario, world.scenario.phases[-1]
    passed = f"Background Analysis Run '{RUN_NAME}' Status New: 'Successful' Previous: 'Running'"
    if scenario.completed_at:
        done, steps = scenario.completed_at, len(scenario.steps)
        completed = (
            f"Rollout completed update to revision {REVISION} ({CANARY_HASH}): Completed all {steps} canary steps"
        )
        down = f"Scaled down ReplicaSet checkout-{BASELINE_HASH} (revision {REVISION - 1}) from 6 to 0"
        return [
            (done, "RolloutStepCompleted", f"Rollout step {steps}/{steps} completed ({scenario.steps[-1]})"),
            (done, "AnalysisRunSuccessful", passed),
            (done, "RolloutCompleted", completed),
            (done + 30_000, "ScalingReplicaSet", down),
        ]
    stopped, replicas = last.end, -(-6 * last.weight // 100)
    return [
        (stopped, "RolloutAborted", f"Rollout aborted update to revision {REVISION}"),
        (stopped, "TrafficWeightUpdated", f"Traffic weight updated from {last.weight} to 0"),
        (stopped, "AnalysisRunSuccessful", passed),
        *_scaled(stopped + 30_000, "down", replicas, 0),
    ]


def _events(world: World) -> list[dict[str, Any]]:
    return [_event(number, *entry) for number, entry in enumerate(timeline(world))]


def _event(number: int, time: int, kind: str, reason: str, message: str) -> dict[str, Any]:
    name = f"checkout.{0x18A3F0C2D1E00000 + time * 1_000_000 % 0xFFFFFF + number:x}"
    return {
        "apiVersion": "v1",
        "count": 1,
        "eventTime": None,
        "firstTimestamp": iso_seconds(time),
        "involvedObject": {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "name": "checkout",
            "namespace": NAMESPACE,
            "uid": ROLLOUT_UID,
        },
        "kind": "Event",
        "lastTimestamp": iso_seconds(time),
        "message": message,
        "metadata": {
            "creationTimestamp": iso_seconds(time),
            "name": name,
            "namespace": NAMESPACE,
            "resourceVersion": str(9_184_000 + number),
            "uid": _uid(name),
        },
        "reason": reason,
        "reportingComponent": "",
        "reportingInstance": "",
        "source": {"component": "rollouts-controller"},
        "type": kind,
    }


# --- analysis run ---------------------------------------------------------------------------------------------------


def _analysis_run(world: World) -> dict[str, Any]:
    """Return the background gate on the error rate, which never failed."""
    scenario = world.scenario
    metric = {
        "name": "error-rate",
        "interval": "5m",
        "initialDelay": "10m",
        "failureLimit": 0,
        "successCondition": f"isNaN(result[0]) || result[0] <= {LIMIT}",
        "provider": {"prometheus": {"address": "http://prometheus.observability:9090", "query": QUERY}},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {
            "annotations": {"rollout.argoproj.io/revision": str(REVISION)},
            "creationTimestamp": iso_seconds(scenario.phases[0].start + 1_000),
            "labels": {"rollout-type": "Background", "rollouts-pod-template-hash": CANARY_HASH},
            "name": RUN_NAME,
            "namespace": NAMESPACE,
            "ownerReferences": [_owner("argoproj.io/v1alpha1", "Rollout", "checkout", ROLLOUT_UID)],
            "uid": _uid(RUN_NAME + scenario.name),
        },
        "spec": {"metrics": [metric]},
        "status": _run_status(world),
    }


def _run_status(world: World) -> dict[str, Any]:
    measurements = _measurements(world)
    result = {
        "count": len(measurements),
        "successful": len(measurements),
        "measurements": measurements[-KEPT_MEASUREMENTS:],
        "name": "error-rate",
        "phase": "Successful",
    }
    return {
        "completedAt": iso_seconds(run_end(world)),
        "metricResults": [result],
        "phase": "Successful",
        "runSummary": {"count": 1, "successful": 1},
        "dryRunSummary": {},
        "startedAt": iso_seconds(world.scenario.phases[0].start + 1_000),
    }


def _measurements(world: World) -> list[dict[str, Any]]:
    """Return a measurement each five minutes; the controller keeps only the last ten of them."""
    first = world.scenario.phases[0].start + 10 * MINUTE
    values = [(time, error_rate(world, time)) for time in range(first + 1_000, run_end(world), 5 * MINUTE)]
    if any(value > LIMIT for _, value in values):
        raise ValueError(f"this seed lets the gate fail: {values}")
    return [
        {
            "finishedAt": iso_seconds(time),
            "metadata": {"ResolvedPrometheusQuery": QUERY},
            "phase": "Successful",
            "startedAt": iso_seconds(time),
            "value": f"[{value}]",
        }
        for time, value in values
    ]


def error_rate(world: World, time: int) -> float:
    """Return the canary's share of server errors in the half hour before a time."""
    answers = [r.status for r in world.requests if r.cohort == "canary" and time - 30 * MINUTE <= r.time < time]
    return round(sum(status >= 500 for status in answers) / len(answers), 6) if answers else 0.0


# --- pods ------------------------------------------------------------------------------------------------------------


def _owner(api: str, kind: str, name: str, uid: str) -> dict[str, Any]:
    return {
        "apiVersion": api,
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": kind,
        "name": name,
        "uid": uid,
    }


def _pod(pod: Pod) -> dict[str, Any]:
    """Return a pod as it was while both replica sets ran."""
    replica_set, started = f"checkout-{HASHES[pod.cohort]}", iso_seconds(pod.start)
    labels = {"app": "checkout", "app.kubernetes.io/name": "checkout"}
    labels |= {"app.kubernetes.io/version": VERSIONS[pod.cohort], "rollouts-pod-template-hash": HASHES[pod.cohort]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "creationTimestamp": started,
            "labels": labels,
            "name": pod.name,
            "namespace": NAMESPACE,
            "ownerReferences": [_owner("apps/v1", "ReplicaSet", replica_set, _uid(replica_set))],
            "uid": _uid(pod.name),
        },
        "spec": {
            "containers": [{"image": image(pod.cohort), "name": "checkout", "ports": [{"containerPort": 8080}]}],
            "nodeName": "node-1",
            "serviceAccountName": "checkout",
        },
        "status": _pod_status(pod, started),
    }


def _pod_status(pod: Pod, started: str) -> dict[str, Any]:
    container = {
        "containerID": "containerd://" + hashlib.sha256(pod.name.encode()).hexdigest(),
        "image": image(pod.cohort),
        "imageID": f"{REPOSITORY}@{digest_of(pod)}",
        "name": "checkout",
        "ready": True,
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": iso_seconds(pod.start + 5_000)}},
    }
    return {
        "containerStatuses": [container],
        "hostIP": "192.0.2.11",
        "phase": "Running",
        "podIP": pod.address,
        "podIPs": [{"ip": pod.address}],
        "startTime": started,
    }
