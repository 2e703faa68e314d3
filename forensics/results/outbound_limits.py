"""What outbound evidence could not show: owners, names, timers too slow for the window, kinds of logs that are missing, losses, assumed zones."""

from __future__ import annotations

from typing import Any

from forensics.results.context import Context
from forensics.text import listing, plural

PERIODS = (60, 300, 900, 3600, 6 * 3600, 86_400)
MAX_ROWS = 20
# Regular gaps are told from chance by about so many sightings (docs/beacons.md).
SIGHTINGS = 12
# Who sends to the outside, or sends from a private address or an internal zone, sends outbound; callers from public addresses to internal ones do not.
_OUTBOUND = """
from main.{table} c
left join dims.addresses z on z.address = c.{source}
left join dims.addresses t on t.address = c.{destination}
left join dims.shared_addresses s on s.address = c.{source}
where {outward} and (
    c.cohort <> 'unknown' or coalesce(z.zone_kind, 'internal') <> 'external' or z.address_class in ('private', 'unique_local', 'carrier_nat')
    or t.zone_kind = 'external'
)
"""
_SIDES = {
    "connections": ("source_address", "destination_address", "coalesce(c.network_direction, 'outbound') <> 'inbound'"),
    "dns_queries": ("client_address", "server_address", "true"),
}
# Addresses that an export gives to a pod without saying until when, and later to another one.
_TAKEN_OVER = """
select count(distinct a.address)
from facts.identities a
join facts.identities b on b.address = a.address and b.k8s_pod_name <> a.k8s_pod_name
    and coalesce(b.valid_from, timestamp '1970-01-01') > coalesce(a.valid_from, timestamp '1970-01-01')
where a.valid_to is null
"""
_KINDS = {
    "connections": "select 1 from facts.connections limit 1",
    "DNS": "select 1 from facts.dns_queries limit 1",
    "TLS (names and fingerprints)": "select 1 from facts.connections where tls_protocol_version is not null or tls_client_server_name is not null limit 1",
    "HTTP of the clients (Host)": "select 1 from facts.http_requests where connection_uid is not null limit 1",
    "programs (runtime sensor)": "select 1 from facts.connections where process_executable_path is not null limit 1",
}
_UNCOVERED = """
select coalesce(sum(connections), 0)::bigint from unnamed_cells where cohort = 'canary' and not is_covered
"""
_ENDLESS = """
select count(*)
from outbound_named o
join destinations d on d.destination = o.destination and d.destination_port is not distinct from o.destination_port
where o.cohort = 'canary' and o.connection_state in ('S1', 'OTH') and o.duration_ms is null and d.is_external and d.baseline_n + d.prior_n > 0
"""
_SCORED = """
select source, destination, destination_port, sightings, period_seconds, score, timing_score, histogram_score, duration_score, size_score
from beacons where cohort = 'canary' order by score desc, sightings desc, source, destination, destination_port
"""


def build(context: Context) -> dict[str, Any]:
    """Return counts, shares (0 to 1), seconds and sentences; `scored` are the canary's pairs with the highest scores, `scored_total` all of them."""
    rows, window = context.sandbox.rows, _window(context)
    scored = rows(_SCORED)
    keys = (
        "source",
        "destination",
        "port",
        "sightings",
        "period_seconds",
        "score",
        "timing",
        "histogram",
        "duration",
        "size",
    )
    return {
        "owners": [_owner(context, table) for table in _SIDES],
        "shared_addresses": rows("select count(*) from dims.shared_addresses")[0][0],
        "taken_over": rows(_TAKEN_OVER)[0][0],
        "unowned": _unowned(context),
        "names": _names(context),
        "window_seconds": window,
        "slowest_timer_seconds": window // SIGHTINGS,
        "periods": [_period(period, window) for period in PERIODS] if window else [],
        "missing": [kind for kind, sql in _KINDS.items() if not rows(sql)],
        "losses": [*_losses(context), *_untold(context)],
        "zones": _zones(context),
        "zones_note": _zones_note(context),
        "scored": [dict(zip(keys, row, strict=True)) for row in scored[:MAX_ROWS]],
        "scored_total": len(scored),
    }


def _owner(context: Context, table: str) -> dict[str, Any]:
    """Say what share of the rows that workloads sent belongs to a cohort; what comes from outside is not outbound."""
    counts = dict(context.sandbox.rows(f"select c.cohort <> 'unknown', count(*) {_outbound(table)} group by all"))
    owned, total = counts.get(True, 0), sum(counts.values())
    return {"table": table, "rows": total, "owned": owned, "share": owned / total if total else None}


def _outbound(table: str) -> str:
    source, destination, outward = _SIDES[table]
    return _OUTBOUND.format(table=table, source=source, destination=destination, outward=outward)


def _unowned(context: Context) -> list[dict[str, Any]]:
    """Return the addresses whose outbound rows nobody owns, most rows first."""
    found = context.sandbox.rows(
        f"select c.source_address, count(*), max(s.pods) {_outbound('connections')} and c.cohort = 'unknown' and c.source_address is not null "
        "group by 1 order by 2 desc, 1"
    )
    return [{"address": address, "rows": n, "pods": pods} for address, n, pods in found[:MAX_ROWS]]


def _names(context: Context) -> list[dict[str, Any]]:
    """Return how many of the canary's outside connections have a name, by what told it."""
    found = context.sandbox.rows(
        "select named_by, sum(connections)::bigint from outbound_cells where cohort = 'canary' and zone_kind = 'external' group by 1 order by 1"
    )
    total = sum(count for _, count in found)
    return [{"named_by": named_by, "connections": count, "share": count / total} for named_by, count in found]


def _window(context: Context) -> int:
    row = context.sandbox.rows(
        "select coalesce(epoch(max(last_seen))::bigint - epoch(min(first_seen))::bigint, 0) from outbound_cells where cohort = 'canary'"
    )[0]
    return int(row[0])


def _period(period: int, window: int) -> dict[str, Any]:
    """Return the chance that one beat falls into the window (phase unknown), and whether there are enough for a score, and to tell a timer."""
    beats = window / period
    return {
        "period_seconds": period,
        "seen_once": min(1.0, beats),
        "can_be_scored": beats >= 4,
        "can_be_told": beats >= SIGHTINGS,
    }


def _losses(context: Context) -> list[str]:
    """Return sentences on what sensors say they lost."""
    sandbox, told = context.sandbox, []
    missed = sandbox.rows(
        "select coalesce(sum(try_cast(attributes ->> '$.missed_bytes' as bigint)), 0)::bigint, coalesce(sum(source_bytes + destination_bytes), 0)::bigint "
        "from main.connections where cohort = 'canary' and contains(attributes, 'missed_bytes')"
    )[0]
    if missed[0]:
        told.append(f"The sensor missed {missed[0]:,} bytes of the canary's connections; it counted {missed[1]:,}.")
    aggregated = sandbox.rows("select count(*) from main.connections where is_aggregated")[0][0]
    if aggregated:
        told.append(
            f"{plural(aggregated, 'connection')} from aggregated flow logs: intervals between them are not assessable."
        )
    sampled = sandbox.rows("select min(sample_rate) from main.connections where sample_rate < 1")[0][0]
    if sampled is not None:
        told.append(f"Connections were sampled, down to {sampled:.3%}.")
    for entry in context.result.evidence:
        lost = (entry.get("skipped") or {}).get("records that AWS could not keep")
        if lost:
            told.append(f"{entry['name']}: {plural(lost, 'interval')} with records that AWS could not keep.")
    return told


def _untold(context: Context) -> list[str]:
    """Return sentences on connections that no detector can judge."""
    value, told = context.sandbox.rows, []
    if unnamed := value(_UNCOVERED)[0][0]:
        told.append(
            f"{plural(unnamed, 'connection')} of the canary to addresses without a name cannot be called direct: no DNS evidence covers the client at that time, so a lookup may have gone unseen."
        )
    if endless := value(_ENDLESS)[0][0]:
        told.append(
            f"{plural(endless, 'connection')} of the canary to destinations that the baseline uses too did not end in evidence and tell no duration: whether they are long is not known."
        )
    return told


def _zones(context: Context) -> list[dict[str, Any]]:
    given = [
        {"name": rule.name, "kind": rule.kind, "networks": rule.cidrs, "source": "canary.toml"}
        for rule in context.config.zone
    ]
    guessed = _guessed(context)
    return given + (
        [{"name": "workloads", "kind": "internal", "networks": guessed, "source": "assumed"}] if guessed else []
    )


def _guessed(context: Context) -> list[str]:
    rows = context.sandbox.rows(
        "select distinct split_part(address_canonical, '.', 1) || '.' || split_part(address_canonical, '.', 2) || '.0.0/16' from dims.addresses "
        "where zone = 'workloads' order by 1"
    )
    return [row[0] for row in rows]


def _zones_note(context: Context) -> str:
    """Say what was assumed to be internal where canary.toml names no internal zone."""
    if any(rule.kind == "internal" for rule in context.config.zone):
        return ""
    guessed = _guessed(context)
    if not guessed:
        return "canary.toml names no internal zone, and no private address opened a connection: every destination counts as outside."
    return (
        f"canary.toml names no internal zone: assumed internal are {listing(guessed, 8)}, the /16 networks of private addresses that open connections. "
        "An attacker inside of them is not seen as outside; name the zones in canary.toml."
    )
