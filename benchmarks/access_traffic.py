"""Healthy rollouts for benchmarks/access_rollouts.py: 40 routes, 6 kinds of callers, 3 tenants, and the noise of real traffic.

Callers: anonymous ones, customers, support, auditors, managers, administrators. Baseline and canary behave alike. Noise: sessions that expired, bots
and a scanner, retries, a flaky upstream, a route that only the canary has, a renamed route, and a partner with a sixth of the requests.
"""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
ROLES = ("customer", "support", "auditor", "manager", "admin")
TENANTS = ("north", "south", "west")
CANARY, BASELINE = "2.4.0", "2.3.9"
CANARY_SHARE = 0.1
ORIGIN = 1_772_524_800  # 2026-03-03 08:00:00 UTC; the canary runs from 09:00 to 10:00
_OPEN = ("/", "/catalog/{id}", "/search", "/help", "/login", "/logout")
_OWN = ("/orders/{id}", "/carts/{id}", "/profile", "/addresses", "/payments", "/checkout", "/wishlist", "/returns/{id}")
_STAFF = ("/tickets/{id}", "/tickets", "/customers/{id}", "/refunds", "/notes/{id}", "/queue")
_AUDIT = ("/audit/events", "/audit/exports", "/reports/sales", "/reports/tax", "/ledger")
_MANAGE = ("/prices", "/campaigns", "/campaigns/{id}", "/stock", "/stock/{id}", "/suppliers", "/forecast")
_ADMIN = ("/admin/users", "/admin/users/{id}", "/admin/roles", "/admin/keys", "/admin/flags", "/admin/jobs", "/admin/backup", "/admin/settings")  # fmt: skip
ALLOWED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_OPEN, ("anonymous", *ROLES)),
    **dict.fromkeys(_OWN, ROLES),
    **dict.fromkeys(_STAFF, ("support", "manager", "admin")),
    **dict.fromkeys(_AUDIT, ("auditor", "admin")),
    **dict.fromkeys(_MANAGE, ("manager", "admin")),
    **dict.fromkeys(_ADMIN, ("admin",)),
}
PROTECTED = (*_OWN, *_STAFF, *_AUDIT, *_MANAGE, *_ADMIN)
POSTED = ("/login", "/logout", "/checkout", "/refunds", "/payments")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"


def stamp(second: float) -> str:
    """Return the time of a second after 08:00."""
    whole = int(second)
    return f"2026-03-03 {8 + whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{int(second % 1 * 1e6):06}"


def part(value: Row) -> str:
    """Return one part of a JSON Web Token."""
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def token(head: Row, claims: Row, signature: str = "c2lnbmF0dXJl") -> str:
    """Return a token; nobody verifies its signature."""
    return f"{part({'alg': 'RS256', 'kid': 'k1'} | head)}.{part(claims)}.{signature}"


@dataclass(frozen=True)
class Caller:
    """Who asks: anonymous ones have a client only."""

    name: str
    role: str
    tenant: str
    client: str
    version: str
    kind: str

    def claims(self, second: float) -> Row:
        """Return the claims of a token issued some minutes before."""
        now = ORIGIN + int(second)
        return {
            "iss": "https://id.shop.example", "aud": "checkout", "sub": self.name, "roles": [self.role], "tenant": self.tenant,
            "iat": now - 600, "exp": now + 3000,
        }  # fmt: skip


@dataclass
class Rollout:
    """Rows of one rollout by table."""

    http_requests: list[Row] = field(default_factory=list)
    http_exchanges: list[Row] = field(default_factory=list)
    auth_events: list[Row] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)


def headers(values: Row) -> list[Row]:
    """Return headers as the tables hold them."""
    return [{"name": name, "value": value} for name, value in values.items()]


def callers(chance: random.Random) -> list[Caller]:
    """Return 240 accounts and 80 anonymous clients, a tenth of each on the canary."""
    found = []
    for number in range(320):
        role = "anonymous" if number >= 240 else ROLES[min(number // 40, 4) if number < 160 else number % 5]
        version = CANARY if chance.random() < CANARY_SHARE else BASELINE
        kind = "anon" if role == "anonymous" else "bearer" if number % 2 else "cookie"
        client = f"203.0.{number // 200 + 113}.{number % 200 + 1}"
        found.append(Caller(f"acct-{number:04}", role, TENANTS[number % 3], client, version, kind))
    return found


def body(route: str, caller: Caller, number: int) -> str:
    """Return an answer as JSON, each route with properties of its own; orders name their owner."""
    name = route.strip("/").replace("/{id}", "").replace("/", "_") or "home"
    return json.dumps(
        {"id": number, f"{name}_title": "x", "total": 12.5} | ({"user_id": caller.name} if "orders" in route else {})
    )


def session(caller: Caller, second: float, status: int) -> str:
    """Return the session of a caller, a new one every ten minutes; what is answered 401 came with the one before."""
    return f"s-{caller.name}-{int(second // 600) - (status == 401)}"


def request(caller: Caller, route: str, second: float, status: int, number: int = 7, **more: Any) -> Row:
    """Return a row of the access log."""
    known = {} if caller.role == "anonymous" else {
        "user_id": caller.name, "user_role": caller.role,
        "session_id": session(caller, second, status) if caller.kind == "cookie" else None,
    }  # fmt: skip
    return {
        "time": stamp(second), "observer": "envoy", "service_version": caller.version, "http_request_method": "POST" if route in POSTED else "GET",
        "url_path": route.replace("{id}", str(number)), "http_response_status_code": status, "http_response_body_size": 180,
        "client_address": caller.client, "user_agent_original": BROWSER, "authentication_kind": caller.kind,
    } | known | more  # fmt: skip


def sample(row: Row, caller: Caller, second: float, content: str = "", **more: Any) -> Row:
    """Return the sample of a request, with headers and body."""
    sent: Row = {"Host": "shop.example", "Accept": "application/json"}
    if caller.kind == "bearer":
        sent["Authorization"] = f"Bearer {token({}, caller.claims(second))}"
    elif caller.kind == "cookie":
        sent["Cookie"] = f"sessionid={row.get('session_id')}; lang=en"
    elif caller.kind == "apikey":
        sent["X-Api-Key"] = "partner"
    if caller.kind == "cookie" and row["http_request_method"] == "POST":
        sent["X-CSRF-Token"] = "t"
    answer: Row = {"Content-Type": "application/json"}
    if row["http_response_status_code"] == 401:
        answer["WWW-Authenticate"] = "Bearer"
    return row | {
        "observer": "exchange", "authentication_kind": None, "http_request_headers": headers(sent | more.pop("sent", {})),
        "http_response_headers": headers(answer), "http_response_body": content, "http_response_body_state": "full",
        "http_response_mime_type": "application/json",
    } | more  # fmt: skip


def add(
    rollout: Rollout, chance: random.Random, row: Row, caller: Caller, second: float, content: str, share: float = 0.3
) -> None:
    """Log a request, and sample it with a chance."""
    rollout.http_requests.append(row)
    if chance.random() < share:
        rollout.http_exchanges.append(sample(row, caller, second, content))


def healthy(seed: int, visits: int = 9000) -> Rollout:
    """Return a rollout in which both versions behave alike."""
    chance = random.Random(seed)
    rollout = Rollout(callers=callers(chance))
    routes = list(ALLOWED)
    for _ in range(visits):
        caller = chance.choice(rollout.callers)
        second = chance.uniform(1800, 7200)
        version = caller.version if second >= 3600 else BASELINE
        caller = Caller(caller.name, caller.role, caller.tenant, caller.client, version, caller.kind)
        wanted = [route for route in routes if caller.role in ALLOWED[route]]
        route = chance.choice(wanted if chance.random() < 0.75 else routes)
        if route in ("/logout", "/login"):
            continue
        visit(rollout, chance, caller, route, second)
    noise(rollout, chance)
    events(rollout, chance)
    return rollout


def visit(rollout: Rollout, chance: random.Random, caller: Caller, route: str, second: float) -> None:
    """One request with what may befall it: no right, an expired session with retries, a flaky upstream."""
    number = 1000 + int(caller.name[-4:]) * 10 + chance.randrange(3) if route in _OWN else chance.randrange(1000, 90000)
    if caller.role not in ALLOWED[route]:
        status, content = (
            (401, '{"error": "unauthorized"}') if caller.role == "anonymous" else (403, '{"error": "forbidden"}')
        )
    else:
        status, content = 200, body(route, caller, number)
    drawn = chance.random()
    if drawn < 0.01:
        status, content = 503, ""
    elif drawn < 0.03 and caller.role != "anonymous":
        status, content = 401, '{"error": "token expired"}'
    for attempt in range(chance.randrange(2, 5) if status in (401, 503) and drawn < 0.03 else 1):
        add(rollout, chance, request(caller, route, second + attempt, status, number), caller, second, content)


def noise(rollout: Rollout, chance: random.Random) -> None:
    """Add a partner with a key, bots, a scanner that both versions refuse, a route that only the canary has, and a renamed one."""
    for number in range(1500):
        second = chance.uniform(1800, 7200)
        version = CANARY if second >= 3600 and chance.random() < CANARY_SHARE else BASELINE
        partner = Caller("partner", "customer", "north", "198.51.100.10", version, "apikey")
        add(
            rollout,
            chance,
            request(partner, "/catalog/{id}", second, 200, chance.randrange(10**6)),
            partner,
            second,
            '{"id": 1, "price": 2.5}',
            0.1,
        )
        if number < 200:
            bot = Caller("bot", "anonymous", "", "198.51.100.66", version, "anon")
            path = chance.choice(
                [
                    "/.env",
                    "/wp-login.php",
                    "/admin/users",
                    "/orders/7",
                    "/admin//users",
                    "/..%2f..%2fetc/passwd",
                    "/phpmyadmin",
                ]
            )
            status = 401 if path in ("/admin/users", "/orders/7", "/admin//users") else 404
            row = request(
                bot, path, second, status, user_agent_original="Mozilla/5.0 zgrab/0.x" if number % 2 else BROWSER
            )
            add(rollout, chance, row, bot, second, "", 0.2)
    tenants = {caller.name: caller.tenant for caller in rollout.callers}
    for number in range(60):
        name = f"acct-{number % 30:04}"
        caller = Caller(name, "customer", tenants[name], f"203.0.113.{number % 30 + 1}", CANARY, "bearer")
        second = chance.uniform(3600, 7200)
        add(rollout, chance, request(caller, "/recommendations", second, 200), caller, second, '{"items": []}')
        old = number % 3 == 0
        caller = Caller(
            caller.name, "customer", caller.tenant, caller.client, CANARY if not old else BASELINE, "bearer"
        )
        add(
            rollout,
            chance,
            request(caller, "/bills/{id}" if old else "/invoices/{id}", second, 200, number),
            caller,
            second,
            '{"bill": 1}',
        )


def events(rollout: Rollout, chance: random.Random) -> None:
    """Sign-ins with second factors, a few that fail, and the audit log of the cluster."""
    for caller in (one for one in rollout.callers if one.role != "anonymous"):
        for second in sorted(chance.uniform(1800, 7200) for _ in range(2)):
            failed = chance.random() < 0.04
            rollout.auth_events.append({
                "time": stamp(second), "observer": "idp", "service_version": caller.version if second >= 3600 else BASELINE, "event_action": "login",
                "event_outcome": "failure" if failed else "success", "event_reason": "bad password" if failed else None, "user_id": caller.name,
                "user_name": caller.name, "user_roles": [caller.role], "client_address": caller.client,
                "authentication_kind": "password+otp" if caller.role != "customer" else "password",
            })  # fmt: skip
    for number in range(60):
        account = "system:serviceaccount:shop:checkout" if number % 2 else "deployer@shop.example"
        rollout.auth_events.append({
            "time": stamp(chance.uniform(60, 7200)), "observer": "kubernetes.audit", "event_action": "get" if number % 2 else "patch",
            "event_outcome": "success", "user_name": account, "client_address": "10.1.2.3" if number % 2 else "10.0.7.21",
            "resource_kind": "configmaps" if number % 2 else "deployments",
        })  # fmt: skip
