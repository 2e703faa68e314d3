"""The canary.toml of a rollout."""

from __future__ import annotations

from datetime import date

from sample_data.generator.images import digest
from sample_data.generator.model import (
    BASELINE_VERSION,
    CANARY_VERSION,
    HASHES,
    SUBSETS,
    VERSIONS,
    Scenario,
    World,
    moment,
)
from sample_data.generator.toml import Value, table

ZONES = (("pods", "10.42.0.0/16", "internal"), ("services", "10.43.0.0/16", "internal"),
         ("datastores", "10.60.0.0/24", "datastore"))  # fmt: skip


def files(world: World) -> dict[str, bytes]:
    """Return the configuration."""
    scenario = world.scenario
    tables = [_release(), _window(scenario), *_phases(scenario), *_cohorts(), *_zones(), _allow(), *_policy(scenario)]
    head = f"# Configuration of the sample rollout {scenario.name}; pods and addresses come from rollout/pods.json.\n\n"
    return {"canary.toml": (head + "\n".join(tables)).encode()}


def _release() -> str:
    values: dict[str, Value] = {"service": "checkout", "baseline_version": BASELINE_VERSION}
    values |= {"canary_version": CANARY_VERSION, "baseline_digest": digest("baseline")}
    return table("release", values | {"canary_digest": digest("canary")})


def _window(scenario: Scenario) -> str:
    values: dict[str, Value] = {"start": moment(scenario.start), "end": moment(scenario.end)}
    if scenario.rollback_at:
        values["rollback_at"] = moment(scenario.rollback_at)
    return table("window", values | {"outcome": scenario.outcome})


def _phases(scenario: Scenario) -> list[str]:
    return [
        table("phase", {"name": p.name, "start": moment(p.start), "end": moment(p.end), "weight": p.weight}, many=True)
        for p in scenario.phases
    ]


def _cohorts() -> list[str]:
    """Return rules by version, by the mesh's subset and by pod name, in this order."""
    rules: list[dict[str, Value]] = []
    for cohort, version in reversed(VERSIONS.items()):
        rules.append({"cohort": cohort, "table": "*", "column": "service_version", "equals": version})
    for cohort, subset in reversed(SUBSETS.items()):
        rules.append(
            {"cohort": cohort, "table": "http_requests", "column": "upstream_cluster", "glob": f"*|{subset}|*"}
        )
    for cohort, code in reversed(HASHES.items()):
        rules.append({"cohort": cohort, "table": "*", "column": "k8s_pod_name", "glob": f"checkout-{code}-*"})
    return [table("cohort", rule, many=True) for rule in rules]


def _zones() -> list[str]:
    return [table("zone", {"name": name, "cidrs": [cidr], "kind": kind}, many=True) for name, cidr, kind in ZONES]


def _allow() -> str:
    values: dict[str, Value] = {"destination": "api.payments.example:443", "owner": "payments-team"}
    return table("allow", values | {"reason": "card payments", "expires": date(2027, 3, 31)}, many=True)


def _policy(scenario: Scenario) -> list[str]:
    if scenario.name != "checkout-compromised":
        return []
    return [table("policy", {"file": "policy/policy.toml", "bindings": "policy/bindings.toml"}, many=True)]
