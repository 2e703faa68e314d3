"""Make large, deterministic inputs: access logs, connection logs and exchanges of about the size asked for.

    python benchmarks/generate.py FOLDER [--megabytes 1000] [--only envoy,combined,zeek,exchange]

Values come from a hash of the row number, so that the same call gives the same bytes. Lines resemble what the real tools write; real
logs compress less.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

# Bytes of a mean line, measured; they turn megabytes into rows.
LINE_BYTES = {"envoy": 911, "combined": 219, "zeek": 133, "exchange": 1734}
FILES = {"envoy": "envoy.ndjson", "combined": "combined.log", "zeek": "conn.log", "exchange": "exchanges.ndjson"}
_ZEEK_HEADER = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\t"
    "local_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\n"
)
# r(k) is a pseudo-random number of the row, different for each k.
MACROS = """
create macro r(i, k, n) as (hash(i * 64 + k) % n)::bigint;
create macro stamp(i) as timestamp '2026-03-03 08:00:00' + to_microseconds(i * 3600);
create macro canary(i) as r(i, 1, 100) < 8;
create macro pod(i) as case when canary(i) then 'checkout-5f6b7d9c84-' || r(i, 2, 2) else 'checkout-7c9d5b8f6d-' || r(i, 2, 20) end;
create macro pod_address(i) as case when canary(i) then '10.42.9.' || (r(i, 2, 2) + 1) else '10.42.1.' || (r(i, 2, 20) + 1) end;
create macro client(i) as '203.0.' || r(i, 3, 250) || '.' || r(i, 4, 250);
create macro path(i) as case r(i, 5, 8) when 0 then '/' when 1 then '/cart' when 2 then '/checkout' when 3 then '/admin/reports'
    when 4 then '/api/v1/profile' else '/products/p-' || r(i, 6, 50000) end;
create macro status(i) as case when path(i) = '/admin/reports' then 401 when r(i, 7, 100) < 94 then 200 when r(i, 7, 100) < 97 then 404 else 500 end;
create macro agent(i) as 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1' || r(i, 8, 40) || '.0 Safari/537.36';
create macro iso(i) as strftime(stamp(i), '%Y-%m-%dT%H:%M:%S.%gZ');
"""
ENVOY = """
select iso(i) as start_time, case r(i, 9, 4) when 0 then 'POST' else 'GET' end as method, path(i) || '?q=' || r(i, 10, 4096) as path,
    'HTTP/1.1' as protocol, status(i) as response_code, '-' as response_flags, 'via_upstream' as response_code_details,
    null as connection_termination_details, null as upstream_transport_failure_reason, r(i, 11, 512) as bytes_received, r(i, 12, 16384) as bytes_sent,
    r(i, 13, 256) as duration, r(i, 14, 256)::varchar as upstream_service_time, client(i) as x_forwarded_for, agent(i) as user_agent,
    lower(hex(hash(i))) || lower(hex(hash(i + 1))) as request_id, 'shop.example' as authority, pod_address(i) || ':8080' as upstream_host,
    'outbound|8080|' || case when canary(i) then 'canary' else 'stable' end || '|checkout.shop.svc.cluster.local' as upstream_cluster,
    '10.42.0.9:' || (30000 + r(i, 15, 20000)) as upstream_local_address, '10.42.0.9:8443' as downstream_local_address,
    client(i) || ':' || (30000 + r(i, 16, 20000)) as downstream_remote_address, 'shop.example' as requested_server_name, 'default' as route_name,
    case when r(i, 17, 3) = 0 then null else 'u-' || r(i, 18, 20000) end as user_id, case when r(i, 17, 3) = 0 then 'anon' else 'bearer' end as authn
from range({n}) t(i)
"""
_COMBINED = """
select client(i) || ' - ' || case when r(i, 17, 3) = 0 then '-' else 'u-' || r(i, 18, 20000) end || ' [' || strftime(stamp(i), '%d/%b/%Y:%H:%M:%S +0000')
    || '] "GET ' || path(i) || '?q=' || r(i, 10, 4096) || ' HTTP/1.1" ' || status(i) || ' ' || r(i, 12, 16384) || ' "https://shop.example/" "' || agent(i)
    || case when r(i, 19, 7) = 0 then ' \\"quoted\\"' else '' end || '"'
from range({n}) t(i)
"""
_ZEEK = """
select concat_ws(chr(9), (epoch_us(stamp(i)) // 1000000) || '.' || lpad((epoch_us(stamp(i)) % 1000000)::varchar, 6, '0'), 'C' || lower(hex(hash(i))),
    pod_address(i), 30000 + r(i, 15, 20000), case when r(i, 20, 5) = 0 then '10.60.0.10' else '198.51.' || r(i, 21, 20) || '.' || r(i, 22, 250) end,
    case when r(i, 20, 5) = 0 then 5432 else 443 end, 'tcp', 'ssl', '0.' || lpad(r(i, 23, 999999)::varchar, 6, '0'), r(i, 11, 20000), r(i, 12, 90000), 'SF', 'T', 'F', 0,
    'ShADadfF', r(i, 24, 50), r(i, 11, 20000) + 900, r(i, 25, 90), r(i, 12, 90000) + 1800)
from range({n}) t(i)
"""
_EXCHANGE = """
select iso(i) as time, lower(hex(hash(i))) as id,
    {{'method': 'GET', 'url': 'https://shop.example' || path(i), 'headers': [['host', 'shop.example'], ['user-agent', agent(i)], ['authorization', 'Bearer x']], 'body': null}} as request,
    {{'status': status(i), 'headers': [['content-type', 'application/json'], ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
        ['x-content-type-options', 'nosniff'], ['x-frame-options', 'DENY'], ['referrer-policy', 'no-referrer'], ['content-security-policy', 'default-src ''self''']],
      'body': '{{"items":[' || array_to_string(list_transform(range(12), lambda k: '{{"id":"p-' || (hash(i * 12 + k) % 90000) || '","name":"Article ' || (hash(k + i) % 900) || '","price":' || (hash(k * 3 + i) % 9000) || '.50,"stock":' || (hash(k * 5 + i) % 90) || '}}'), ',') || ']}}'}} as response,
    client(i) as client_address, pod_address(i) || ':8080' as server_address, pod(i) as pod, case when canary(i) then '2.4.0' else '2.3.9' end as version,
    'u-' || r(i, 18, 20000) as "user", 'user' as role, 's-' || r(i, 26, 90000) as session, 0.01 as sample_rate
from range({n}) t(i)
"""
_SQL = {"envoy": ENVOY, "combined": _COMBINED, "zeek": _ZEEK, "exchange": _EXCHANGE}


def generate(folder: Path, kind: str, rows: int) -> Path:
    """Write `rows` lines of one kind; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILES[kind]
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(MACROS)
    sql = _SQL[kind].format(n=rows)
    form = (
        "format json"
        if kind in ("envoy", "exchange")
        else "format csv, header false, quote '', escape '', delimiter '\x01'"
    )
    target = path.with_suffix(".body") if kind == "zeek" else path
    connection.execute(f"copy ({sql}) to '{target}' ({form})")
    if kind == "zeek":
        _with_header(target, path)
    return path


def _with_header(body: Path, path: Path) -> None:
    with path.open("wb") as out, body.open("rb") as source:
        out.write(_ZEEK_HEADER.encode())
        while data := source.read(1 << 22):
            out.write(data)
        out.write(b"#close\t2026-03-03-12-00-00\n")
    body.unlink()


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--only", default=",".join(FILES))
    arguments = parser.parse_args()
    for kind in arguments.only.split(","):
        path = generate(arguments.folder, kind, arguments.megabytes * 1_000_000 // LINE_BYTES[kind])
        print(f"{path}: {path.stat().st_size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
