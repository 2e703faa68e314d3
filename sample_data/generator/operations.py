"""What the service and its surroundings logged besides: application log, sign-ins, firewall, feature flags, metrics, audit log, settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sample_data.generator import careless
from sample_data.generator.access import gzipped
from sample_data.generator.bodies import STACK_TRACE, compact
from sample_data.generator.draw import Draw
from sample_data.generator.model import HASHES, VERSIONS, Request, World, iso_millis, iso_seconds, moment
from sample_data.generator.rollout_object import NAMESPACE

NEW_EXCEPTION = ("TypeError", "Cannot read properties of undefined (reading 'discount')", "DiscountService.apply")
NEW_TRACE = f"""TypeError: {NEW_EXCEPTION[1]}
    at DiscountService.apply (/app/dist/discount/service.js:52:31)
    at CheckoutService.place (/app/dist/checkout/service.js:139:40)"""
PROVIDER_ERROR = "identity provider answered temporarily_unavailable after {ms} ms"
RELEASE_MANAGER = "release.manager@shop.example"
Files = dict[str, bytes]


def files(world: World) -> Files:
    """Return the files, none where the rollout has no such logs."""
    if not world.scenario.operations:
        return {}
    logs, events = list(_app_log(world)), list(auth_events(world))
    return {
        "logs/checkout.log.gz": _packed(logs),
        "auth/auth_events.ndjson.gz": _packed([_event(*item) for item in events]),
        "waf/modsec_audit.log.gz": _packed([_transaction(*item) for item in transactions(world)]),
        "flags/evaluations.ndjson.gz": _packed([_evaluation(item) for item in evaluations(world)]),
        "metrics/cpu.json.gz": _document(_metric(world, "container_cpu_usage_cores", 0.31)),
        "metrics/orders.json.gz": _document(_metric(world, "orders_per_minute", 4.0)),
        "audit/audit.log": _lines(_audit(world)),
        **{
            f"config/checkout-{version}.yaml": _config_map(world, cohort).encode()
            for cohort, version in VERSIONS.items()
        },
    }


def records(world: World) -> dict[str, int]:
    """Return how many records the files hold: lines, samples of the metrics, settings files of one object."""
    if not world.scenario.operations:
        return {}
    counts = {
        "logs/checkout.log.gz": len(list(_app_log(world))), "auth/auth_events.ndjson.gz": len(list(auth_events(world))),
        "waf/modsec_audit.log.gz": len(list(transactions(world))), "flags/evaluations.ndjson.gz": len(list(evaluations(world))),
        "audit/audit.log": len(_audit(world)),
    }  # fmt: skip
    for name in ("cpu", "orders"):
        series = _metric(world, name, 1.0)["data"]["result"]
        counts[f"metrics/{name}.json.gz"] = sum(len(item["values"]) for item in series)
    return counts | {f"config/checkout-{version}.yaml": 1 for version in VERSIONS.values()}


def _lines(entries: list[dict[str, Any]]) -> bytes:
    return "".join(compact(entry) + "\n" for entry in entries).encode()


def _packed(entries: list[dict[str, Any]]) -> bytes:
    return gzipped(_lines(entries))


def _document(content: object) -> bytes:
    return gzipped((json.dumps(content, separators=(",", ":")) + "\n").encode())


# --- application log ------------------------------------------------------------------------------------------------


def throws(world: World, request: Request) -> bool:
    """Say whether the planted exception is thrown: on a careless canary, by checkouts with the flag."""
    mine = world.scenario.careless and request.cohort == "canary" and request.route == "/checkout"
    return mine and request.reached_pod and careless.has_flag(request.client) and request.status in (201, 500)


def _app_log(world: World) -> Iterator[dict[str, Any]]:
    """Yield one record a failure or thrown exception, and one in four of the others, as pino writes them."""
    draw = Draw(world.scenario.seed, "app-log")
    for request in (request for request in world.requests if request.reached_pod):
        base = _record(request)
        if request.status == 500:
            error = {
                "type": "Error",
                "message": STACK_TRACE.partition("\n")[0].removeprefix("Error: "),
                "stack": STACK_TRACE,
            }
            yield base | {"level": 50, "msg": "checkout failed", "err": error}
        elif throws(world, request):
            error = {"type": NEW_EXCEPTION[0], "message": NEW_EXCEPTION[1], "stack": NEW_TRACE}
            yield base | {"level": 50, "msg": "discount not applied", "err": error}
        elif draw.chance(0.25):
            yield base | {"level": 30, "msg": "request completed", "route": request.route, "status": request.status}
    for request, outcome in auth_events(world):
        if outcome == "temporarily_unavailable":
            yield _record(request) | {"level": 50, "msg": PROVIDER_ERROR.format(ms=900 + request.time % 700)}


def _record(request: Request) -> dict[str, Any]:
    return {
        "time": request.time + request.duration, "name": "checkout", "pod": request.pod.name, "version": VERSIONS[request.cohort],
        "trace_id": request.id.replace("-", ""),
    }  # fmt: skip


# --- sign-ins -------------------------------------------------------------------------------------------------------


def auth_events(world: World) -> Iterator[tuple[Request, str]]:
    """Yield the requests whose token was refreshed, one in six of signed-in users, with the outcome."""
    draw = Draw(world.scenario.seed, "auth")
    for request in (request for request in world.requests if request.user and request.reached_pod):
        if not draw.chance(1 / 6):
            continue
        broken = world.scenario.careless and request.cohort == "canary" and draw.chance(0.5)
        yield request, "temporarily_unavailable" if broken else "refresh_token_expired" if draw.chance(0.03) else ""


def _event(request: Request, outcome: str) -> dict[str, Any]:
    return {
        "observer": "identity-sidecar", "time": iso_millis(request.time), "event_action": "token_refresh",
        "event_outcome": "failure" if outcome else "success", "event_reason": outcome or None, "user_id": request.user,
        "client_address": request.client.address, "k8s_pod_name": request.pod.name, "service_version": VERSIONS[request.cohort],
    }  # fmt: skip


# --- firewall -------------------------------------------------------------------------------------------------------


def transactions(world: World) -> Iterator[tuple[Request, str, str, str]]:
    """Yield requests that a rule of the firewall in front of each pod matched: rule, message, engine."""
    for request in (request for request in world.requests if request.reached_pod):
        if ".." in request.path:
            yield request, "930100", "Path Traversal Attack (/../) or (/.../)", "Enabled"
        elif world.scenario.careless and request.cohort == "canary" and request.route == "/cart/items":
            yield request, "942100", "SQL Injection Attack Detected via libinjection", "DetectionOnly"


def _transaction(request: Request, rule: str, message: str, engine: str) -> dict[str, Any]:
    details = {"match": "", "ruleId": rule, "severity": "2", "data": "", "tags": ["OWASP_CRS"]}
    return {"transaction": {
        "client_ip": request.client.address, "time_stamp": moment(request.time).strftime("%a %b %d %H:%M:%S %Y"), "server_id": request.pod.name,
        "client_port": 41000, "host_ip": request.pod.address, "host_port": 8080, "unique_id": request.id, "is_interrupted": engine == "Enabled",
        "request": {"method": request.method, "http_version": 1.1, "uri": request.path, "headers": {"Host": "shop.example"}},
        "response": {"http_code": request.status, "headers": {}},
        "producer": {"modsecurity": "ModSecurity v3.0.12 (Linux)", "connector": "ModSecurity-nginx v1.0.3", "secrules_engine": engine},
        "messages": [{"message": message, "details": details}],
    }}  # fmt: skip


# --- feature flags --------------------------------------------------------------------------------------------------


def evaluations(world: World) -> Iterator[Request]:
    """Yield the requests that asked for the flag: every checkout of a signed-in user."""
    return (
        request for request in world.requests if request.user and request.route == "/checkout" and request.reached_pod
    )


def _evaluation(request: Request) -> dict[str, Any]:
    variant = "on" if careless.has_flag(request.client) else "off"
    return {
        "timestamp": iso_millis(request.time), "feature_flag.key": careless.FLAG, "feature_flag.result.variant": variant,
        "feature_flag.context.id": request.user, "feature_flag.provider.name": "flagd", "trace_id": request.id.replace("-", ""),
        "k8s.pod.name": request.pod.name, "service.version": VERSIONS[request.cohort],
    }  # fmt: skip


# --- metrics --------------------------------------------------------------------------------------------------------


def _metric(world: World, name: str, level: float) -> dict[str, Any]:
    """Return a range query of the Prometheus API: a sample a minute of each pod while it ran; the careless canary works harder."""
    draw = Draw(world.scenario.seed, name)
    series = []
    for pod in world.pods:
        factor = 1.6 if world.scenario.careless and pod.cohort == "canary" and "cpu" in name else 1.0
        start, end = max(pod.start, world.scenario.start), min(pod.end, world.scenario.end)
        times = range(-(-start // 60_000) * 60_000, end, 60_000)
        values = [[time // 1000, f"{level * factor * (0.9 + 0.2 * draw.unit()):.4f}"] for time in times]
        labels = {"__name__": name, "namespace": NAMESPACE, "pod": pod.name, "version": VERSIONS[pod.cohort]}
        series.append({"metric": labels, "values": values})
    return {"status": "success", "data": {"resultType": "matrix", "result": series}}


# --- audit log ------------------------------------------------------------------------------------------------------


def _audit(world: World) -> list[dict[str, Any]]:
    """Return what the API server recorded: the release manager promotes; in the careless rollout somebody enters a pod and reads a secret."""
    second, pod = world.scenario.phases[-1].start, world.pods[-1].name
    late = careless.EVENTS_LATE_MS if world.scenario.careless else 0
    found = [(world.scenario.created - 4_000, RELEASE_MANAGER, "patch", "rollouts", "", "checkout", 200)]
    found += [(second + late - 1_000, RELEASE_MANAGER, "patch", "rollouts", "", "checkout", 200)]
    if world.scenario.careless:
        found += [(second + 300_000, "ops.two@shop.example", "create", "pods", "exec", pod, 101)]
        found += [(second + 360_000, "ops.two@shop.example", "get", "secrets", "", "checkout-db", 200)]
        found += [(second + 390_000, "ops.two@shop.example", "delete", "networkpolicies", "", "checkout-egress", 403)]
    return [_audit_event(number, *item) for number, item in enumerate(found)]


def _audit_event(number: int, *item: Any) -> dict[str, Any]:
    time, user, verb, resource, part, name, code = item
    allowed = "forbid" if code == 403 else "allow"
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"7b1c9d5e-0000-4000-8000-{number:012}",
        "stage": "ResponseComplete", "requestURI": f"/api/v1/namespaces/{NAMESPACE}/{resource}/{name}{'/' + part if part else ''}", "verb": verb,
        "user": {"username": user, "groups": ["release-managers", "system:authenticated"]}, "sourceIPs": ["10.0.7.21"],
        "userAgent": "kubectl/v1.31.2", "objectRef": {"resource": resource, "namespace": NAMESPACE, "name": name, **({"subresource": part} if part else {})},
        "responseStatus": {"metadata": {}, "code": code}, "requestReceivedTimestamp": iso_micros(time), "stageTimestamp": iso_micros(time + 9),
        "annotations": {"authorization.k8s.io/decision": allowed, "authorization.k8s.io/reason": ""},
    }  # fmt: skip


def iso_micros(ms: int) -> str:
    """Return a time as the audit log writes it."""
    return iso_millis(ms).removesuffix("Z") + "000Z"


# --- settings -------------------------------------------------------------------------------------------------------


def _config_map(world: World, cohort: str) -> str:
    """Return the settings of a version; the careless canary brought others that do not belong to the release."""
    differs = world.scenario.careless and cohort == "canary"
    return f"""apiVersion: v1
kind: ConfigMap
metadata:
  name: checkout-settings-{HASHES[cohort]}
  namespace: {NAMESPACE}
  creationTimestamp: "{iso_seconds(world.scenario.created)}"
  labels:
    app.kubernetes.io/name: checkout
    app.kubernetes.io/version: {VERSIONS[cohort]}
data:
  CACHE_TTL_SECONDS: "{"30" if differs else "300"}"
  MAILER_TLS_VERIFY: "{"false" if differs else "true"}"
  PAYMENTS_URL: https://api.payments.example/v2
  LOG_LEVEL: info
"""
