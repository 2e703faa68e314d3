"""Small files of every format, and ways to damage them: bytes, lines, JSON values, compression and archives. A seed gives the same file."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import re
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tests.ingest.abuse import LOGS

SAMPLE = Path(__file__).parent.parent.parent / "sample_data" / "checkout-compromised"
LINE_FORMATS = {
    "app-json": "time",
    "app-text": "",
    "aws-vpc-flow": "",
    "combined": "",
    "coredns": "",
    "envoy-json": "start_time",
    "exchange": "time",
    "flag-events": "timestamp",
    "hubble": "",
    "kubernetes-audit": "requestReceivedTimestamp",
    "modsecurity": "",
    "logfmt": "",
    "native-ndjson": "time",
    "suricata-eve": "timestamp",
    "zeek-json": "ts",
    "zeek-tsv": "",
}
_DEEP = "@@deep@@"
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 0.5, 10**30, -(10**400), 1e308, float("inf"), float("nan"), 9007199254740993, 2**63, 2**31),
    *("", "x" * 70_000, "\ud800", "a\x00b", "NaN", "-", "1e5", "0x10", "1_0", "2026-13-01T00:00:00Z", "1772528400", "\u0662", "'; --"),
    *("9999999999999999999999999999-01-01T00:00:00Z", "2026-03-03T09:00:00+99:99", "[::1", "::::", "@", "://", "http://[", "a:99999"),
    *([], {}, [[]], [None], [{}], {"": 1}, [1, "a", None, {"b": []}], {"name": 5}, [["a"]], [["a", "b", "c"]], _DEEP),
)  # fmt: skip
BYTES = (
    b"\x00",
    b"\xff",
    b"\r",
    b"\n",
    b'"',
    b"\\",
    b"\t",
    b"{",
    b"]",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"#",
    b"#fields\tts\n",
)

_AUDIT = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete", "requestURI": "/api/v1/pods?a=b", "verb": "get",
    "user": {"username": "jane", "groups": ["dev"], "extra": {"a": ["b"]}}, "sourceIPs": ["10.0.0.1"], "userAgent": "kubectl",
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "subresource": "log"}, "responseStatus": {"code": 200},
    "requestReceivedTimestamp": "2026-03-03T09:00:00.123456Z", "annotations": {"authorization.k8s.io/decision": "allow"},
}  # fmt: skip

_TRANSACTION = {
    "client_ip": "203.0.113.7", "time_stamp": "Thu Mar  5 10:00:00 2026", "client_port": 4711, "host_ip": "10.0.0.5", "unique_id": "167",
    "request": {"method": "GET", "http_version": 1.1, "uri": "/?q=1", "headers": {"Host": "shop.example"}}, "response": {"http_code": 403},
    "producer": {"secrules_engine": "Enabled"}, "messages": [{"message": "x", "details": {"ruleId": "1", "severity": "2", "tags": ["a"]}}],
}  # fmt: skip

_ANSWER = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [
            {"metric": {"__name__": "up", "pod": f"web-{pod}", "job": "web"}, "values": [[1772528400 + step, "1"] for step in range(5)]} for pod in range(3)
        ],
    },
}  # fmt: skip

_SETTINGS = {
    "apiVersion": "v1", "kind": "List",
    "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"LEVEL": "info", "PASSWORD": "x"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "data": {"a": "eA=="}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}},
    ],
}  # fmt: skip

_ADMIN = "type.googleapis.com/envoy.admin.v3."
_DUMP = {
    "configs": [
        {"@type": f"{_ADMIN}BootstrapConfigDump", "bootstrap": {"node": {"id": "sidecar~10.0.0.1~web-1.shop~x"}}, "last_updated": "2026-03-03T09:00:00Z"},
        {"@type": f"{_ADMIN}ClustersConfigDump", "version_info": "1", "static_clusters": [{"cluster": {"name": "a", "connect_timeout": "1s"}}]},
        {"@type": f"{_ADMIN}SecretsConfigDump", "static_secrets": [{"name": "s", "secret": {"tls_certificate": {"private_key": {"inline_bytes": "eA=="}}}}]},
    ]
}  # fmt: skip

_NGINX = b"""# configuration file /etc/nginx/nginx.conf:
worker_processes auto;
http {
    map $http_apikey $who { default ""; "7B5zIqmR" one; }
    server { listen 80; server_name shop.example; location ~ "^/a{2}" { proxy_pass http://web; add_header X-A "b c"; } }
    init_by_lua_block { local a = {} }
}
"""


@cache
def seeds(size: int = 40) -> dict[str, list[bytes]]:
    """Return `size` records of a good file of every line format, and good documents; joined by line feeds for line formats, else one document."""
    draw = random.Random(1)  # noqa: S311 - a fixed sequence is wanted
    found = {log.name: [*log.opening, *(log.good(draw) for _ in range(size))] for log in LOGS}
    conn = {
        "ts": 1772528400.25,
        "uid": "C",
        "id.orig_h": "10.0.0.1",
        "id.orig_p": 5,
        "id.resp_h": "10.0.0.2",
        "id.resp_p": 443,
    }
    conn |= {"proto": "tcp", "conn_state": "SF", "duration": 1.5, "orig_bytes": 7}
    found["zeek-json"] = [json.dumps(conn | {"uid": f"C{number}"}).encode() for number in range(size)]
    found["kubernetes-audit"] = [json.dumps(_AUDIT | {"auditID": f"a{number}"}).encode() for number in range(size)]
    flag = {
        "timestamp": "2026-03-03T09:00:00Z",
        "flagKey": "a",
        "variant": "on",
        "context": {"targetingKey": "u"},
        "attributes": {"k8s.pod.name": "p"},
    }
    found["flag-events"] = [json.dumps(flag | {"value": number}).encode() for number in range(size)]
    found["modsecurity"] = [json.dumps({"transaction": _TRANSACTION}).encode() for _ in range(size)]
    metric = {"time": "2026-03-03T09:00:00Z", "metric_name": "m", "metric_value": 1.5, "labels": {"a": 1}}
    found["native-ndjson"] = [json.dumps(metric | {"metric_value": number}).encode() for number in range(size)]
    error = {
        "level": "error",
        "time": "2026-03-03T09:00:00.5Z",
        "msg": "failed",
        "err": {"type": "TypeError", "stack": "TypeError: x\n    at f"},
    }
    found["app-json"] = [
        json.dumps(error | {"msg": f"failed {number}", "n": number}).encode() for number in range(size)
    ]
    found["aws-vpc-flow"] = [
        b"2 123456789012 eni-0a1b 10.0.0.1 203.0.113.7 %d 443 6 10 840 1772528400 1772528459 ACCEPT OK"
        % (40_000 + number)
        for number in range(size)
    ]
    found["coredns"] = [
        b'2026-03-03T09:00:00Z [INFO] 10.0.0.1:4000 - %d "A IN a.example. udp 40 false 512" NOERROR qr,rd,ra 80 0.001s'
        % number
        for number in range(size)
    ]
    flow = {"time": "2026-03-03T09:00:00Z", "verdict": "FORWARDED", "node_name": "n", "IP": {"source": "10.0.0.1"}}
    found["hubble"] = [json.dumps({"flow": flow | {"uuid": f"u{number}"}}).encode() for number in range(size)]
    eve = {
        "timestamp": "2026-03-03T09:00:00.5+0000",
        "event_type": "flow",
        "src_ip": "10.0.0.1",
        "dest_ip": "203.0.113.7",
    }
    found["suricata-eve"] = [json.dumps(eve | {"flow_id": number}).encode() for number in range(size)]
    trace = b"java.lang.IllegalStateException: no stock\n\tat a.B.c(B.java:7)\nCaused by: a.Gone"
    found["app-text"] = [
        b"2026-03-03 09:00:00,500 ERROR [main] a.B - failed %d%s" % (number, b"\n" + trace if number % 5 == 0 else b"")
        for number in range(size)
    ]
    found["logfmt"] = [
        b'ts=2026-03-03T09:00:00.5Z level=info msg="took \\"%d\\" ms" caller=main.go:7 err=x' % number
        for number in range(size)
    ]
    table = b"time,metric_name,metric_value,labels\n" + b'2026-03-03T09:00:00Z,"m ""x""",1.5,"{""a"": 1}"\n' * 20
    found["native-csv"] = [table]
    wide = b'"Time","up{pod=""a""}","{pod=""b""}"\n' + b"2026-03-03 09:00:00,1.5,2\n" * 20
    found["metrics-csv"] = [wide]
    found["metrics-csv-long"] = [b"time,metric,value,pod\n" + b"1772528400.5,up,1,web-1\n" * 20]
    found["native-parquet"] = [_parquet()]
    found["cyclonedx"] = [_short("sbom/checkout-2.4.0.cdx.json", "components")]
    found["osv"] = [_advisories()]
    found["prometheus-json"] = [json.dumps(_ANSWER).encode()]
    found["envoy-config-dump"] = [json.dumps(_DUMP).encode()]
    found["nginx-conf"] = [_NGINX]
    found["dotenv"] = [b"# shop\nexport LEVEL=info\nDB_PASSWORD='x y'\nDB_URL=\"postgres://a:b@c/d\"\nPORT=80 # http\n"]
    found["har"] = [_har()]
    rollout = [_short(f"rollout/{name}.json", "items") for name in ("events", "pods", "analysisrun")]
    found["kubernetes"] = [b"\n---\n".join([*rollout[:1], (SAMPLE / "rollout" / "rollout.yaml").read_bytes()])]
    found["kubernetes-pods"] = [rollout[1]]
    found["kubernetes-settings"] = [json.dumps(_SETTINGS).encode()]
    found["kubernetes-run"] = [rollout[2]]
    return found


def _short(name: str, key: str) -> bytes:
    document = json.loads((SAMPLE / name).read_bytes())
    if isinstance(document.get(key), list):
        document[key] = document[key][:12]
    return json.dumps(document).encode()


def _advisories() -> bytes:
    affected = {
        "package": {"ecosystem": "npm", "name": "x"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
    }
    advisory = {"modified": "2026-01-01T00:00:00Z", "affected": [affected, affected]}
    return json.dumps([{"id": f"X-{number}", **advisory} for number in range(6)]).encode()


def _har() -> bytes:
    document = json.loads((SAMPLE / "samples" / "browser.har").read_bytes())
    document["log"]["entries"] = document["log"]["entries"][:6]
    return json.dumps(document).encode()


def _parquet() -> bytes:
    out = io.BytesIO()
    columns = {"time": ["2026-03-03T09:00:00Z", "never"] * 20, "metric_name": ["m"] * 40, "metric_value": [1.5] * 40}
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def damaged(name: str, draw: random.Random, size: int) -> bytes:
    """Return a file of a format with one to six things wrong."""
    records = list(seeds(size)[name])
    for _ in range(draw.randrange(1, 7)):
        place = draw.randrange(len(records))
        records[place] = draw.choice(_RECORD if name != "native-parquet" else (_bytes,))(records[place], draw)
        if len(records) > 1 and draw.random() < 0.3:
            draw.choice((_double, _splice))(records, draw)
    data = b"\n".join(records) + (b"\n" if len(records) > 1 and draw.random() < 0.8 else b"")
    return data[: draw.randrange(1, len(data))] if draw.random() < 0.1 else data


def _double(records: list[bytes], draw: random.Random) -> None:
    records.insert(draw.randrange(len(records)), draw.choice(records))


def _splice(records: list[bytes], draw: random.Random) -> None:
    first, second = draw.choice(records), draw.choice(records)
    records[draw.randrange(len(records))] = (
        first[: draw.randrange(len(first) + 1)] + second[draw.randrange(len(second) + 1) :]
    )


def _bytes(data: bytes, draw: random.Random) -> bytes:
    place, size = draw.randrange(len(data) + 1), draw.randrange(1, 9)
    middle = draw.choice((b"", draw.choice(BYTES), draw.randbytes(size), data[place : place + size] * 2))
    return data[:place] + middle + data[place + draw.choice((0, 0, 1, size)) :]


def _flip(data: bytes, draw: random.Random) -> bytes:
    if not data:
        return data
    place = draw.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]


def _number(data: bytes, draw: random.Random) -> bytes:
    numbers = list(re.finditer(rb"\d+", data))
    if not numbers:
        return data
    match = draw.choice(numbers)
    new = draw.choice((b"9" * 40, b"-1", b"1e400", b"0x1", b"007", b"1.5", b"", b"NaN", b"9223372036854775808"))
    return data[: match.start()] + new + data[match.end() :]


def _json(data: bytes, draw: random.Random) -> bytes:
    """Swap a value, rename or double a key somewhere in the document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _bytes(data, draw)
    holders = _holders(document)
    if not holders:
        return data
    holder = draw.choice(holders)
    key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    kind = draw.random()
    if kind < 0.7 or not isinstance(holder, dict):
        holder[key] = draw.choice(VALUES)
    elif kind < 0.85:
        holder[draw.choice((key.upper(), key + " ", "", "k" * 300, "\ud800"))] = holder.pop(key)
    text = json.dumps(document, ensure_ascii=draw.random() < 0.7)
    if kind >= 0.85 and isinstance(holder, dict):
        text = text.replace(f'"{key}":', f'"{key}": 1, "{key}":', 1)
    depth = draw.choice((60, 1500, 30_000))
    text = text.replace(f'"{_DEEP}"', '{"a":[' * depth + "]}" * depth)
    return text.encode("utf-8", "surrogatepass")


def _holders(value: Any) -> list[Any]:
    """Every object and list that is not empty."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if inner else []) + [holder for item in inner for holder in _holders(item)]


_RECORD: tuple[Callable[[bytes, random.Random], bytes], ...] = (_bytes, _flip, _number, _json, _json)


def _zip(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("inside"), data)
    return out.getvalue()


def _tar(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("inside")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: gzip.compress(data, mtime=0),
    lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
    bz2.compress,
    lzma.compress,
    _zip,
    _tar,
    lambda data: gzip.compress(_tar(data), mtime=0),
)


def packed(data: bytes, draw: random.Random) -> tuple[bytes, bool]:
    """Return the file packed or as it is, and whether the packing was damaged."""
    if draw.random() < 0.7:
        return data, False
    whole = draw.choice(PACKERS)(data)
    if draw.random() < 0.5:
        return whole, False
    return draw.choice((_flip, _bytes, lambda data, draw: data[: draw.randrange(1, len(data))]))(whole, draw), True
