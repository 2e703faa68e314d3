"""Audit log of ModSecurity 3 as JSON, one transaction a line.

Written with `SecAuditLogFormat JSON`, serial or concurrent; the keys are those of `Transaction::toJSON` in
github.com/owasp-modsecurity/ModSecurity, src/transaction.cc. One row a message. A header that was sent twice is twice a key of one object. `time_stamp` is
the server's local time and names no zone: it is read as UTC. `secrules_engine` stands in `producer` (part H of the log, as do the messages).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from forensics.importers._lines import spans
from forensics.importers._values import integer, items, mapping, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip
from forensics.lines import MAX_LINE_BYTES
from forensics.text import whole_pairs

NAME = "modsecurity"
TABLES = ("runtime_alerts",)
OBSERVER = "modsecurity"
BY_LINE = True
TIME_RULE = "time_stamp, the server's local time without a zone: read as UTC"
_BOM = b"\xef\xbb\xbf"
_STAMP = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) ([0-9]{4})", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DETAILS = ("match", "data", "file", "lineNumber", "reference", "ver", "tags")


def recognise(head: Head) -> int:
    """Score by the share of lines whose only object is a transaction with an id and a client."""
    if not head.lines:
        return 0
    return round(97 * sum(_is_transaction(item.get("transaction")) for item in head.objects) / len(head.lines))


def _is_transaction(value: Any) -> bool:
    return isinstance(value, dict) and "unique_id" in value and ("client_ip" in value or "time_stamp" in value)


def records(data: bytes) -> Iterator[Item]:
    """Yield a row a message; `record_no` is the line."""
    for number, start, end in spans(data):
        raw = data[start:end]
        body = raw.removeprefix(_BOM) if start == 0 else raw
        if not body.strip(b" \t\r\n"):
            yield Skip(number, "blank")
        elif len(raw) > MAX_LINE_BYTES:
            yield Reject(number, "longer than 32 MiB", raw, start)
        else:
            yield from _record(number, start, raw, body)


def _record(number: int, start: int, raw: bytes, body: bytes) -> Iterator[Item]:
    content = body.decode("utf-8", "jsonbackslash")
    whole = whole_pairs(content)
    transaction = _transaction(whole)
    stamp = text(transaction.get("time_stamp")) if transaction is not None else None
    moment = _time(stamp)
    if transaction is None:
        yield Reject(number, "not a JSON object with a transaction", raw, start)
    elif moment is None:
        yield Reject(number, "time_stamp is missing or not a time", raw, start)
    elif not (messages := items(transaction.get("messages"))):
        yield Skip(number, "transaction without a message")
    else:
        common = {
            "observer": OBSERVER,
            "time": moment,
            "time_raw": stamp,
            "record_offset": start,
            **_parties(transaction),
        }
        salvaged = whole.encode("utf-8", "surrogatepass") != body
        shared = _shared(transaction) | ({"_salvaged": True} if salvaged else {})
        for message in messages:
            yield Row("runtime_alerts", number, {**common, **_alert(message, transaction, shared)})


def _transaction(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line, object_pairs_hook=_first)
    except (ValueError, RecursionError):
        return None
    found = value.get("transaction") if isinstance(value, dict) else None
    return found if isinstance(found, dict) else None


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that is there twice the first counts, as for the engine."""
    return dict(reversed(pairs))


def _time(stamp: str | None) -> datetime | None:
    """Return the time of `Thu Mar  5 10:00:00 2026` as C's `ctime` writes it."""
    match = _STAMP.fullmatch(stamp or "")
    if match is None or match[1] not in _MONTHS:
        return None
    return utc(text_time(f"{match[4]}-{_MONTHS.index(match[1]) + 1:02}-{int(match[2]):02}T{match[3]}"))


def _parties(transaction: dict[str, Any]) -> dict[str, Any]:
    """Return who asked whom for what; the firewall of a pod has the pod's address."""
    target = text(mapping(transaction.get("request")).get("uri"))
    return {
        "client_address": text(transaction.get("client_ip")),
        "server_address": text(transaction.get("host_ip")),
        "url_path": target.partition("?")[0] if target else None,
    }


def _shared(transaction: dict[str, Any]) -> dict[str, Any]:
    """Return what every row of a transaction keeps."""
    request, response = mapping(transaction.get("request")), mapping(transaction.get("response"))
    headers = {key.lower(): value for key, value in mapping(request.get("headers")).items()}
    return {
        "unique_id": text(transaction.get("unique_id")),
        "client_port": integer(transaction.get("client_port"), 32),
        "host": text(headers.get("host")),
        "method": text(request.get("method")),
        "uri": text(request.get("uri")),
        "http_code": integer(response.get("http_code"), 32),
        "engine": text(mapping(transaction.get("producer")).get("secrules_engine")),
    }


def _alert(message: dict[str, Any], transaction: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    details = mapping(message.get("details"))
    said = text(message.get("message")) or None
    kept = {key: _plain(details.get(key)) for key in _DETAILS}
    attributes = {key: value for key, value in (shared | kept).items() if value not in (None, "", [])}
    return {
        "rule_name": " ".join(filter(None, (text(details.get("ruleId")), said))) or None,
        "priority": text(details.get("severity")),
        "event_action": _action(transaction, shared),
        "message": said,
        "attributes": json.dumps(attributes, sort_keys=True),
    }


def _plain(value: Any) -> Any:
    return [tag for tag in map(text, value) if tag] if isinstance(value, list) else text(value)


def _action(transaction: dict[str, Any], shared: dict[str, Any]) -> str | None:
    """Return `blocked` where the engine was on and ended the transaction or 403 was answered, `detected` where it only detects."""
    if shared["engine"] == "DetectionOnly":
        return "detected"
    ended = transaction.get("is_interrupted") is True or shared["http_code"] == 403
    return "blocked" if ended and shared["engine"] in ("Enabled", "On") else None
