"""The verbose samples: exchange NDJSON by the sampler in the pods, and the HAR of a tester's browser."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sample_data.generator import bodies, careless
from sample_data.generator.access import body_size, gzipped
from sample_data.generator.model import HOST, VERSIONS, Request, World, iso_millis

Headers = list[tuple[str, str]]

HSTS = ("strict-transport-security", "max-age=31536000; includeSubDomains")
SECURITY_HEADERS: Headers = [
    ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
]
FOCUS_ROUTES = {"/orders/{id}", "/api/v1/profile"}


def sample(world: World) -> list[tuple[Request, float]]:
    """Return what the sampler kept with its rate: one request in so many of each kind, in a phase from the first on."""
    seen: Counter[tuple[object, ...]] = Counter()
    kept = []
    for request in (request for request in world.requests if request.reached_pod):
        kind, one_in = _kind(world, request), _one_in(world, request)
        if seen[kind] % one_in == _offset(world, request, one_in):
            kept.append((request, round(1 / one_in, 6)))
        seen[kind] += 1
    return kept


def _kind(world: World, request: Request) -> tuple[object, ...]:
    """Return what requests are counted by; the sampler of a thin rollout did not look at routes."""
    kind = (request.cohort, world.scenario.period(request.time))
    return (*kind, request.method, request.route, request.status) if world.scenario.sampled_by_route else kind


def _offset(world: World, request: Request, one_in: int) -> int:
    inside = world.scenario.phase_at(request.time) is not None
    return 0 if inside and world.scenario.sampled_by_route else one_in // 2


def _one_in(world: World, request: Request) -> int:
    """Return the sampler's rule: all failures, many of the admin pages, more of a small canary than of the rest where it does not sample alike."""
    small = world.scenario.sampled_alike or (
        request.cohort == "canary" and world.scenario.weight_at(request.time) <= 25
    )
    if not world.scenario.sampled_by_route:
        return 4 if small else 40
    if request.status >= 500:
        return 1
    if request.route.startswith("/admin"):
        return 2 if small else 4
    if request.route in FOCUS_ROUTES:
        return 3 if small else 16
    return 10 if small else 100


def files(world: World) -> dict[str, bytes]:
    """Return the samples."""
    lines = [bodies.compact(_exchange(world, request, rate)) + "\n" for request, rate in world.sampled]
    har = json.dumps(_har(world), ensure_ascii=False, indent=1) + "\n"
    return {file_name(world): _written(world, "".join(lines).encode()), "samples/browser.har": har.encode()}


def file_name(world: World) -> str:
    """Return the name of the sampler's file: the longer ones are compressed."""
    return "samples/exchanges.ndjson" + (".gz" if world.scenario.operations else "")


def _written(world: World, content: bytes) -> bytes:
    return gzipped(content) if world.scenario.operations else content


def _exchange(world: World, request: Request, rate: float) -> dict[str, Any]:
    return {
        "time": iso_millis(request.time + (careless.CLOCK_MS if world.scenario.careless else 0)),
        "id": request.id,
        "request": {
            "method": request.method,
            "url": f"https://{HOST}{request.path}",
            "headers": _request_headers(request),
            **_body(request.request_body, len(request.request_body)),
        },
        "response": {
            "status": request.status,
            "headers": _response_headers(world, request),
            **_body(request.body, body_size(request)),
        },
        "client_address": request.client.address,
        "server_address": request.pod.address,
        "pod": request.pod.name,
        "version": VERSIONS[request.cohort],
        "user": request.user,
        "role": request.role,
        "session": request.session,
        "sample_rate": rate,
    }


def _body(text: str, size: int) -> dict[str, Any]:
    """Return the body fields; the script is named with its size and left out."""
    state = "full" if len(text.encode()) == size else "omitted"
    body = text if state == "full" and text else None
    return {"body": body, "body_encoding": "utf8", "body_state": state, "body_size": size}


def _request_headers(request: Request) -> Headers:
    headers = [("host", HOST), ("user-agent", request.client.user_agent), ("accept", "*/*")]
    headers += [("x-forwarded-for", request.client.address), ("x-request-id", request.id)]
    if request.authn == "bearer":
        headers.append(("authorization", "Bearer [REDACTED]"))
    if request.authn == "cookie":
        headers.append(("cookie", "sid=[REDACTED]"))
    return headers + ([("content-type", "application/json")] if request.request_body else [])


def _response_headers(world: World, request: Request) -> Headers:
    headers = [("content-type", request.content_type), ("cache-control", _cache_control(request))]
    if request.route == "/login" and request.status == 200:
        headers.append(("set-cookie", "sid=[REDACTED]; Path=/; Secure; HttpOnly; SameSite=Lax"))
    if request.status == 401:
        headers.append(("www-authenticate", 'Bearer realm="shop"'))
    return headers + security_headers(world, request)


def security_headers(world: World, request: Request) -> Headers:
    """Return the security headers; the planted fault is that the canary lost one."""
    lost = world.scenario.faulty and request.cohort == "canary"
    return SECURITY_HEADERS if lost else [HSTS, *SECURITY_HEADERS]


def _cache_control(request: Request) -> str:
    if request.route == "/static/app.js":
        return "public, max-age=86400"
    return "no-cache" if request.route in {"/", "/products", "/products/{id}", "/search"} else "no-store"


def _har(world: World) -> dict[str, Any]:
    first = world.tester[0]
    page = {
        "startedDateTime": iso_millis(first.time),
        "id": "page_1",
        "title": f"https://{HOST}/",
        "pageTimings": {"onContentLoad": 412.7, "onLoad": 688.1},
    }
    creator = {"name": "WebInspector", "version": "537.36"}
    entries = [_har_entry(world, request) for request in world.tester]
    return {"log": {"version": "1.2", "creator": creator, "pages": [page], "entries": entries}}


def _har_entry(world: World, request: Request) -> dict[str, Any]:
    wait = request.duration
    timings = {"blocked": 1.2, "dns": -1, "ssl": -1, "connect": -1, "send": 0.2, "wait": wait, "receive": 0.9}
    return {
        "_resourceType": {"/": "document", "/static/app.js": "script"}.get(request.route, "fetch"),
        "cache": {},
        "connection": "443",
        "pageref": "page_1",
        "request": _har_request(request),
        "response": _har_response(world, request),
        "serverIPAddress": "203.0.113.10",
        "startedDateTime": iso_millis(request.time),
        "time": round(wait + 2.3, 1),
        "timings": timings,
    }


def _har_request(request: Request) -> dict[str, Any]:
    url = f"https://{HOST}{request.path}"
    headers = [(":authority", HOST), (":method", "GET"), (":path", request.path), (":scheme", "https")]
    headers += [("accept", "*/*"), ("user-agent", request.client.user_agent)]
    return {
        "method": request.method,
        "url": url,
        "httpVersion": "http/2.0",
        "headers": _pairs(headers),
        "queryString": _pairs(parse_qsl(urlsplit(url).query)),
        "cookies": [],
        "headersSize": -1,
        "bodySize": 0,
    }


def _har_response(world: World, request: Request) -> dict[str, Any]:
    """Return the answer as the browser saw it: the gateway adds to the tester's answers who served them."""
    headers = [("content-type", request.content_type), ("cache-control", _cache_control(request))]
    headers += [("x-served-by", request.pod.name), ("x-app-version", VERSIONS[request.cohort])]
    content = {"size": body_size(request), "mimeType": request.content_type.split(";")[0]}
    return {
        "status": request.status,
        "statusText": "",
        "httpVersion": "http/2.0",
        "headers": _pairs(headers + security_headers(world, request)),
        "cookies": [],
        "content": content | ({"text": request.body} if request.body else {}),
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_transferSize": body_size(request) + 320,
        "_error": None,
    }


def _pairs(pairs: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
