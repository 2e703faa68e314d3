"""The access logs of the ingress gateway: Envoy JSON with Istio's default fields and this team's own keys."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

from sample_data.generator import bodies
from sample_data.generator.draw import Draw
from sample_data.generator.model import HOST, SUBSETS, Request, World, iso_millis

GATEWAYS = ("istio-ingressgateway-6d8c9f7b5-k2vnx", "istio-ingressgateway-6d8c9f7b5-zq8tw")
GATEWAY_ADDRESSES = ("10.42.0.9", "10.42.2.9")


def files(world: World) -> dict[str, bytes]:
    """Return the log of each gateway pod, the busy one compressed."""
    lines = _lines(world)
    found = {f"access/envoy-{GATEWAYS[0]}.log.gz": gzipped("".join(lines[0]).encode())}
    if lines[1]:
        found[f"access/envoy-{GATEWAYS[1]}.log"] = "".join(lines[1]).encode()
    return found


def _lines(world: World) -> tuple[list[str], list[str]]:
    """Return the lines of both gateways in the order in which the requests ended, as a proxy logs them."""
    draw = Draw(world.scenario.seed, "ports")
    entries = [(r.time + r.duration, r.gateway, _entry(r, draw)) for r in world.requests]
    entries += [(time, 0, _garbage(time, draw)) for time in world.garbage]
    lines: tuple[list[str], list[str]] = ([], [])
    for _, gateway, entry in sorted(entries, key=lambda item: (item[0], item[2]["request_id"] or "")):
        lines[gateway].append(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n")
    return lines


def _entry(request: Request, draw: Draw) -> dict[str, Any]:
    rate_limited = request.status == 429
    return {
        "start_time": iso_millis(request.time),
        "method": request.method,
        "path": request.path,
        "protocol": "HTTP/2",
        "response_code": request.status,
        "response_flags": _flags(request),
        "response_code_details": _details(request),
        "connection_termination_details": None,
        "bytes_received": len(request.request_body.encode()),
        "bytes_sent": body_size(request),
        "duration": request.duration,
        "upstream_service_time": str(max(request.duration - 1, 0)) if request.reached_pod else None,
        "x_forwarded_for": request.client.address,
        "user_agent": request.client.user_agent,
        "request_id": request.id,
        "authority": HOST,
        "upstream_host": None if rate_limited else f"{request.pod.address}:8080",
        "upstream_cluster": f"outbound|8080|{SUBSETS[request.cohort]}|checkout.shop.svc.cluster.local",
        "upstream_local_address": None if rate_limited else _gateway_address(request.gateway, draw),
        "downstream_local_address": f"{GATEWAY_ADDRESSES[request.gateway]}:8443",
        "downstream_remote_address": f"{request.client.address}:{draw.between(32768, 60999)}",
        "requested_server_name": HOST,
        "route_name": SUBSETS[request.cohort],
        "upstream_transport_failure_reason": None,
        "user_id": request.user,
        "authn": request.authn,
        "role": request.role,
        "session_id": request.session,
    }


def body_size(request: Request) -> int:
    """Return the size of the answer; the script is too large to be kept in the model."""
    if request.route == "/static/app.js" and request.status == 200:
        return bodies.SCRIPT_SIZE
    return len(request.body.encode())


def _flags(request: Request) -> str:
    if request.reached_pod:
        return "-"
    return "RL" if request.status == 429 else "UC"


def _details(request: Request) -> str:
    if request.reached_pod:
        return "via_upstream"
    if request.status == 429:
        return "local_rate_limited"
    return "upstream_reset_before_response_started{connection_termination}"


def _gateway_address(gateway: int, draw: Draw) -> str:
    return f"{GATEWAY_ADDRESSES[gateway]}:{draw.between(32768, 60999)}"


def _garbage(time: int, draw: Draw) -> dict[str, Any]:
    """Return the entry of bytes that are no HTTP: no method, no path, no upstream, so no cohort."""
    entry = dict.fromkeys(ENTRY_KEYS)
    client = f"203.0.113.{draw.between(200, 219)}:{draw.between(32768, 60999)}"
    return entry | {
        "start_time": iso_millis(time),
        "response_code": 400,
        "response_flags": "DPE",
        "response_code_details": "http1.codec_error",
        "bytes_received": 0,
        "bytes_sent": 11,
        "duration": 0,
        "downstream_local_address": f"{GATEWAY_ADDRESSES[0]}:8443",
        "downstream_remote_address": client,
        "authn": "anon",
    }


ENTRY_KEYS = (
    "start_time", "method", "path", "protocol", "response_code", "response_flags", "response_code_details",
    "connection_termination_details", "bytes_received", "bytes_sent", "duration", "upstream_service_time",
    "x_forwarded_for", "user_agent", "request_id", "authority", "upstream_host", "upstream_cluster",
    "upstream_local_address", "downstream_local_address", "downstream_remote_address", "requested_server_name",
    "route_name", "upstream_transport_failure_reason", "user_id", "authn", "role", "session_id",
)  # fmt: skip


def gzipped(content: bytes) -> bytes:
    """Return the content compressed, without time and name."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=9) as out:
        out.write(content)
    return buffer.getvalue()
