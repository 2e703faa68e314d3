"""The network logs: Zeek TSV as the sensor on the node writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sample_data.generator.draw import Draw
from sample_data.generator.model import Connection, Lookup, World, moment

Row = Sequence[str]
Field = tuple[str, str]

RESOLVER = "10.43.0.10"
QTYPES = {"A": "1", "AAAA": "28"}
RCODES = {"NOERROR": "0", "NXDOMAIN": "3"}
ENDPOINTS: tuple[Field, ...] = (
    ("ts", "time"), ("uid", "string"), ("id.orig_h", "addr"), ("id.orig_p", "port"), ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
)  # fmt: skip
CONN: tuple[Field, ...] = (
    *ENDPOINTS, ("proto", "enum"), ("service", "string"), ("duration", "interval"), ("orig_bytes", "count"),
    ("resp_bytes", "count"), ("conn_state", "string"), ("local_orig", "bool"), ("local_resp", "bool"),
    ("missed_bytes", "count"), ("history", "string"), ("orig_pkts", "count"), ("orig_ip_bytes", "count"),
    ("resp_pkts", "count"), ("resp_ip_bytes", "count"), ("tunnel_parents", "set[string]"),
)  # fmt: skip
DNS: tuple[Field, ...] = (
    *ENDPOINTS, ("proto", "enum"), ("trans_id", "count"), ("rtt", "interval"), ("query", "string"),
    ("qclass", "count"), ("qclass_name", "string"), ("qtype", "count"), ("qtype_name", "string"), ("rcode", "count"),
    ("rcode_name", "string"), ("AA", "bool"), ("TC", "bool"), ("RD", "bool"), ("RA", "bool"), ("Z", "count"),
    ("answers", "vector[string]"), ("TTLs", "vector[interval]"), ("rejected", "bool"),
)  # fmt: skip
SSL: tuple[Field, ...] = (
    *ENDPOINTS, ("version", "string"), ("cipher", "string"), ("curve", "string"), ("server_name", "string"),
    ("resumed", "bool"), ("last_alert", "string"), ("next_protocol", "string"), ("established", "bool"),
    ("ssl_history", "string"), ("cert_chain_fps", "vector[string]"), ("client_cert_chain_fps", "vector[string]"),
    ("sni_matches_cert", "bool"),
)  # fmt: skip


def files(world: World) -> dict[str, bytes]:
    """Return conn.log in the order connections ended, dns.log and ssl.log in the order they were seen."""
    tls = [c for c in world.connections if c.server_name]
    draw = Draw(world.scenario.seed, "ssl")
    by_time: Callable[[Lookup | Connection], tuple[int, str]] = lambda item: (item.time_us, item.uid)  # noqa: E731
    dns = (_dns_row(lookup) for lookup in sorted(world.lookups, key=by_time))
    ssl = (_ssl_row(c, draw) for c in sorted(tls, key=by_time))
    return {
        "network/conn.log": _log(world, "conn", CONN, _conn_rows(world)),
        "network/dns.log": _log(world, "dns", DNS, dns),
        "network/ssl.log": _log(world, "ssl", SSL, ssl),
    }


def _log(world: World, path: str, fields: Sequence[Field], rows: Iterable[Row]) -> bytes:
    """Return a whole log with its header and its last line."""
    names, types = "\t".join(name for name, _ in fields), "\t".join(kind for _, kind in fields)
    head = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{path}"]
    head += [f"#open\t{_stamp(world.scenario.start)}", f"#fields\t{names}", f"#types\t{types}"]
    lines = [*head, *("\t".join(row) for row in rows), f"#close\t{_stamp(world.scenario.end)}"]
    return ("\n".join(lines) + "\n").encode()


def _stamp(ms: int) -> str:
    return moment(ms).strftime("%Y-%m-%d-%H-%M-%S")


def _seconds(us: int) -> str:
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"


def _conn_rows(world: World) -> list[Row]:
    """Return TCP connections and the UDP exchanges of the lookups, by the time they ended."""
    ended = [(c.time_us + c.duration_us, c.uid, _tcp_row(c)) for c in world.connections]
    ended += [(u.time_us + u.rtt_us, u.uid, _udp_row(u)) for u in world.lookups]
    return [row for _, _, row in sorted(ended, key=lambda item: item[:2])]


def _tcp_row(c: Connection) -> Row:
    sent_packets, received_packets = 6 + c.sent // 1200, 5 + c.received // 1200
    local = "T" if c.address.startswith("10.") else "F"
    return (
        _seconds(c.time_us), c.uid, c.pod.address, str(c.port), c.address, str(c.destination_port), "tcp", c.service,
        _seconds(c.duration_us), str(c.sent), str(c.received), c.state, "T", local, "0",
        "ShADadFf" if c.state == "SF" else "ShADadR", str(sent_packets), str(c.sent + 40 * sent_packets),
        str(received_packets), str(c.received + 40 * received_packets), "-",
    )  # fmt: skip


def _udp_row(u: Lookup) -> Row:
    sent = 18 + len(u.query)
    received = sent + 16 * len(u.answers)
    return (
        _seconds(u.time_us), u.uid, u.pod.address, str(u.port), RESOLVER, "53", "udp", "dns", _seconds(u.rtt_us),
        str(sent), str(received), "SF", "T", "T", "0", "Dd", "1", str(sent + 28), "1", str(received + 28), "-",
    )  # fmt: skip


def _dns_row(u: Lookup) -> Row:
    answers, ttls = ",".join(u.answers) or "-", ",".join(f"{u.ttl}.000000" for _ in u.answers) or "-"
    inside = "T" if u.query.endswith("cluster.local") else "F"
    return (
        _seconds(u.time_us), u.uid, u.pod.address, str(u.port), RESOLVER, "53", "udp", str(u.trans_id),
        _seconds(u.rtt_us), u.query, "1", "C_INTERNET", QTYPES[u.qtype], u.qtype, RCODES[u.rcode], u.rcode, inside,
        "F", "T", "T", "0", answers, ttls, "F",
    )  # fmt: skip


def _ssl_row(c: Connection, draw: Draw) -> Row:
    resumed = "T" if draw.chance(0.3) else "F"
    return (
        _seconds(c.time_us + 9_000), c.uid, c.pod.address, str(c.port), c.address, str(c.destination_port), "TLSv13",
        "TLS_AES_128_GCM_SHA256", "x25519", str(c.server_name), resumed, "-", "h2", "T" if c.is_established else "F", "CsiI" if c.is_established else "CL", "-", "-", "-",
    )  # fmt: skip
