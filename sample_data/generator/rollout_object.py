"""The Argo Rollout object, as YAML, with its status at the end of the window."""

from __future__ import annotations

from sample_data.generator.images import digest, image
from sample_data.generator.model import BASELINE_HASH, CANARY_HASH, CANARY_VERSION, World, iso_seconds

NAMESPACE = "shop"
REVISION = 42
ROLLOUT_UID = "6f0d5c1e-2a7b-4c55-9a41-7d0f3b8e2c10"
RUN_NAME = f"checkout-{CANARY_HASH}-{REVISION}"
ABORT_MESSAGE = f"RolloutAborted: Rollout aborted update to revision {REVISION}: operator decision"


def run_end(world: World) -> int:
    """Return when the background analysis ended, which is when the rollout did."""
    return world.scenario.completed_at or world.scenario.phases[-1].end


def text(world: World) -> str:
    """Return the whole object."""
    return (
        _head() + _spec(_steps(world)) + (_aborted(world) if world.scenario.completed_at is None else _healthy(world))
    )


def _head() -> str:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  annotations:
    rollout.argoproj.io/revision: "{REVISION}"
  creationTimestamp: "2025-06-11T07:40:00Z"
  generation: {REVISION}
  labels:
    app: checkout
  name: checkout
  namespace: {NAMESPACE}
  uid: {ROLLOUT_UID}
"""


def _spec(steps: str) -> str:
    return f"""spec:
  replicas: 6
  selector:
    matchLabels:
      app: checkout
  strategy:
    canary:
      canaryService: checkout-canary
      stableService: checkout-stable
      trafficRouting:
        istio:
          destinationRule:
            canarySubsetName: canary
            name: checkout
            stableSubsetName: stable
          virtualService:
            name: checkout
      analysis:
        startingStep: 1
        templates:
        - templateName: error-rate
      steps:
{steps}
  template:
    metadata:
      labels:
        app: checkout
        app.kubernetes.io/version: {CANARY_VERSION}
    spec:
      containers:
      - image: {image("canary")}@{digest("canary")}
        name: checkout
        ports:
        - containerPort: 8080
      serviceAccountName: checkout
"""


def _steps(world: World) -> str:
    lines = []
    for step in world.scenario.steps:
        kind, value = step.split(": ")
        lines.append(f"      - setWeight: {value}" if kind == "setWeight" else f"      - pause: {{duration: {value}}}")
    return "\n".join(lines)


def _status(weight: int, stable: str) -> str:
    """Return what a status says either way."""
    return f"""  availableReplicas: 6
  canary:
    currentBackgroundAnalysisRunStatus:
      name: {RUN_NAME}
      status: Successful
    weights:
      canary:
        podTemplateHash: {CANARY_HASH}
        weight: {weight}
      stable:
        podTemplateHash: {stable}
        weight: {100 - weight}
  currentPodHash: {CANARY_HASH}
  observedGeneration: "{REVISION}"
  readyReplicas: 6
  replicas: 6
  stableRS: {stable}
"""


def _condition(ended: str, kind: str, reason: str, message: str) -> str:
    state = "False" if reason == "RolloutAborted" else "True"
    return f"""  conditions:
  - lastTransitionTime: "{ended}"
    lastUpdateTime: "{ended}"
    message: {message}
    reason: {reason}
    status: "{state}"
    type: {kind}
"""


def _aborted(world: World) -> str:
    ended = iso_seconds(run_end(world))
    head = f"status:\n  abort: true\n  abortedAt: \"{ended}\"\n  message: '{ABORT_MESSAGE}'\n"
    message = f"Rollout aborted update to revision {REVISION}"
    condition = _condition(ended, "Progressing", "RolloutAborted", message)
    tail = "  currentStepIndex: 0\n  phase: Degraded\n  updatedReplicas: 0\n"
    return head + _status(0, BASELINE_HASH) + condition + tail


def _healthy(world: World) -> str:
    condition = _condition(iso_seconds(run_end(world)), "Healthy", "RolloutHealthy", "Rollout is healthy")
    tail = f"  currentStepIndex: {len(world.scenario.steps)}\n  phase: Healthy\n  updatedReplicas: 6\n"
    return "status:\n" + _status(100, CANARY_HASH) + condition + tail
