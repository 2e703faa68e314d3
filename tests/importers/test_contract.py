"""What every importer promises, and that each sample is claimed by the right one alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics import importers
from forensics.errors import FormatError
from forensics.evidence import read_head
from forensics.importers import Importer, all_importers
from forensics.importers.contract import Head, Row
from forensics.schema import TABLES

SAMPLES = Path(__file__).parents[2] / "sample_data"
ALL = pytest.mark.parametrize("importer", all_importers(), ids=lambda importer: importer.name)

CLF = '203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl/8.5"\n'
ZEEK = (
    "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tconn_state\n#types\ttime\tstring\tstring\n1772528400.0\tC\tSF\n"
)
HAND: dict[str, tuple[str, bytes]] = {
    "envoy": (
        "envoy-json",
        b'{"start_time":"2026-03-03T09:00:00Z","method":"GET","response_code":200,"response_flags":"-"}\n',
    ),
    "combined": ("combined", CLF.encode()),
    "common": ("combined", b'::1 - frank [10/Oct/2025:13:55:36 -0700] "GET / HTTP/1.0" 200 2326\n'),
    "vhost": ("combined", b"shop.example:443 " + CLF.encode()),
    "zeek-tsv": ("zeek-tsv", ZEEK.encode()),
    "zeek-json": (
        "zeek-json",
        b'{"ts":1772528400.0,"uid":"C","id.orig_h":"10.0.0.1","proto":"tcp","conn_state":"SF"}\n',
    ),
    "zeek-stream": (
        "zeek-json",
        b'{"_path":"files","ts":1.7e9}\n{"_path":"dns","ts":1772528400.0,"uid":"C","trans_id":1,"proto":"udp"}\n',
    ),
    "exchange": (
        "exchange",
        b'{"time":"2026-03-03T09:00:00Z","id":"1","request":{"method":"GET","url":"/"},"response":{"status":200}}\n',
    ),
    "har": ("har", b'\xef\xbb\xbf{ "log": {"version": "1.2", "creator": {}, "entries": []}}'),
    "cyclonedx": ("cyclonedx", b'{"$schema":"x","bomFormat" : "CycloneDX","components":[]}'),
    "event-list": ("kubernetes", b'{"apiVersion":"v1","kind":"EventList","items":[]}'),
    "pod-yaml": ("kubernetes", b"apiVersion: v1\nitems:\n- kind: Pod\n  apiVersion: v1\nkind: List\n"),
    "prometheus": ("prometheus-json", b'{"status":"success","data":{"resultType":"matrix","result":[]}}'),
    "prometheus-error": ("prometheus-json", b'{"status":"error","errorType":"bad_data","error":"x"}'),
    "metrics-long": ("metrics-csv", b"name,timestamp,value,pod\nup,1772528400,1,web-1\n"),
    "metrics-wide": ("metrics-csv", b'sep=,\n"Time","{pod=""a""}"\n1772528400000,1\n'),
    "metrics-legend": ("metrics-csv", b'"Time","web"\r\n2026-03-03 09:00:00,1\r\n'),
    "modsecurity": ("modsecurity", b'{"transaction":{"client_ip":"10.0.0.1","time_stamp":"","unique_id":"1"}}\n'),
    "audit": ("kubernetes-audit", b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata"}\n'),
    "deployment": ("kubernetes", b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"),
    "virtual-service": ("kubernetes", b'{"kind":"VirtualService","apiVersion":"networking.istio.io/v1beta1"}'),
    "config-map-list": ("kubernetes", b'{"apiVersion":"v1","kind":"ConfigMapList","items":[]}'),
    "config-dump": (
        "envoy-config-dump",
        b'{"configs":[{"@type":"type.googleapis.com/envoy.admin.v3.BootstrapConfigDump"}]}',
    ),
    "nginx": ("nginx-conf", b"events {}\nhttp {\n  server {\n    listen 80;\n    server_name a;\n  }\n}\n"),
    "nginx-t": ("nginx-conf", b"# configuration file /etc/nginx/nginx.conf:\nuser nginx;\n"),
    "dotenv": ("dotenv", b"# shop\nexport LEVEL=info\nDB_PASSWORD='x y'\n"),
    "flags-otel": (
        "flag-events",
        b'{"timestamp":"2026-03-03T09:00:00Z","feature_flag.key":"a","feature_flag.result.variant":"on"}\n',
    ),
    "flags-nested": ("flag-events", b'{"timestamp":"2026-03-03T09:00:00Z","attributes":{"feature_flag.key":"a"}}\n'),
    "flagd": ("flag-events", b'{"ts":1772528400.5,"flagKey":"a","variant":"on","reason":"STATIC"}\n'),
    "launchdarkly": ("flag-events", b'{"kind":"feature","key":"a","variation":1,"creationDate":1772528400781}\n'),
    "native-flags": (
        "native-ndjson",
        b'{"time":"2026-03-03T09:00:00Z","feature_flag_key":"a","feature_flag_variant":"on","user_id":"u"}\n',
    ),
    "native-ndjson": (
        "native-ndjson",
        b'{"time":"2026-03-03T09:00:00Z","metric_name":"a","metric_value":1,"labels":{}}\n',
    ),
    "native-requests": (
        "native-ndjson",
        b'{"time":"2026-03-03T09:00:00Z","http_request_method":"GET","url_path":"/","http_response_status_code":200}\n',
    ),
    "native-logs": (
        "native-ndjson",
        b'{"time":"2026-03-03T09:00:00Z","log_level":"info","logger_name":"a","message":"b"}\n',
    ),
    "ecs": (
        "app-json",
        b'{"@timestamp":"2026-03-03T09:00:00Z","log.level":"INFO","message":"started","ecs.version":"1.2.0"}\n',
    ),
    "pino": ("app-json", b'{"level":30,"time":1772528400123,"pid":1,"hostname":"h","msg":"started"}\n'),
    "zap": ("app-json", b'{"level":"info","ts":1772528400.5,"caller":"main.go:7","msg":"started"}\n'),
    "serilog": ("app-json", b'{"@t":"2026-03-03T09:00:00Z","@mt":"Started {Name}","Name":"shop"}\n'),
    "vpc-flow": (
        "aws-vpc-flow",
        b"2 123456789012 eni-0a1b 10.0.0.1 203.0.113.7 45000 443 6 10 840 1772528400 1772528459 ACCEPT OK\n",
    ),
    "vpc-flow-header": (
        "aws-vpc-flow",
        b"version srcaddr dstaddr srcport dstport start\n2 10.0.0.1 10.0.0.2 1 2 1772528400\n",
    ),
    "hubble": (
        "hubble",
        b'{"flow":{"time":"2026-03-03T09:00:00Z","verdict":"FORWARDED","node_name":"n","IP":{"source":"10.0.0.1"}}}\n',
    ),
    "hubble-bare": ("hubble", b'{"time":"2026-03-03T09:00:00Z","verdict":"DROPPED","node_name":"n","Type":"L3_L4"}\n'),
    "eve-flow": (
        "suricata-eve",
        b'{"timestamp":"2026-03-03T09:00:00.5+0000","flow_id":1,"event_type":"flow","src_ip":"10.0.0.1","dest_ip":"203.0.113.7"}\n',
    ),
    "coredns": (
        "coredns",
        b'2026-03-03T09:00:00Z [INFO] 10.0.0.1:4000 - 7 "A IN a.example. udp 40 false 512" NOERROR qr,rd,ra 80 0.001s\n',
    ),
    "coredns-bare": ("coredns", b'[INFO] [::1]:4000 - 7 "A IN a.example. udp 40 false 512" NOERROR qr 80 0.001s\n'),
    "logfmt": ("logfmt", b'ts=2026-03-03T09:00:00.5Z caller=main.go:7 level=info msg="started"\n'),
    "logrus": ("logfmt", b'time="2026-03-03T09:00:00Z" level=info msg=started\n'),
    "log4j": (
        "app-text",
        b"2026-03-03 09:00:00,500 ERROR [main] a.B - failed\njava.lang.Error: x\n\tat a.B.c(B.java:7)\n",
    ),
    "go-log": ("app-text", b"2026/03/03 09:00:00 started\n"),
    "native-csv": ("native-csv", b"time;metric_name;metric_value\n"),
    "native-parquet": ("native-parquet", b"PAR1\x15\x04\x15"),
}
NOBODY: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n \n\t\n",
    "text": b"hello\nworld\n",
    "json": b'{"a": 1}\n{"b": 2}\n',
    "json-number": b"5\n",
    "csv": b"a,b,c\n1,2,3\n",
    "csv-time": b"time,user,action\n2026-03-03,jane,login\n",
    "compose": b"version: v1\nkind: Something\n",
    "css": b"body { color: red; }\nindex { root: x; }\n",
    "javascript": b"http {\nreturn x;\nreturn y;\n function() {\n x = 1\n }\n // a\n // b\n",
    "properties": b"log.level=info\ndb.url=x\n",
    "logfmt": b"LEVEL=info\nlevel=info msg=x\n",
    "journal": b"_PID=1\nMESSAGE=a\n\n_PID=2\nMESSAGE=b\n",
    "spdx": b'{"spdxVersion":"SPDX-2.3","packages":[]}',
    "elf": b"\x7fELF\x02\x01\x01" + bytes(range(256)),
    "html": b"<!doctype html><title>log</title>",
    "nginx-json": b'{"time_iso8601":"2026-03-03T09:00:00+00:00","request":"GET / HTTP/1.1","status":"200"}\n',
    "falco": b'{"output":"x","priority":"Notice","rule":"Shell","time":"2026-03-03T09:00:00Z","output_fields":{}}\n',
    "logs-without-a-time": b'{"level":"info","message":"started"}\nlevel=info msg=started\n',
    "clf-in-json": json.dumps({"message": CLF}).encode() + b"\n",
}


def head(data: bytes, *, complete: bool = True) -> Head:
    return Head(data, "x", complete=complete)


@ALL
def test_the_module_says_what_it_is(importer: Importer) -> None:
    doc = importer.module.__doc__ or ""
    title, _, body = doc.partition("\n")
    assert 10 <= len(title) <= 120
    assert title.endswith(".")
    assert re.search(r"\w+\.\w+/|ECMA|RFC|docs/formats\.md", body + title), "no source is named"
    assert importer.name == (importer.module.__name__.rpartition(".")[2]).replace("_", "-")
    assert importer.tables
    assert set(importer.tables) <= TABLES.keys()
    assert importer.observer
    assert sum(importer.has(function) for function in ("plan", "records", "table_sql")) == 1


def test_names_are_unique() -> None:
    names = [importer.name for importer in all_importers()]
    assert names == sorted(set(names))


def test_an_unknown_name_lists_all() -> None:
    with pytest.raises(FormatError, match="There is no format `clf`") as caught:
        importers.by_name("clf")
    assert all(importer.name in caught.value.hint for importer in all_importers())


@pytest.mark.parametrize("name", HAND)
def test_each_sample_has_one_winner(name: str) -> None:
    expected, data = HAND[name]
    found = importers.recognise(head(data))
    assert found is not None
    assert found.name == expected


@pytest.mark.parametrize("name", NOBODY)
def test_what_nobody_claims(name: str) -> None:
    assert importers.scores(head(NOBODY[name])) == []


FORMATS = {
    "access": "envoy-json", "rollout": "kubernetes", "samples": "exchange", "sbom": "cyclonedx", "config": "kubernetes", "logs": "app-json",
    "auth": "native-ndjson", "waf": "modsecurity", "flags": "flag-events", "metrics": "prometheus-json", "audit": "kubernetes-audit",
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    sorted(path for path in SAMPLES.glob("checkout-*/*/*") if path.is_file()),
    ids=lambda path: str(path.relative_to(SAMPLES)),
)
def test_the_sample_rollouts(path: Path) -> None:
    found = importers.recognise(head(read_head(path)[0], complete=False))
    folder = path.parent.name
    if folder == "network":
        assert found is not None
        assert found.name.startswith("zeek-")
    elif found is None:
        assert path.suffix in (".toml", ".md", ".yaml")
    else:
        assert found.name == ("har" if path.suffix == ".har" else FORMATS[folder])


_PIECES = [data for _, data in HAND.values()] + list(NOBODY.values())
_HEADS = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.builds(lambda data, cut: data[:cut], st.sampled_from(_PIECES), st.integers(0, 200)),
    st.builds(
        lambda data, at, junk: data[:at] + junk + data[at:],
        st.sampled_from(_PIECES),
        st.integers(0, 100),
        st.binary(max_size=20),
    ),
    st.lists(st.sampled_from(_PIECES), max_size=4).map(b"".join),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["time", "ts", "_path", "kind", "request", "uid", "log"]), inner, max_size=4
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=300, deadline=None)
@given(data=_HEADS, complete=st.booleans())
def test_recognition_never_fails(data: bytes, complete: bool) -> None:
    for importer in all_importers():
        assert 0 <= importer.recognise(head(data, complete=complete)) <= 100, importer.name


@settings(max_examples=200, deadline=None)
@given(data=_HEADS)
def test_documents_never_fail(data: bytes) -> None:
    """Whatever the bytes: rows with columns of the schema, rejects, or skips."""
    for importer in all_importers():
        if importer.has("records"):
            for item in importer.call("records", data):
                assert item.record_no >= 1
                if isinstance(item, Row):
                    assert item.table in importer.tables
                    assert item.values.keys() <= TABLES[item.table].types.keys()


@pytest.mark.parametrize(
    "name", [name for name, (format_name, _) in HAND.items() if importers.by_name(format_name).has("plan")]
)
def test_plans_fit_the_schema(tmp_path: Path, name: str) -> None:
    format_name, data = HAND[name]
    path = tmp_path / "x"
    path.write_bytes(data)
    importer = importers.by_name(format_name)
    plan = importer.call("plan", head(data), path)
    assert plan.tables
    assert plan.tables.keys() <= set(importer.tables)
    assert plan.conditions.keys() <= plan.tables.keys()
    for table, columns in plan.tables.items():
        assert columns.keys() <= TABLES[table].types.keys()
        assert {"observer", "time", "time_raw"} <= columns.keys()
