"""The expected.toml of a rollout: what was planted, counted in the model and never in the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sample_data.generator import access, careless, exchanges, kubernetes, operations, outbound, sbom
from sample_data.generator.model import Request, Scenario, World, iso_seconds
from sample_data.generator.toml import Value, table

VERDICTS = {
    "checkout-compromised": ("block", "five faults, all on the canary only"),
    "checkout-clean": ("pass", "canary and baseline behave alike"),
    "checkout-thin": ("inconclusive", "too little canary evidence: twelve minutes at one per cent"),
    "checkout-careless": (
        "block",
        "a pod runs an undeclared image; the rollout itself was not sound, and the canary has faults of configuration",
    ),
}
INCIDENTS: tuple[dict[str, Value], ...] = (
    {"key": "phone_home", "family": "outbound", "destination": "collect.pixel-sync.example", "destination_port": 443,
     "address": "203.0.113.77", "changed_component": "pkg:npm/cdn-metrics-helper@1.0.3", "severity_at_least": "high"},
    {"key": "open_admin_reports", "family": "access", "method": "GET", "route": "/admin/reports",
     "principal": "anonymous", "severity_at_least": "high"},
    {"key": "stack_traces", "family": "disclosure", "method": "POST", "route": "/checkout",
     "internal_host": "inventory-db-0.inventory-db.shop.svc.cluster.local", "internal_address": "10.60.0.10",
     "severity_at_least": "medium"},
    {"key": "hsts_lost", "family": "headers", "header": "strict-transport-security", "route": "*",
     "severity_at_least": "medium"},
    {"key": "order_contact_email", "family": "disclosure", "method": "GET", "route": "/orders/{id}",
     "property": "customerContact.email", "class": "email", "severity_at_least": "medium"},
)  # fmt: skip
MUST_NOT: tuple[dict[str, Value], ...] = (
    {"key": "profile_email", "entity": "GET /api/v1/profile email", "reason": "both cohorts answer it: pre-existing"},
    {"key": "scanners", "entity": "/.env /wp-login.php /static/../../../../etc/passwd",
     "reason": "internet scanners, refused alike on both cohorts"},
    {"key": "expired_sessions", "entity": "401 on signed-in routes", "reason": "steady on both cohorts"},
    {"key": "flaky_upstream", "entity": "503 UC and the retry after it", "reason": "steady on both cohorts"},
    {"key": "rate_limit", "entity": "429 RL", "reason": "steady on both cohorts"},
    {"key": "checkout_failures", "entity": "500 rate of POST /checkout", "reason": "equal rate on both cohorts"},
    {"key": "admin_users", "entity": "GET /admin/users", "reason": "denied to anonymous clients on both cohorts"},
    {"key": "usual_destinations", "entity": " ".join(f"{d.name}:{d.port}" for d in outbound.NORMAL),
     "reason": "used by both cohorts"},
    {"key": "search_domain", "entity": "api.mailer.example.shop.svc.cluster.local NXDOMAIN",
     "reason": "resolver search domain, both cohorts"},
    {"key": "version_bumps", "entity": "undici zod", "reason": "harmless updates"},
)  # fmt: skip
WISHLIST: dict[str, Value] = {
    "key": "new_route", "entity": "GET /api/v1/wishlist", "reason": "a feature of 2.4.0, signed-in users only"
}  # fmt: skip
# What a careless rollout does differ in.
NOT_STEADY = {"rate_limit"}
# What the checks of the rollout itself must find in it, and nowhere else.
FIRES = (
    "config.auth_provider_errors", "config.rate_limited_higher", "config.tls_failures_higher", "config.waf_rate_higher", "config.waf_rule_new",
    "logs.new_error_message", "logs.new_exception", "rollout.baseline_changed_after_rollback", "rollout.caller_on_both_versions",
    "rollout.clock_offset", "rollout.cohort_not_representative", "rollout.configuration_drift", "rollout.data_gap", "rollout.image_digest",
    "rollout.people_inside", "rollout.phases_disagree", "rollout.sampling_rate", "rollout.traffic_after_rollback", "rollout.traffic_share",
)  # fmt: skip


def files(world: World) -> dict[str, bytes]:
    """Return the truth."""
    scenario = world.scenario
    outcome, reason = VERDICTS[scenario.name]
    tables = ["schema_version = 1\n", table("verdict", {"outcome": outcome, "reason": reason})]
    if scenario.faulty:
        tables += [table("incident", incident, many=True) for incident in INCIDENTS]
    tables += [table("must_not", entry | {"severity": "medium"}, many=True) for entry in _must_not(scenario)]
    tables += [*_records(world), *_requests(world), *_exchanges(world), *_network(world), *_components(world)]
    tables += _planted(world) if scenario.faulty else []
    tables += _careless(world) if scenario.careless else []
    return {
        "expected.toml": ("# The truth about this rollout, counted in the generator.\n\n" + "\n".join(tables)).encode()
    }


def _must_not(scenario: Scenario) -> Iterable[dict[str, Value]]:
    if scenario.careless:
        return (entry for entry in MUST_NOT if entry["key"] not in NOT_STEADY)
    return (*MUST_NOT, WISHLIST) if scenario.wishlist else MUST_NOT


def _records(world: World) -> list[str]:
    """Return the records of every file: lines without headers, or entries of a document."""
    gateways = Counter(access.GATEWAYS[r.gateway] for r in world.requests)
    gateways[access.GATEWAYS[0]] += len(world.garbage)
    values: dict[str, Value] = {}
    for number, name in enumerate(access.GATEWAYS):
        if gateways[name]:
            values[f"access/envoy-{name}.log" + ("" if number else ".gz")] = gateways[name]
    tls = sum(c.server_name is not None for c in world.connections)
    values |= {"network/conn.log": len(world.connections) + len(world.lookups), "network/dns.log": len(world.lookups)}
    values |= {"network/ssl.log": tls, exchanges.file_name(world): len(world.sampled)}
    values |= {"samples/browser.har": len(world.tester), "rollout/pods.json": len(world.pods)}
    values |= {"rollout/events.json": len(kubernetes.timeline(world)), **operations.records(world)}
    return [table("records", values)]


def _requests(world: World) -> list[str]:
    """Return request counts of the access logs per cohort and period, statuses, and who was pinned where."""
    found = [_by_period("requests", world, world.requests)]
    found.append(table("requests.unknown", {"no_http": len(world.garbage)}))
    for cohort in ("baseline", "canary"):
        statuses = Counter(str(r.status) for r in _rolling(world) if r.cohort == cohort)
        found.append(table(f"status_in_phases.{cohort}", dict(sorted(statuses.items()))))
    found.append(_pinning(world))
    anonymous = [r for r in world.requests if _anonymous_report(r)]
    return [*found, *_denials(world, anonymous)]


def _anonymous_report(request: Request) -> bool:
    return request.route == "/admin/reports" and request.user is None


def _denials(world: World, anonymous: list[Request]) -> list[str]:
    """Return what anonymous clients got from the reports, in the phases."""
    inside = [r for r in anonymous if world.scenario.phase_at(r.time)]
    found = []
    for cohort in ("baseline", "canary"):
        mine = [r for r in inside if r.cohort == cohort]
        values: dict[str, Value] = {"total": len(mine), "denied": sum(r.status == 401 for r in mine)}
        values |= {"answered": sum(r.status == 200 for r in mine), "clients": len({r.client.address for r in mine})}
        found.append(table(f"anonymous_admin_reports.{cohort}", values))
    return found


def _rolling(world: World) -> list[Request]:
    return [r for r in world.requests if world.scenario.phase_at(r.time)]


def _by_period(name: str, world: World, requests: Iterable[Request]) -> str:
    """Return one table a cohort with a count for every period."""
    periods = ["before", *(phase.name for phase in world.scenario.phases), "after"]
    counts = Counter((r.cohort, world.scenario.period(r.time)) for r in requests)
    cohorts = ("baseline", "canary")
    return "\n".join(table(f"{name}.{cohort}", {p: counts[cohort, p] for p in periods}) for cohort in cohorts)


def _pinning(world: World) -> str:
    """Return how many users both versions served: none inside a phase, some over the rollout as weights change."""
    within: dict[tuple[str, str], set[str]] = {}
    overall: dict[str, set[str]] = {}
    for request in (r for r in world.requests if r.user):
        within.setdefault((str(request.user), world.scenario.period(request.time)), set()).add(request.cohort)
        overall.setdefault(str(request.user), set()).add(request.cohort)
    values: dict[str, Value] = {"users_on_both_within_a_phase": sum(len(c) > 1 for c in within.values())}
    values |= {"users_on_both_over_the_rollout": sum(len(c) > 1 for c in overall.values()), "users": len(overall)}
    canary = {r.user for r in world.requests if r.user and r.cohort == "canary"}
    return table("pinning", values | {"users_on_canary": len(canary)})


def _exchanges(world: World) -> list[str]:
    kept = [request for request, _ in world.sampled]
    har = Counter(request.cohort for request in world.tester)
    failures = Counter(r.cohort for r in kept if r.status == 500)
    profile = Counter(r.cohort for r in kept if r.route == "/api/v1/profile" and r.status == 200)
    return [
        _by_period("exchanges", world, kept),
        table("har_entries", {"baseline": har["baseline"], "canary": har["canary"]}),
        table("exchanges_with_status_500", {"baseline": failures["baseline"], "canary": failures["canary"]}),
        table("exchanges_with_profile_email", {"baseline": profile["baseline"], "canary": profile["canary"]}),
    ]


def _network(world: World) -> list[str]:
    """Return connections per cohort and destination, over the whole window."""
    found = []
    for cohort in ("baseline", "canary"):
        mine = [c for c in world.connections if c.pod.cohort == cohort]
        lookups = sum(u.pod.cohort == cohort for u in world.lookups)
        totals: dict[str, Value] = {"tcp": len(mine), "dns": lookups, "tls": sum(bool(c.server_name) for c in mine)}
        found.append(table(f"connections.{cohort}", totals))
        per = Counter(f"{c.destination}:{c.destination_port}" for c in mine)
        found.append(table(f"destinations.{cohort}", dict(sorted(per.items()))))
    return found


def _components(world: World) -> list[str]:
    before = {c.name: c for c in sbom.components(world, "baseline")}
    after = {c.name: c for c in sbom.components(world, "canary")}
    changed = [f"{n} {before[n].version} -> {c.version}" for n, c in after.items() if n in before and c != before[n]]
    values: dict[str, Value] = {"baseline": len(before), "canary": len(after), "changed": changed}
    values |= {"added": [c.purl for n, c in after.items() if n not in before], "removed": []}
    return [table("components", values)]


def _planted(world: World) -> list[str]:
    return [_phone_home(world), _open_admin(world), _stack_traces(world), _hsts(world), _order_emails(world)]


def _phone_home(world: World) -> str:
    calls = outbound.PHONE_HOME
    pod = next(pod for pod in world.pods if pod.cohort == "canary")
    values: dict[str, Value] = {"destination": "collect.pixel-sync.example", "address": "203.0.113.77", "port": 443}
    values |= {"pod": pod.name, "pod_address": pod.address, "component": "pkg:npm/cdn-metrics-helper@1.0.3"}
    values |= {"connections": 2, "dns_lookups": 2, "tls_handshakes": 2, "baseline_connections": 0}
    values |= {"times": [iso_seconds(call.time) for call in calls], "bytes_up": sum(call.sent for call in calls)}
    values |= {"bytes_down": sum(call.received for call in calls), "bytes_up_each": [str(c.sent) for c in calls]}
    return table("planted.phone_home", values)


def _open_admin(world: World) -> str:
    hits = [r for r in world.requests if _anonymous_report(r) and r.cohort == "canary"]
    denied = [r for r in world.requests if _anonymous_report(r) and r.cohort == "baseline"]
    kept = [r for r, _ in world.sampled if _anonymous_report(r)]
    values: dict[str, Value] = {"route": "/admin/reports", "canary_answered_200": len(hits)}
    values |= {"canary_clients": len({r.client.address for r in hits}), "first": iso_seconds(min(r.time for r in hits))}
    values |= {"last": iso_seconds(max(r.time for r in hits)), "baseline_denied_401": len(denied)}
    values |= {"canary_exchanges": sum(r.cohort == "canary" for r in kept)}
    return table(
        "planted.open_admin_reports", values | {"baseline_exchanges": sum(r.cohort == "baseline" for r in kept)}
    )


def _stack_traces(world: World) -> str:
    failed = [r for r in world.requests if r.cohort == "canary" and r.status == 500]
    kept = [r for r, _ in world.sampled if r.cohort == "canary" and r.status == 500]
    values: dict[str, Value] = {"route": "/checkout", "language": "node", "canary_requests": len(failed)}
    values |= {
        "canary_exchanges": len(kept),
        "baseline_exchanges": 0,
        "first": iso_seconds(min(r.time for r in failed)),
    }
    return table("planted.stack_traces", values | {"last": iso_seconds(max(r.time for r in failed))})


def _hsts(world: World) -> str:
    kept = Counter(r.cohort for r, _ in world.sampled)
    har = Counter(r.cohort for r in world.tester)
    values: dict[str, Value] = {"header": "strict-transport-security", "canary_exchanges_without": kept["canary"]}
    values |= {"canary_har_entries_without": har["canary"], "baseline_exchanges_without": 0}
    return table("planted.hsts_lost", values | {"baseline_har_entries_without": 0})


def _order_emails(world: World) -> str:
    orders = [r for r in world.requests if r.route == "/orders/{id}" and r.status == 200 and r.cohort == "canary"]
    kept = [r for r, _ in world.sampled if r.route == "/orders/{id}" and r.status == 200]
    mine = [r for r in kept if r.cohort == "canary"]
    values: dict[str, Value] = {"route": "/orders/{id}", "property": "customerContact.email"}
    values |= {"canary_requests": len(orders), "canary_users": len({r.user for r in orders})}
    values |= {"canary_exchanges": len(mine), "distinct_emails_in_exchanges": len({r.client.email for r in mine})}
    values |= {"baseline_exchanges_of_the_route": len(kept) - len(mine), "baseline_exchanges_with_property": 0}
    return table("planted.order_contact_email", values)


def _careless(world: World) -> list[str]:
    """Return what is wrong with the rollout, in numbers of the model."""
    scenario = world.scenario
    found = [table("fires", {"detectors": FIRES})]
    for phase in scenario.phases:
        mine = [r for r in world.requests if phase.start <= r.time < phase.end]
        values: dict[str, Value] = {"phase": phase.name, "configured_percent": phase.weight, "requests": len(mine)}
        found.append(table("traffic_share", values | {"canary": sum(r.cohort == "canary" for r in mine)}, many=True))
    late = [r for r in world.requests if r.cohort == "canary" and r.time >= (scenario.rollback_at or 0) + 60_000]
    thrown = [r for r in world.requests if operations.throws(world, r) and r.status != 500]
    provider = Counter((r.cohort, why) for r, why in operations.auth_events(world) if why == "temporarily_unavailable")
    rules = Counter(rule for _, rule, _, _ in operations.transactions(world))
    failed = Counter((c.pod.cohort, c.is_established) for c in world.connections if c.server_name == careless.MAILER)
    values = {
        "requests_a_minute_after_rollback": len(late),
        "clock_offset_seconds": careless.CLOCK_MS // 1000,
        "gap_minutes": 11,
    }
    values |= {
        "moved_tag_pod": world.pods[-1].name,
        "exception_type": operations.NEW_EXCEPTION[0],
        "exceptions": len(thrown),
    }
    values |= {"exception_callers": len({r.user for r in thrown}), "flag": careless.FLAG, "variant": "on"}
    values |= {
        "provider_errors": sum(provider.values()),
        "waf_detected": rules["942100"],
        "waf_blocked": rules["930100"],
    }
    values |= {"mailer_failed": failed["canary", False], "mailer_established_on_canary": failed["canary", True]}
    return [*found, table("careless", values)]
