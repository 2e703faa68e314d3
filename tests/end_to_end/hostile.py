"""A copy of the compromised sample whose text fields carry payloads; cohort rules, times and numbers keep working."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from tests.end_to_end.harness import SAMPLES

SAMPLE = SAMPLES / "checkout-compromised"
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x1b[2J\x9b31m",
    "=cmd|' /C calc'!A0",
    "${7*7}{{7*7}}{% raw %}",
    "'; drop table x; --",
    "a\x00b\r\nVerdict    pass",
    "![pixel](http://evil.example/p.png)[x](javascript:alert(1))<a href=//evil.example>&lt;",
    "A" * 5000,
)
# What cohort rules, identities, times and the recognition of formats rest on.
KEEP = {
    "time", "start_time", "startedDateTime", "creationTimestamp", "firstTimestamp", "lastTimestamp", "eventTime", "startedAt", "startTime", "timestamp",
    "version", "pod", "upstream_host", "server_address", "client_address", "body_encoding", "body_state", "bomFormat", "specVersion", "apiVersion", "kind",
    "app.kubernetes.io/version", "rollouts-pod-template-hash", "podIP", "ip", "uid", "phase", "serialNumber", "type", "alg", "authn", "role", "httpVersion", "serverIPAddress",
}  # fmt: skip
SPARSE = {"method", "reason", "status", "bom-ref"}  # what much is counted by: every fourth only
_count = count()


def draw() -> int:
    """Return the next of a fixed sequence that falls in step with no number of fields."""
    return (next(_count) * 2654435761 % 2**32) >> 8


def poison(value: str) -> str:
    """Return the value with the next payload behind it, or for every third value the payload alone."""
    turn = draw()
    payload = PAYLOADS[turn % len(PAYLOADS)]
    return payload if turn % 3 == 0 and not value.startswith(("/", "http")) else value + payload


def poisoned(value: Any, key: str = "") -> Any:
    """Return a JSON value with payloads in its texts and, for objects nobody reads by name, in its keys."""
    if isinstance(value, dict):
        if value.get("name") in ("x-served-by", "x-app-version"):
            return value
        return {name: item if name in KEEP else poisoned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(item, str) for item in value):
            return [value[0] + (PAYLOADS[draw() % len(PAYLOADS)] if draw() % 5 == 0 else ""), poison(value[1])]
        return [poisoned(item, key) for item in value]
    return _text(value, key) if isinstance(value, str) else value


def _text(value: str, key: str) -> str:
    if key in SPARSE and draw() % 4:
        return value
    if key == "upstream_cluster":
        return PAYLOADS[draw() % len(PAYLOADS)] + value
    return json.dumps(_inside(json.loads(value))) if key == "body" and value.startswith("{") else poison(value)


def _inside(body: Any) -> Any:
    """Keep a JSON body JSON: payloads in its values and in an additional key."""
    if isinstance(body, dict):
        extra = PAYLOADS[draw() % len(PAYLOADS)]
        return {**{name: _inside(item) for name, item in body.items()}, extra: "jane.roe@shop.example"}
    return (
        [_inside(item) for item in body]
        if isinstance(body, list)
        else body + PAYLOADS[draw() % len(PAYLOADS)]
        if isinstance(body, str)
        else body
    )


def _lines(source: Path, target: Path) -> None:
    data = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
    target.write_text(
        "".join(
            json.dumps(poisoned(json.loads(line)), ensure_ascii=False) + "\n" for line in data.decode().splitlines()
        ),
        encoding="utf-8",
    )


def _zeek(source: Path, target: Path) -> None:
    """Payloads in the string fields; a tab or line feed would end the field, so those are left out."""
    lines = source.read_text(encoding="utf-8").splitlines()
    types = next(line for line in lines if line.startswith("#types")).split("\t")[1:]
    names = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
    out = []
    for line in lines:
        cells = line.split("\t")
        if not line.startswith("#"):
            cells = [
                _cell(cell)
                if kind == "string" and name not in ("uid", "conn_state", "qtype_name", "rcode_name") and cell != "-"
                else cell
                for cell, kind, name in zip(cells, types, names, strict=True)
            ]
        out.append("\t".join(cells))
    target.write_text("\n".join(out) + "\n", encoding="utf-8", newline="")


def _cell(cell: str) -> str:
    turn = draw()
    return cell if turn % 2 else cell + PAYLOADS[turn // 2 % len(PAYLOADS)].replace("\n", "").replace("\r", "")


def _document(source: Path, target: Path) -> None:
    document = json.loads(source.read_text(encoding="utf-8"))
    if document.get("bomFormat"):
        document["components"] = [
            {**poisoned(item), "version": item["version"] + (PAYLOADS[index % len(PAYLOADS)] if index % 2 else "")}
            for index, item in enumerate(document["components"])
        ]
    elif source.name == "pods.json":
        for item in document["items"]:
            item["metadata"]["labels"] |= {poison("label"): poison("value")}
            item["spec"] = poisoned(item["spec"])
    else:
        document = poisoned(document)
    target.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def make(folder: Path) -> Path:
    """Write the evidence into `folder`."""
    for source in sorted(SAMPLE.rglob("*")):
        if not source.is_file() or source.name == "expected.toml":
            continue
        name = source.relative_to(SAMPLE).as_posix().removesuffix(".gz")
        target = folder / RENAMED.get(name, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        _writer(name)(source, target)
    return folder


def _writer(name: str) -> Callable[[Path, Path], object]:
    if "envoy" in name or name.endswith(".ndjson"):
        return _lines
    if name.endswith(".log"):
        return _zeek
    return _document if name.endswith((".json", ".har")) else shutil.copyfile


RENAMED = {
    "samples/browser.har": "samples/<img src=x onerror=alert(1)>.har",
    "samples/exchanges.ndjson": "samples/=cmd|' C calc'!A0\u202e.ndjson",
    "network/dns.log": "network/\x1b]8;;http:evil.example\x07dns\n.log",
    "sbom/checkout-2.4.0.cdx.json": "sbom/${7*7}{{7*7}}'; drop table x; --.json",
}
