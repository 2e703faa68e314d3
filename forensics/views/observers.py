"""`observed.<table>`: facts with pod, version, cohort and phase; and the one observer a table that is chosen."""

from __future__ import annotations

from forensics import cohort
from forensics.config import Config
from forensics.networks import plain_sql
from forensics.schema import TABLES, Table
from forensics.store import Store, literal
from forensics.views.phases import phases_of

# The address of whose pod a row speaks, most telling first.
ACTING_ADDRESSES: dict[str, tuple[str, ...]] = {
    "http_requests": ("upstream_address", "client_address"),
    "http_exchanges": ("upstream_address",),
    "connections": ("source_address",),
    "dns_queries": ("client_address",),
    "metrics": (),
    "runtime_alerts": ("server_address",),
}
_TIMELESS = {"components", "identities", "configuration", "vulnerabilities"}
DERIVED = {"content_matches", "header_verdicts", "rejects"}

_NO_COUNTS = "select * from (select ''::varchar as table_name, ''::varchar as observer, ''::varchar as cohort, 0::bigint as rows, 0::bigint as conflicts) where false"


def observed(store: Store, table: Table, config: Config, evidence: dict[str, str]) -> None:
    """Make the view of one table with pod, version, cohort and phase of every row."""
    timed = table.name not in _TIMELESS
    phases, _ = phases_of(store, config)
    window = (config.window.start, config.window.end)
    phase = cohort.phase_sql(phases, window) if timed else "'all'"
    joins, pod, version, who = _located(table)
    store.execute(
        f"create view observed.{table.name} as select *, {cohort.cohort_sql(config, table.name, evidence, timed)} as cohort, "
        f"{cohort.conflict_sql(config, table.name, evidence)} as cohort_conflict from ("
        f"select f.* replace ({pod} as k8s_pod_name, {version} as service_version), {who} as identity_cohort, {phase} as phase "
        f"from {_facts(table)} f {joins})"
    )


def _facts(table: Table) -> str:
    """Return the facts with each IPv4 address as one text: servers that listen on both versions write `::ffff:10.0.0.1`."""
    plain = [f"{plain_sql(column)} as {column}" for column in table.types if column.endswith("_address")]
    return f"(select * replace ({', '.join(plain)}) from facts.{table.name})" if plain else f"facts.{table.name}"


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


def observers(store: Store) -> None:
    """Choose one observer a table: the one that saw most of the cohort it saw least of; ties by rows, then by name.

    One observer for both cohorts, so that rates compare like with like.
    """
    tables = [table for table in TABLES if table not in DERIVED]
    counts = [
        f"select '{table}' as table_name, observer, cohort, count(*) as rows, count(*) filter (cohort_conflict) as conflicts from observed.{table} group by all"
        for table in tables
        if store.value(
            f"select exists (select 1 from facts.{table})"
        )  # planning the count of an empty one costs 2 ms each
    ]
    union = " union all ".join(counts) or _NO_COUNTS
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
        "vulnerabilities",
        "runtime_alerts",
        "external_findings",
        "configuration",
        "flag_events",
        "metrics",
    }
