"""The cache `case.duckdb`: facts as views over Parquet, small dimension tables of distinct keys, and the views detectors read.

    facts.<table>      rows as ingested, with evidence_id and record_id
    dims.*             phases, identities, addresses, paths, observers ...
    observed.<table>   facts with pod, version, cohort, phase; every observer
    <table>            the same for the one observer that was chosen (rates never pool observers)
    other views        queries/views/*.sql, in order of their names

A changed rule in canary.toml rebuilds the cache; no evidence is read again.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from forensics import __version__, cohort
from forensics.case import Case, LedgerEntry
from forensics.config import Config
from forensics.resources import tree, walk
from forensics.schema import TABLES, Table
from forensics.store import Sandbox, Store, closing, literal, name, open_cache, open_sandbox

# The address of whose pod a row speaks, most telling first.
ACTING_ADDRESSES: dict[str, tuple[str, ...]] = {
    "http_requests": ("upstream_address", "client_address"),
    "http_exchanges": ("upstream_address",),
    "connections": ("source_address",),
    "dns_queries": ("client_address",),
    "metrics": (),
}
_ALWAYS = datetime(1970, 1, 1)  # noqa: DTZ001 - table times have no zone
_TIMELESS = {"components", "identities", "configuration"}
_DERIVED = {"content_matches", "header_verdicts", "rejects"}
_PATH_TABLES = ("http_requests", "http_exchanges")
_ADDRESS_COLUMNS = {
    "connections": ("source_address", "destination_address"),
    "dns_queries": ("client_address", "server_address"),
    "http_requests": ("client_address",),
    "http_exchanges": ("client_address",),
}


@contextmanager
def opened(case: Case, threads: int | None = None) -> Iterator[Sandbox]:
    """Open the case's views in the sandbox; the cache is built first where it is missing or stale."""
    ensure(case, threads)
    sandbox = open_sandbox(case.database, list(_readable(case)), case.temporary, threads)
    try:
        yield sandbox
    finally:
        sandbox.close()


def ensure(case: Case, threads: int | None = None) -> None:
    """Build the cache unless it stands for this evidence, configuration, version and place."""
    marker, wanted = case.folder / "case.duckdb.key", _key(case)
    if case.database.exists() and marker.exists() and marker.read_text() == wanted:
        return
    for stale in (marker, case.database, case.database.with_suffix(".duckdb.wal")):
        stale.unlink(missing_ok=True)
    case.temporary.mkdir(exist_ok=True, mode=0o700)
    with closing(open_cache(case.database, case.temporary, threads)) as store:
        build(store, case.config().config, case.ledger(), {table: case.table_files(table) for table in TABLES})
    marker.write_text(wanted)


def _key(case: Case) -> str:
    views = "".join(file.read_text(encoding="utf-8") for _, file in walk(tree("queries") / "views", ".sql"))
    parts = [__version__, str(case.folder.absolute()), case.config().sha256, views]
    parts += [f"{entry.id}{entry.status}{sorted(entry.rows.items())}" for entry in case.ledger()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _readable(case: Case) -> Iterator[Path]:
    for table in TABLES:
        yield from (path.absolute() for path in case.table_files(table))


def build(store: Store, config: Config, ledger: list[LedgerEntry], files: dict[str, list[Path]]) -> None:
    """Make all schemas, dimensions and views in `store`."""
    store.execute("create schema facts; create schema dims; create schema observed")
    for table in TABLES.values():
        _facts(store, table, files.get(table.name, []))
    derive(store, config, ledger)


def derive(store: Store, config: Config, ledger: list[LedgerEntry]) -> None:
    """Make dimensions and views over existing `facts` (also used by detector tests over small tables)."""
    _evidence(store, ledger)
    _phases(store, config)
    _identities(store, config)
    _addresses(store, config)
    _paths(store, config)
    _settings(store, config)
    names = {entry.id: entry.name for entry in ledger}
    for table in TABLES.values():
        if table.name not in _DERIVED:
            _observed(store, table, config, names)
    _observers(store)
    for _, file in walk(tree("queries") / "views", ".sql"):
        store.execute(file.read_text(encoding="utf-8"))


def _facts(store: Store, table: Table, files: list[Path]) -> None:
    title = f"facts.{table.name}"
    if not files:
        columns = ", ".join(f"null::{kind} as {name(column)}" for column, kind in table.types.items())
        store.execute(f"create view {title} as select {columns}, null::varchar as record_id where false")
        return
    paths = literal([str(path.absolute()) for path in files])
    stored = [column for column in table.types if column != "evidence_id"]
    have = {row[0] for row in store.rows(f"describe select * from read_parquet({paths}, union_by_name = true)")}
    columns = ", ".join(
        f"{name(column)}::{table.types[column]} as {name(column)}"
        if column in have
        else f"null::{table.types[column]} as {name(column)}"
        for column in stored
    )
    store.execute(
        f"create view {title} as select *, evidence_id || ':' || record_no as record_id from "
        f"(select parse_filename(filename, true) as evidence_id, {columns} from read_parquet({paths}, filename = true, union_by_name = true))"
    )


def _evidence(store: Store, ledger: list[LedgerEntry]) -> None:
    rows = [msgspec.structs.asdict(entry) for entry in ledger]
    schema = pa.schema([
        ("evidence_id", pa.string()), ("name", pa.string()), ("status", pa.string()), ("format", pa.string()), ("observer", pa.string()),
        ("size", pa.int64()), ("sha256", pa.string()), ("records", pa.int64()), ("accepted", pa.int64()), ("rejected", pa.int64()), ("note", pa.string()),
    ])  # fmt: skip
    data = pa.Table.from_pylist([{**row, "evidence_id": row["id"]} for row in rows], schema=schema)
    _store(store, "main.evidence", data)


def _store(store: Store, title: str, data: pa.Table) -> None:
    store.register("incoming", data)
    store.execute(f"create table {title} as select * from incoming")
    store.unregister("incoming")


def phases_of(store: Store, config: Config) -> tuple[list[cohort.Phase], str]:
    """Return the phases and where they come from: canary.toml wins over rollout events."""
    given = cohort.configured_phases(config)
    if given:
        return given, "canary.toml"
    events = store.rows(
        "select time, event_kind, canary_weight from facts.rollout_events where time is not null order by time, event_kind, record_no"
    )
    seen = cohort.observed_phases(events)
    return seen, "rollout events" if seen else "none"


def _phases(store: Store, config: Config) -> None:
    phases, source = phases_of(store, config)
    schema = pa.schema(
        [
            ("position", pa.int32()),
            ("phase", pa.string()),
            ("start_time", pa.timestamp("us")),
            ("end_time", pa.timestamp("us")),
            ("weight", pa.float64()),
            ("source", pa.string()),
        ]
    )
    rows = [
        {
            "position": index,
            "phase": phase.name,
            "start_time": phase.start,
            "end_time": phase.end,
            "weight": phase.weight,
            "source": source,
        }
        for index, phase in enumerate(phases)
    ]
    _store(store, "dims.phases", pa.Table.from_pylist(rows, schema=schema))


# Requests that carry both the address of the instance and its pod say who held the address, where they say one pod only.
_SEEN_IDENTITIES = """
select upstream_address, min(k8s_pod_name), min(service_version), min(k8s_namespace_name), null, null::timestamp, null::timestamp
from (
    select upstream_address, k8s_pod_name, service_version, k8s_namespace_name from facts.http_exchanges
    union all select upstream_address, k8s_pod_name, service_version, k8s_namespace_name from facts.http_requests
)
where upstream_address is not null and k8s_pod_name is not null
group by upstream_address
having count(distinct k8s_pod_name) = 1 and count(distinct service_version) <= 1
order by upstream_address
"""


def _identities(store: Store, config: Config) -> None:
    facts = store.rows(
        "select address, k8s_pod_name, service_version, k8s_namespace_name, null, valid_from, valid_to from facts.identities "
        "where address is not null group by all order by all"
    )
    given = [
        cohort.Span(
            item.address, item.pod or None, item.version or None, None, item.cohort, _utc(item.start), _utc(item.stop)
        )
        for item in config.identity
    ]
    known = {span.address for span in given}
    told = [cohort.Span(*row) for row in facts if row[0] not in known]
    known |= {span.address for span in told}
    seen = [cohort.Span(*row) for row in store.rows(_SEEN_IDENTITIES) if row[0] not in known]
    spans = cohort.disjoint([*given, *told, *seen])
    schema = pa.schema([
        ("address", pa.string()), ("pod", pa.string()), ("version", pa.string()), ("namespace", pa.string()), ("cohort", pa.string()),
        ("valid_from", pa.timestamp("us")), ("valid_to", pa.timestamp("us")),
    ])  # fmt: skip
    rows = [
        {
            "address": s.address,
            "pod": s.pod,
            "version": s.version,
            "namespace": s.namespace,
            "cohort": s.cohort,
            "valid_from": s.start or _ALWAYS,
            "valid_to": s.stop,
        }
        for s in spans
    ]
    _store(store, "dims.identities", pa.Table.from_pylist(rows, schema=schema))
    store.execute(
        "create table dims.pods as select pod, max(version) as version from dims.identities where pod is not null and version is not null "
        "group by pod having count(distinct version) = 1 order by pod"
    )


def _utc(moment: datetime | None) -> datetime | None:
    return cohort.utc(moment) if moment else None


def _addresses(store: Store, config: Config) -> None:
    """Zone of every distinct address; matching runs on distinct values, never on rows."""
    parts = [
        f"select {column} as address from facts.{table}"
        for table, columns in _ADDRESS_COLUMNS.items()
        for column in columns
    ]
    distinct = [
        row[0]
        for row in store.rows(
            f"select distinct address from ({' union all '.join(parts)}) where address is not null order by address"
        )
    ]
    workloads = store.rows(
        "select distinct source_address from facts.connections where source_address is not null and coalesce(network_direction, 'outbound') <> 'inbound'"
    )
    zones = cohort.zones(config, [row[0] for row in workloads])
    found = [
        (zones.find(address) or ("external", "external")) if _is_address(address) else (None, None)
        for address in distinct
    ]
    data = pa.table({
        "address": pa.array(distinct, pa.string()),
        "zone": pa.array([item[0] for item in found], pa.string()),
        "zone_kind": pa.array([item[1] for item in found], pa.string()),
    })  # fmt: skip
    _store(store, "dims.addresses", data)
    rows = list(_cidr_rows(store, config))
    schema = pa.schema([("rule", pa.int32()), ("address", pa.string())])
    _store(store, "dims.cidr_rules", pa.Table.from_pylist(rows, schema=schema))


def _is_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        return True
    return False


def _cidr_rows(store: Store, config: Config) -> Iterator[dict[str, Any]]:
    for index, (column, network) in cohort.cidr_columns(config).items():
        holds = cohort.Networks([(network, True)])
        tables = [table.name for table in TABLES.values() if column in table.types]
        union = " union ".join(
            f"select distinct {name(column)}::varchar as address from facts.{table}" for table in tables
        )
        for (address,) in store.rows(f"select address from ({union}) where address is not null order by address"):
            if holds.find(address):
                yield {"rule": index, "address": address}


def _paths(store: Store, config: Config) -> None:
    """Route template of every distinct path, by canary.toml's templates first, else by shape."""
    union = " union all ".join(f"select url_path from facts.{table}" for table in _PATH_TABLES)
    store.execute(f"create table dims.paths as select distinct url_path from ({union}) where url_path is not null")
    whens = " ".join(
        f"when regexp_full_match(url_path, {literal(_template_pattern(route.template))}) then {literal(route.template)}"
        for route in config.route
    )
    store.execute((tree("queries") / "macros" / "routes.sql").read_text(encoding="utf-8"))
    store.execute(
        f"create table dims.routes as select url_path, {f'case {whens} else route_of(url_path) end' if whens else 'route_of(url_path)'} as route from dims.paths order by url_path"
    )
    store.execute("drop table dims.paths")


def _template_pattern(template: str) -> str:
    import re

    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template))


def _settings(store: Store, config: Config) -> None:
    """Store what views and detectors need to know of canary.toml, as small tables."""
    release = config.release
    allow = list(_allow_rows(store, config))
    _store(
        store,
        "dims.allow",
        pa.Table.from_pylist(
            allow, schema=pa.schema([("destination", pa.string()), ("owner", pa.string()), ("reason", pa.string())])
        ),
    )
    _store(store, "dims.release", pa.table({
        "service": [release.service], "baseline_version": [release.baseline_version], "canary_version": [release.canary_version],
    }))  # fmt: skip


def _allow_rows(store: Store, config: Config) -> Iterator[dict[str, str]]:
    """Give globs over `host:port`; a network becomes its contacted addresses. What expired before the window's end allows nothing."""
    end = config.window.end
    for rule in config.allow:
        if rule.expires and end and rule.expires < cohort.utc(end).date():
            continue
        for destination in _allowed(store, rule.destination) if "/" in rule.destination else [rule.destination]:
            yield {"destination": destination, "owner": rule.owner, "reason": rule.reason}


def _allowed(store: Store, rule: str) -> Iterator[str]:
    """Yield `address:port` of the contacted addresses inside `network:port`; without a port, or with *, any port."""
    network, _, port = rule.rpartition(":")
    if "/" not in network:
        network, port = rule, "*"
    holds = cohort.Networks([(network.strip("[]"), True)])
    for (address,) in store.rows(
        "select distinct destination_address from facts.connections where destination_address is not null order by all"
    ):
        if holds.find(address):
            yield f"{address}:{port}"


def _observed(store: Store, table: Table, config: Config, evidence: dict[str, str]) -> None:
    timed = table.name not in _TIMELESS
    phases, _ = phases_of(store, config)
    window = (config.window.start, config.window.end)
    phase = cohort.phase_sql(phases, window) if timed else "'all'"
    joins, pod, version, who = _located(table)
    store.execute(
        f"create view observed.{table.name} as select *, {cohort.cohort_sql(config, table.name, evidence, timed)} as cohort, "
        f"{cohort.conflict_sql(config, table.name, evidence)} as cohort_conflict from ("
        f"select f.* replace ({pod} as k8s_pod_name, {version} as service_version), {who} as identity_cohort, {phase} as phase "
        f"from facts.{table.name} f {joins})"
    )


def _located(table: Table) -> tuple[str, str, str, str]:
    """Return joins to the identity that held the row's address at its time, and the expressions of pod, version and cohort."""
    joins, pods, versions, cohorts = [], ["f.k8s_pod_name"], ["f.service_version"], []
    for index, column in enumerate(ACTING_ADDRESSES.get(table.name, ())):
        alias = f"i{index}"
        joins.append(
            f"left join dims.identities {alias} on {alias}.address = f.{column} and f.time >= {alias}.valid_from and f.time < {alias}.valid_to"
        )
        pods.append(f"{alias}.pod")
        versions.append(f"{alias}.version")
        cohorts.append(f"{alias}.cohort")
    pod = f"coalesce({', '.join(pods)})" if len(pods) > 1 else pods[0]
    joins.append(f"left join dims.pods p on p.pod = {pod}")
    versions.append("p.version")
    who = f"coalesce({', '.join(cohorts)})" if len(cohorts) > 1 else (cohorts[0] if cohorts else "null::varchar")
    return " ".join(joins), pod, f"coalesce({', '.join(versions)})", who


def _observers(store: Store) -> None:
    """Choose one observer a table: the one that saw most of the cohort it saw least of; ties by rows, then by name.

    One observer for both cohorts, so that rates compare like with like.
    """
    tables = [table for table in TABLES if table not in _DERIVED]
    union = " union all ".join(
        f"select '{table}' as table_name, observer, cohort, count(*) as rows, count(*) filter (cohort_conflict) as conflicts from observed.{table} group by all"
        for table in tables
    )
    store.execute(f"create table dims.observer_counts as {union} order by all")
    store.execute(
        "create table dims.observers as select table_name, observer from (select table_name, observer, "
        "least(coalesce(sum(rows) filter (cohort = 'canary'), 0), coalesce(sum(rows) filter (cohort = 'baseline'), 0)) as thinner, "
        "sum(rows) filter (cohort in ('canary', 'baseline')) as known, sum(rows) as total "
        "from dims.observer_counts group by all) qualify row_number() over "
        "(partition by table_name order by thinner desc, coalesce(known, 0) desc, total desc, observer) = 1 order by all"
    )
    chosen = dict(store.rows("select table_name, observer from dims.observers"))
    for table in tables:
        observer = chosen.get(table)
        where = "" if _one_kind(table) or observer is None else f" where observer = {literal(observer)}"
        store.execute(
            f"create view main.{table} as select * exclude (cohort_conflict, identity_cohort) from observed.{table}{where}"
        )


def _one_kind(table: str) -> bool:
    """Tables of statements, not of sightings: rows of several sources add up."""
    return table in {
        "rollout_events",
        "identities",
        "components",
        "runtime_alerts",
        "external_findings",
        "configuration",
        "flag_events",
        "metrics",
    }


def load_rows(store: Store, tables: dict[str, Iterable[dict[str, Any]]]) -> None:
    """Make `facts` tables from rows given as dicts (detector tests); tables without rows are empty."""
    store.execute("create schema facts; create schema dims; create schema observed")
    for table in TABLES.values():
        columns = ", ".join(f"{name(column)} {kind}" for column, kind in table.types.items())
        store.execute(f"create table facts.{table.name} ({columns}, record_id varchar)")
        for number, row in enumerate(tables.get(table.name, ()), 1):
            _insert(store, table, {"evidence_id": "test", "record_no": number, **row})


def _insert(store: Store, table: Table, row: dict[str, Any]) -> None:
    values = {**row, "record_id": f"{row['evidence_id']}:{row['record_no']}"}
    casts = ", ".join(f"${key}::{table.types.get(key, 'VARCHAR')}" for key in values)
    store.execute(f"insert into facts.{table.name} ({', '.join(map(name, values))}) values ({casts})", values)
