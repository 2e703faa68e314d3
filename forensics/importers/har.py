"""HAR 1.2, as browsers and proxies export it.

Defined in w3c.github.io/web-performance/specs/HAR/Overview.html and www.softwareishard.com/blog/har-12-spec. A byte order mark is allowed;
`response.content.text` may be base64; `status` is 0 where no response came. Bodies in a HAR are decoded already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from forensics.bodies import Body, decode_base64
from forensics.importers._values import integer, items, mapping, number, text, text_time
from forensics.importers.contract import Head, Item, Reject, Row

NAME = "har"
TABLES = ("http_exchanges",)
OBSERVER = "har"
_POD_HEADERS = ("x-served-by", "x-pod-name", "x-pod")
_VERSION_HEADERS = ("x-app-version", "x-version", "x-service-version")


def recognise(head: Head) -> int:
    """Certain where the document opens with a log object of a version 1.x."""
    return 97 if head.mentions(r'^\s*\{\s*"log"\s*:\s*\{', r'"version"\s*:\s*"1\.\d"|"creator"|"entries"') else 0


def records(data: bytes) -> Iterator[Item]:
    """Yield one exchange an entry; an entry without a start time or request is rejected."""
    try:
        entries = json.loads(data.decode("utf-8-sig"))["log"]["entries"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        yield Reject(1, f"not a HAR document: {type(error).__name__}", data)
        return
    if not isinstance(entries, list):
        yield Reject(1, "not a HAR document: entries is no list", data)
        return
    for index, entry in enumerate(entries, 1):
        moment = text_time(entry.get("startedDateTime")) if isinstance(entry, dict) else None
        if moment is None or not isinstance(entry.get("request"), dict):
            yield Reject(index, "entry without start time or request", json.dumps(entry).encode())
        else:
            yield Row("http_exchanges", index, _values(entry, moment))


def _values(entry: dict[str, Any], moment: datetime) -> dict[str, Any]:
    request, response = entry["request"], mapping(entry.get("response"))
    url = _split(text(request.get("url")) or "")
    sent, got = _headers(request.get("headers")), _headers(response.get("headers"))
    answer, question = _response_body(response), _request_body(request)
    content = mapping(response.get("content"))
    return {
        "observer": OBSERVER,
        "time": moment.astimezone(UTC).replace(tzinfo=None),
        "time_raw": text(entry.get("startedDateTime")),
        "k8s_pod_name": _first(got, _POD_HEADERS),
        "service_version": _first(got, _VERSION_HEADERS),
        "http_request_id": _first(sent, ("x-request-id",)) or _first(got, ("x-request-id",)),
        "http_request_method": text(request.get("method")),
        "url_scheme": url.scheme or None,
        "url_path": url.path or "/",
        "url_query": url.query or None,
        "server_address": url.hostname,
        "server_port": _port(url),
        "http_response_status_code": integer(response.get("status"), 32) or None,
        "http_request_body_size": _size(request.get("bodySize")),
        "http_response_body_size": _size(content.get("size")),
        "duration_ms": number(entry.get("time")),
        "network_protocol_version": (text(request.get("httpVersion")) or "").lower().removeprefix("http/") or None,
        "upstream_address": text(entry.get("serverIPAddress")),
        "user_agent_original": _first(sent, ("user-agent",)),
        "http_request_header_referer": _first(sent, ("referer",)),
        "http_request_headers": sent,
        "http_request_body": question.text,
        "http_request_body_state": question.state,
        "http_response_headers": got,
        "http_response_body": answer.text,
        "http_response_body_state": answer.state,
        "http_response_mime_type": (text(content.get("mimeType")) or "").split(";")[0].strip().lower() or None,
    }


def _headers(values: Any) -> list[dict[str, str]]:
    return [{"name": text(item.get("name")) or "", "value": text(item.get("value")) or ""} for item in items(values)]


def _first(headers: list[dict[str, str]], names: tuple[str, ...]) -> str | None:
    return next((item["value"] for item in headers if item["name"].lower() in names), None)


def _response_body(response: dict[str, Any]) -> Body:
    content = mapping(response.get("content"))
    body = text(content.get("text"))
    if body is None:
        return Body(None, "omitted")
    if content.get("encoding") == "base64":
        return decode_base64(body, None, text(content.get("mimeType")))
    return Body(body, "full")


def _request_body(request: dict[str, Any]) -> Body:
    data = request.get("postData")
    body = text(data.get("text")) if isinstance(data, dict) else None
    return Body(body, "full" if body is not None else "omitted")


def _size(value: Any) -> int | None:
    size = integer(value)
    return size if size is not None and size >= 0 else None


def _split(url: str) -> Any:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _port(url: Any) -> int | None:
    try:
        return int(url.port) if url.port else None
    except ValueError:
        return None
