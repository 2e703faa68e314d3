"""The requests of a rollout: who asked for what, which cohort answered, and how."""

from __future__ import annotations

from dataclasses import dataclass

from sample_data.generator import bodies, clients
from sample_data.generator.draw import Draw
from sample_data.generator.model import Client, Pod, Request, Scenario

WARM_UP_MS = 15_000
TRACED_ROUTE = "/checkout"
PRIVATE_ROUTES = {"/orders/{id}", "/api/v1/profile", "/api/v1/wishlist", "/checkout", "/admin/reports", "/admin/users"}
SHOPPING = [
    ("GET /", 8.0), ("GET /products", 12.0), ("GET /products/{id}", 16.0), ("GET /search", 8.0),
    ("GET /static/app.js", 8.0), ("POST /cart/items", 10.0), ("GET /cart", 8.0),
]  # fmt: skip
SIGNED_IN = [
    *SHOPPING, ("POST /checkout", 13.0), ("GET /orders/{id}", 12.0), ("GET /api/v1/profile", 8.0),
    ("GET /admin/reports", 0.6), ("GET /admin/users", 0.3),
]  # fmt: skip
ADMIN_WORK = [("GET /admin/reports", 12.0), ("GET /admin/users", 8.0)]
VISITING = [
    *SHOPPING, ("POST /login", 10.0), ("GET /orders/{id}", 3.0), ("GET /api/v1/profile", 3.0),
    ("GET /admin/users", 3.0),
]  # fmt: skip
SCANS = ("/.env", "/wp-login.php", "/.git/config", "/phpmyadmin/", "/static/../../../../etc/passwd", "/server-status")
GATEWAY_NOISE = {"/products": 0.02, "/products/{id}": 0.02, "/checkout": 0.02, "/login": 0.04, "/search": 0.04}
RATE_LIMITED = ("/login", "/search")
WORDS = ("mug", "oak+tray", "lamp", "blanket", "gift")
KINDS = [("user", 66.0), ("anonymous", 27.0), ("monitor", 3.0), ("scanner", 4.0)]


@dataclass(frozen=True)
class Outcome:
    """The status of an answer and whether the gateway gave it."""

    status: int
    from_gateway: bool = False


class Traffic:
    """Builds the requests of one scenario, one stream of draws for all of them."""

    def __init__(self, scenario: Scenario, pods: list[Pod]) -> None:
        self.scenario = scenario
        self.pods = pods
        self.draw = Draw(scenario.seed, "traffic")
        self.tester_client = clients.tester(scenario)
        self.people = {
            "user": clients.users(scenario),
            "anonymous": clients.anonymous(scenario),
            "monitor": clients.monitors(scenario),
            "scanner": clients.scanners(scenario),
        }

    def requests(self) -> tuple[list[Request], list[Request]]:
        """Return all requests by time, and those of the tester's browser among them."""
        tester = self._tester()
        found = [*self._background(), *self._admin_probes(), *tester]
        return sorted(found, key=lambda request: (request.time, request.id)), tester

    def garbage(self) -> list[int]:
        """Return when something that is not HTTP reached the gateway."""
        return sorted(self._time(self.scenario.start, self.scenario.end) for _ in range(5))

    def _background(self) -> list[Request]:
        found: list[Request] = []
        for _ in range(self.scenario.requests):
            time = self._time(self.scenario.start, self.scenario.end - 5_000)
            client = self.draw.pick(self.people[self.draw.weighted(KINDS)])
            request = self._request(time, client, *self._wish(client, time))
            found.append(request)
            if request.status == 503:
                found.append(self._request(time + self.draw.between(700, 1900), client, request.method, request.path))
        return found

    def _wish(self, client: Client, time: int) -> tuple[str, str]:
        """Return the method and path a client asks for."""
        if client.kind == "monitor":
            return "GET", "/healthz"
        if client.kind == "scanner":
            return "GET", self.draw.pick(SCANS)
        routes = VISITING if client.kind == "anonymous" else SIGNED_IN + self._extra(client, time)
        method, route = self.draw.weighted(routes).split(" ")
        return method, self._path(route, client)

    def _extra(self, client: Client, time: int) -> list[tuple[str, float]]:
        """Return what only administrators, or only users of the new version, ask for."""
        wishlist = self.scenario.wishlist and self.scenario.cohort_of(client, time) == "canary"
        return (ADMIN_WORK if client.role == "admin" else []) + ([("GET /api/v1/wishlist", 6.0)] if wishlist else [])

    def _path(self, route: str, client: Client) -> str:
        """Return a path of a route; everybody asks for orders of their own."""
        if route == "/search":
            return f"/search?q={self.draw.pick(WORDS)}"
        if route == "/orders/{id}":
            return f"/orders/o-{(client.user or 'u-99999')[2:]}{self.draw.between(1, 3)}"
        return route.replace("{id}", f"p-{1000 + self.draw.between(0, 99)}")

    def _admin_probes(self) -> list[Request]:
        """Return the planned anonymous requests of /admin/reports: a fixed number, a client once in a period."""
        wanted, seen = dict(self.scenario.admin_probes), set()
        found: list[Request] = []
        while any(wanted.values()):
            time = self._time(self.scenario.start, self.scenario.end)
            client = self.draw.pick(self.people["anonymous"])
            key = f"{self.scenario.cohort_of(client, time)}/{self.scenario.period(time)}"
            if wanted.get(key) and (key, client.address) not in seen:
                wanted[key] -= 1
                seen.add((key, client.address))
                found.append(self._request(time, client, "GET", "/admin/reports", planned=True))
        return found

    def _tester(self) -> list[Request]:
        """Return what the tester's browser did, once on each version."""
        paths = ("/", "/static/app.js", "/products", "/products/p-1042", "/search?q=mug", "/cart")
        first, second = self.scenario.tester_baseline, self.scenario.tester_canary
        visits = [(first + 1700 * i, path) for i, path in enumerate(paths)]
        visits += [(second + 2100 * i, path) for i, path in enumerate(paths[:4])]
        return [self._request(time, self.tester_client, "GET", path, planned=True) for time, path in visits]

    def _request(self, time: int, client: Client, method: str, path: str, *, planned: bool = False) -> Request:
        cohort, route = self.scenario.cohort_of(client, time), route_of(path)
        signed_in = client.user is not None
        outcome = self._outcome(time, client, method, path, cohort, planned=planned)
        return Request(
            time=time,
            id=self.draw.uuid(),
            client=client,
            cohort=cohort,
            pod=self._pod(cohort, time),
            method=method,
            path=path,
            route=route,
            status=outcome.status,
            authn=client.authn if signed_in else "anon",
            user=client.user,
            role=client.role,
            session=client.session,
            body=self._body(outcome, client, path, cohort),
            content_type=bodies.content_type(route, outcome.status),
            request_body=self._request_body(route),
            duration=self._duration(outcome),
            gateway=1 if self.draw.chance(self.scenario.plain_share) else 0,
            from_gateway=outcome.from_gateway,
        )

    def _outcome(self, time: int, client: Client, method: str, path: str, cohort: str, *, planned: bool) -> Outcome:
        """Decide the status: noise first, then who may see what, then what the route does by itself."""
        noise = self.draw.unit()
        if not planned and noise < self._noise(route_of(path), cohort):
            return Outcome(429 if path.startswith(RATE_LIMITED) else 503, from_gateway=True)
        return Outcome(self._access(client, route_of(path), cohort) or self._own_status(time, client, method, path))

    def _noise(self, route: str, cohort: str) -> float:
        """Return how often the gateway answers by itself; a careless canary brought a limit of its own for searches."""
        limited = self.scenario.careless and cohort == "canary" and route == "/search"
        return 0.45 if limited else GATEWAY_NOISE.get(route, 0.0)

    def _access(self, client: Client, route: str, cohort: str) -> int | None:
        """Return a refusal, or None; the planted fault is that the canary lets anybody read the reports."""
        if client.user is None and route in PRIVATE_ROUTES:
            return None if self._faulty(cohort) and route == "/admin/reports" else 401
        if client.user is not None and route in PRIVATE_ROUTES and self.draw.chance(0.025):
            return 401
        return 403 if client.user and route.startswith("/admin") and client.role != "admin" else None

    def _own_status(self, time: int, client: Client, method: str, path: str) -> int:
        if client.kind == "scanner":
            return 400 if ".." in path else 404
        chance = self.draw.unit()
        if path == "/login":
            return 401 if chance < 0.2 else 200
        if path == "/checkout":
            return 500 if chance < self._failure_rate(time) else 201
        if path.startswith("/products/") and client.kind != "tester":
            return 404 if chance < 0.03 else 200
        return 201 if method == "POST" else 200

    def _failure_rate(self, time: int) -> float:
        """Return how often checkout fails; a careless rollback left something behind that breaks the baseline."""
        after = self.scenario.rollback_at is not None and time >= self.scenario.rollback_at
        return 0.7 if self.scenario.careless and after else 0.13

    def _body(self, outcome: Outcome, client: Client, path: str, cohort: str) -> str:
        if outcome.from_gateway:
            return "local_rate_limited" if outcome.status == 429 else UPSTREAM_RESET
        if outcome.status == 500 and self._faulty(cohort):
            return bodies.stack_trace_body()
        if outcome.status >= 400:
            return bodies.error_body(outcome.status)
        return bodies.answer(route_of(path), path, client, self.draw, leaks_contact=self._faulty(cohort))

    def _request_body(self, route: str) -> str:
        if route == "/cart/items":
            return bodies.compact({"sku": f"p-{1000 + self.draw.between(0, 99)}", "quantity": 1})
        if route == "/checkout":
            return bodies.compact({"cart": "current", "payment": "[REDACTED]"})
        return bodies.compact({"username": "[REDACTED]", "password": "[REDACTED]"}) if route == "/login" else ""

    def _duration(self, outcome: Outcome) -> int:
        if outcome.from_gateway:
            return self.draw.between(0, 2) if outcome.status == 429 else self.draw.between(20, 90)
        return self.draw.skewed(4, 420) if outcome.status < 500 else self.draw.between(900, 2400)

    def _pod(self, cohort: str, time: int) -> Pod:
        ready = [p for p in self.pods if p.cohort == cohort and p.start + WARM_UP_MS <= time < p.end]
        return self.draw.pick(ready)

    def _faulty(self, cohort: str) -> bool:
        return self.scenario.faulty and cohort == "canary"

    def _time(self, start: int, end: int) -> int:
        return self.draw.between(start, end - 1)


UPSTREAM_RESET = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"


def route_of(path: str) -> str:
    """Return the route template of a path."""
    plain = path.split("?", 1)[0]
    for prefix in ("/products/", "/orders/"):
        if plain.startswith(prefix):
            return prefix + "{id}"
    return plain
