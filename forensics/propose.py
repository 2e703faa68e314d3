"""Propose a canary.toml from what the evidence shows: each line with the rows behind it and the reason, for a person to confirm."""

from __future__ import annotations

import ipaddress
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from forensics import ingest, views
from forensics.case import Case, create
from forensics.cohort import Phase, observed_phases
from forensics.config import empty
from forensics.findings import moment
from forensics.schema import TABLES
from forensics.store import Sandbox, name
from forensics.text import listing, plural, safe_text

_CANARY = re.compile(r"(?:^|[|._/-])(canary|preview|candidate|next)(?:$|[|._/-])", re.IGNORECASE)
_STABLE = re.compile(r"(?:^|[|._/-])(stable|baseline|primary|prod|production)(?:$|[|._/-])", re.IGNORECASE)
# Ports of data stores: PostgreSQL, MySQL, SQL Server, Oracle, Redis, MongoDB, Cassandra, Elasticsearch, memcached.
_DATASTORE_PORTS = (5432, 3306, 1433, 1521, 6379, 27017, 9042, 9200, 11211)
_VERSION_TABLES = (
    "http_requests",
    "http_exchanges",
    "identities",
    "components",
    "connections",
    "app_logs",
    "auth_events",
)
_WORKLOAD_COLUMNS = (("connections", "source_address"), ("dns_queries", "client_address"), ("identities", "address"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A cohort rule with the rows it reaches and why it is proposed."""

    cohort: str
    table: str
    column: str
    test: str
    value: str
    reason: str


@dataclass(slots=True)
class Proposal:
    """What will be written."""

    release: dict[str, str] = field(default_factory=dict)
    release_reason: str = ""
    window: tuple[datetime | None, datetime | None] = (None, None)
    ended: tuple[str, datetime | None] = ("unknown", None)
    phases: list[Phase] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    zones: list[tuple[str, list[str], str, str]] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def propose(paths: Sequence[Path], watcher: ingest.Watcher | None = None) -> str:
    """Return the text of a canary.toml for the evidence in `paths`; nothing is kept.

    Raises:
        EvidenceError: see `ingest`.

    """
    with tempfile.TemporaryDirectory(prefix="canary-init-") as folder:
        case = create(Path(folder) / "init.case")
        case.write_config(empty())
        ingest.ingest(case, paths, None, watcher)
        with views.opened(case) as sandbox:
            return render(_study(case, sandbox), case)


def _study(case: Case, sandbox: Sandbox) -> Proposal:
    proposal = Proposal()
    _versions(sandbox, proposal)
    _clusters(sandbox, proposal)
    _pods(sandbox, proposal)
    _rollout(sandbox, proposal)
    _window(case, sandbox, proposal)
    _zones(sandbox, proposal)
    _identities(sandbox, proposal)
    cohorts = {rule.cohort for rule in proposal.rules}
    if cohorts != {"canary", "baseline"}:
        proposal.missing.append(
            "No version, pod hash or cluster name tells canary from baseline; write the [[cohort]] rules by hand."
        )
    return proposal


def _versions(sandbox: Sandbox, proposal: Proposal) -> None:
    """Take the version that came later for the canary; of versions that came together, the rarer one."""
    union = " union all ".join(
        f"select '{table}' as t, service_version, service_name, {'valid_from' if table == 'identities' else 'time'} as time from facts.{table}"
        for table in _VERSION_TABLES
    )
    rows = sandbox.rows(
        f"select service_version, count(*) filter (where t <> 'components'), min(time) filter (where t <> 'components'), "
        f"string_agg(distinct t, ', ' order by t), mode(service_name), min(time) from ({union}) where service_version is not null group by 1 order by 1"
    )
    acting = [row for row in rows if row[1]] or rows
    if len(acting) < 2:
        return
    ordered = sorted(acting, key=lambda row: (row[2] or row[5] or datetime.max, -row[1], row[0]))  # noqa: DTZ901 - table times have no zone
    canary = ordered[-1]
    baseline = max(ordered[:-1], key=lambda row: (row[1], row[0]))
    proposal.release = {
        "service": safe_text(canary[4] or baseline[4] or ""),
        "baseline_version": baseline[0],
        "canary_version": canary[0],
    }
    proposal.release_reason = (
        f"{canary[0]} was first seen {_when(canary[2] or canary[5])}, {baseline[0]} {_when(baseline[2] or baseline[5])}"
    )
    others = [row[0] for row in ordered if row not in (canary, baseline)]
    if others:
        proposal.missing.append(f"Other versions were seen and belong to no rule: {listing(others)}.")
    for cohort, row in (("canary", canary), ("baseline", baseline)):
        proposal.rules.append(
            Rule(cohort, "*", "service_version", "equals", row[0], f"{plural(row[1], 'row')} in {row[3]}")
        )


def _clusters(sandbox: Sandbox, proposal: Proposal) -> None:
    rows = sandbox.rows(
        "select upstream_cluster, count(*) from facts.http_requests where upstream_cluster is not null group by 1 order by 1"
    )
    for cohort, pattern in (("canary", _CANARY), ("baseline", _STABLE)):
        fitting = [(cluster, count, found[1]) for cluster, count in rows if (found := pattern.search(cluster))]
        for word in sorted({word for _, _, word in fitting}):
            hits = [(cluster, count) for cluster, count, found in fitting if found == word]
            proposal.rules.append(
                Rule(
                    cohort,
                    "http_requests",
                    "upstream_cluster",
                    "glob",
                    _glob(hits, word),
                    f"{plural(sum(n for _, n in hits), 'row')}: {safe_text(hits[0][0], 80)}",
                )
            )


def _glob(hits: list[tuple[str, int]], word: str) -> str:
    """Bind the word to its separators: `*|canary|*`, or the whole name where there is only one."""
    clusters = [cluster for cluster, _ in hits]
    if all(f"|{word}|" in cluster for cluster in clusters):
        return f"*|{word}|*"
    return clusters[0] if len(clusters) == 1 else f"*{word}*"


def _pods(sandbox: Sandbox, proposal: Proposal) -> None:
    """Pods of one template hash share the beginning of their name; the hash's version tells the cohort."""
    sides = {proposal.release.get("canary_version"): "canary", proposal.release.get("baseline_version"): "baseline"}
    hashes = dict(
        sandbox.rows(
            "select distinct canary_revision, 'canary' from facts.rollout_events where canary_revision is not null"
        )
    )
    hashes |= (
        {}
        if proposal.release
        else dict(
            sandbox.rows(
                "select distinct baseline_revision, 'baseline' from facts.rollout_events where baseline_revision is not null"
            )
        )
    )
    rows = sandbox.rows(
        "select revision, service_version, list_sort(list(distinct k8s_pod_name)) from facts.identities "
        "where revision is not null and k8s_pod_name is not null group by all order by all"
    )
    for revision, version, pods in rows:
        cohort = sides.get(version) or hashes.get(revision)
        stem = f"-{revision}-"
        prefixes = {pod.partition(stem)[0] for pod in pods if stem in pod}
        if cohort and len(prefixes) == 1:
            proposal.rules.append(
                Rule(
                    cohort,
                    "*",
                    "k8s_pod_name",
                    "glob",
                    f"{prefixes.pop()}{stem}*",
                    f"{plural(len(pods), 'pod')} with template hash {revision}",
                )
            )


def _rollout(sandbox: Sandbox, proposal: Proposal) -> None:
    events = sandbox.rows(
        "select time, event_kind, canary_weight from facts.rollout_events where time is not null order by time, event_kind, record_no"
    )
    proposal.phases = observed_phases(events)
    aborted = [time for time, kind, _ in events if kind in ("aborted", "rolled_back")]
    completed = [time for time, kind, _ in events if kind in ("completed", "promoted")]
    if aborted and (not completed or aborted[-1] > completed[-1]):
        proposal.ended = ("rolled_back", aborted[0])
    elif completed:
        proposal.ended = ("promoted", None)


def _window(case: Case, sandbox: Sandbox, proposal: Proposal) -> None:
    tables = [
        table
        for table in ("http_requests", "http_exchanges", "connections", "dns_queries", "auth_events", "app_logs")
        if case.table_files(table)
    ]
    if not tables:
        return
    union = " union all ".join(f"select min(time) as a, max(time) as b from facts.{table}" for table in tables)
    start, end = sandbox.rows(f"select min(a), max(b) from ({union})")[0]
    proposal.window = (_floor(start), _ceil(end))


def _floor(value: datetime | None) -> datetime | None:
    return value.replace(second=0, microsecond=0) if value else None


def _ceil(value: datetime | None) -> datetime | None:
    from datetime import timedelta

    return (value + timedelta(seconds=59, microseconds=999_999)).replace(second=0, microsecond=0) if value else None


def _zones(sandbox: Sandbox, proposal: Proposal) -> None:
    """Private space is not friendly by itself: a destination counts as ours when a workload uses it as source, or its name is internal."""
    workloads = _networks(
        sandbox, [f"select {column} as address from facts.{table}" for table, column in _WORKLOAD_COLUMNS], 16
    )
    stores = _networks(
        sandbox,
        [
            f"select destination_address as address from facts.connections where destination_port in {_DATASTORE_PORTS} and coalesce(is_established, true)"
        ],
        24,
    )
    named = _networks(
        sandbox, [_NAMED_INTERNAL, "select server_address as address from facts.dns_queries where server_port = 53"], 16
    )
    others = _networks(sandbox, ["select destination_address as address from facts.connections"], 16)
    if stores:
        proposal.zones.append(
            (
                "datastores",
                list(stores),
                "datastore",
                f"private destinations on data store ports: {plural(sum(stores.values()), 'host')}",
            )
        )
    if workloads:
        proposal.zones.append(
            (
                "workloads",
                list(workloads),
                "internal",
                f"private addresses that open connections or are pods: {plural(sum(workloads.values()), 'host')}",
            )
        )
    services = {cidr: count for cidr, count in named.items() if cidr not in workloads and not _within(stores, cidr)}
    if services:
        proposal.zones.append(
            (
                "services",
                list(services),
                "internal",
                f"private addresses with internal names, and resolvers: {plural(sum(services.values()), 'host')}",
            )
        )
    rest = [cidr for cidr in others if cidr not in workloads and cidr not in services and not _within(stores, cidr)]
    if rest:
        proposal.missing.append(
            f"Private destinations that nothing shows to be yours count as external: {listing(rest)}. Add a [[zone]] if they are."
        )


_NAMED_INTERNAL = (
    "select a.data as address from (select dns_question_name as name, unnest(dns_answers) as a from facts.dns_queries) "
    "where regexp_matches(name, '[.](cluster[.]local|internal|local|lan|corp)$')"
)


def _within(networks: dict[str, int], cidr: str) -> bool:
    wide = ipaddress.ip_network(cidr)
    return any(ipaddress.ip_network(small).subnet_of(wide) for small in networks)  # type: ignore[arg-type]  # all are IPv4


def _networks(sandbox: Sandbox, selects: list[str], prefix: int) -> dict[str, int]:
    """Group the private IPv4 addresses of a SELECT into networks of one size, largest first; at most eight."""
    rows = sandbox.rows(
        f"select distinct address from ({' union all '.join(selects)}) where address is not null order by address"
    )
    counts: Counter[str] = Counter()
    for (address,) in rows:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            continue
        if (
            parsed.version == 4
            and parsed.is_private
            and not parsed.is_loopback
            and not parsed.is_link_local
            and not parsed.is_unspecified
            and str(parsed) != "255.255.255.255"
            and _rfc1918(parsed)
        ):
            counts[str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))] += 1
    return dict(sorted(counts.most_common(8)))


def _rfc1918(address: Any) -> bool:
    return any(address in ipaddress.ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def _identities(sandbox: Sandbox, proposal: Proposal) -> None:
    rows = sandbox.rows("select address, pod, version from dims.identities order by address, valid_from")
    proposal.identities = [f"{address} = {pod or '?'} {version or ''}".rstrip() for address, pod, version in rows]


def render(proposal: Proposal, case: Case) -> str:
    """Return the TOML text."""
    return "\n".join(_lines(proposal, case)) + "\n"


def _lines(proposal: Proposal, case: Case) -> Iterator[str]:
    ledger = case.ledger()
    used = [entry for entry in ledger if entry.status == "ingested"]
    yield f"# Proposed from {plural(len(used), 'file')} with {plural(sum(entry.accepted for entry in used), 'record')}. Check every line; the comments say what it rests on."
    for sentence in proposal.missing:
        yield f"# TO DO: {sentence}"
    yield from _release_lines(proposal)
    yield from _window_lines(proposal)
    for phase in proposal.phases:
        yield from (
            "",
            "[[phase]]  # from rollout events",
            f"name = {_text(phase.name)}",
            f"start = {moment(phase.start)}",
            f"end = {moment(phase.end)}",
            f"weight = {phase.weight:g}",
        )
    for rule in proposal.rules:
        yield from (
            "",
            f"[[cohort]]  # {safe_text(rule.reason)}",
            f"cohort = {_text(rule.cohort)}",
            f"table = {_text(rule.table)}",
            f"column = {_text(rule.column)}",
            f"{rule.test} = {_text(rule.value)}",
        )
    if not proposal.rules:
        yield from _example()
    for title, cidrs, kind, reason in proposal.zones:
        yield from (
            "",
            f"[[zone]]  # {safe_text(reason)}",
            f"name = {_text(title)}",
            f"cidrs = {json.dumps(cidrs)}",
            f"kind = {_text(kind)}",
        )
    if proposal.identities:
        yield from (
            "",
            f"# Identities found in the evidence ({len(proposal.identities)}); they need no [[identity]] here:",
        )
        yield from (f"#   {safe_text(line)}" for line in proposal.identities[:20])
        if len(proposal.identities) > 20:
            yield f"#   and {len(proposal.identities) - 20} more"


def _release_lines(proposal: Proposal) -> Iterator[str]:
    yield from ("", f"[release]{'  # ' + safe_text(proposal.release_reason) if proposal.release_reason else ''}")
    for key in ("service", "baseline_version", "canary_version"):
        yield f"{key} = {_text(proposal.release.get(key, ''))}"


def _window_lines(proposal: Proposal) -> Iterator[str]:
    start, end = proposal.window
    outcome, rolled_back = proposal.ended
    yield from ("", "[window]  # first and last record of requests, connections and logs")
    if start and end:
        yield f"start = {moment(start)}"
        yield f"end = {moment(end)}"
    if rolled_back:
        yield f"rollback_at = {moment(rolled_back)}"
    yield f"outcome = {_text(outcome)}"


def _example() -> Iterator[str]:
    columns = sorted(
        {
            column
            for table in ("http_requests", "connections")
            for column in TABLES[table].types
            if column.startswith(("k8s", "service", "upstream", "source_address"))
        }
    )
    yield from (
        "",
        f"# A rule says which rows are the canary's; columns to choose from: {', '.join(name(column).strip(chr(34)) for column in columns)} ...",
        "# [[cohort]]",
        '# cohort = "canary"',
        '# table = "*"',
        '# column = "service_version"',
        '# equals = "2.4.0"',
    )


def _text(value: str) -> str:
    """Return a TOML basic string (JSON's escapes are TOML's)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _when(value: datetime | None) -> str:
    return moment(value) if value else "at no known time"
