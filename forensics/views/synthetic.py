"""`dims.synthetic`: which requests are checks and scans by the team itself, by distinct pair of user agent and client address.

Health checks of known tools count only from an internal address, since anybody can send their User-Agent; scanners and probes from
elsewhere are named in canary.toml, `[[synthetic]]`. Rates leave synthetic traffic out; detectors of what is new do not.
"""

from __future__ import annotations

import pyarrow as pa

from forensics.config import Config
from forensics.networks import Networks, plain_sql
from forensics.resources import tree
from forensics.store import Store
from forensics.views.tables import distinct, keep_rows

_TABLES = ("http_requests", "http_exchanges")
# Where nothing matches, nothing is scanned a second time.
_PAIRS = """
create table dims.synthetic as
with pairs as ({pairs})
select coalesce(user_agent, '') as user_agent, coalesce(client, '') as client, min(source) as source
from (
    select p.user_agent, p.client, 'known health check' as source
    from pairs p
    join dims.synthetic_agents a on a.user_agent = p.user_agent and a.rule = -1
    join dims.addresses z on z.address = p.client and z.zone_kind = 'internal'
    union all
    select p.user_agent, p.client, r.name
    from pairs p
    join dims.synthetic_rules r on true
    where (r.any_agent or exists (select 1 from dims.synthetic_agents a where a.user_agent = p.user_agent and a.rule = r.rule))
        and (r.any_client or exists (select 1 from dims.synthetic_clients c where c.client = p.client and c.rule = r.rule))
)
group by 1, 2
order by 1, 2
"""


def synthetic(store: Store, config: Config) -> None:
    """Judge distinct user agents and clients, then the pairs in which one of them occurs."""
    rules = [
        {"rule": index, "name": rule.name, "any_agent": not rule.user_agent, "any_client": not rule.client}
        for index, rule in enumerate(config.synthetic)
    ]
    keep_rows(store, "dims.synthetic_rules", rules, rule=pa.int32(), name=pa.string(), any_agent=pa.bool_(), any_client=pa.bool_())  # fmt: skip
    _agents(store, config)
    _clients(store, config)
    pairs = " union ".join(
        f"select distinct user_agent_original as user_agent, {plain_sql('client_address')} as client from facts.{table} "
        f"where user_agent_original in (select user_agent from dims.synthetic_agents) or {plain_sql('client_address')} in (select client from dims.synthetic_clients)"
        for table in _TABLES
    )
    store.execute(_PAIRS.format(pairs=pairs))
    store.execute(
        "drop table dims.synthetic_rules; drop table dims.synthetic_agents; drop table dims.synthetic_clients"
    )


def _agents(store: Store, config: Config) -> None:
    """Keep the distinct user agents that a rule names; -1 is the rule of known health checks."""
    store.execute("create table dims.synthetic_agents (user_agent varchar, rule integer)")
    agents = " union ".join(
        f"select distinct user_agent_original as user_agent from facts.{table}" for table in _TABLES
    )
    store.execute(f"create temp table agents as select user_agent from ({agents}) where user_agent is not null")
    for prefix in known_agents():
        store.rows("insert into dims.synthetic_agents select user_agent, -1 from agents where starts_with(user_agent, $prefix)", {"prefix": prefix})  # fmt: skip
    for index, rule in enumerate(config.synthetic):
        if rule.user_agent:
            store.rows(
                "insert into dims.synthetic_agents select user_agent, $rule from agents where user_agent glob $glob",
                {"rule": index, "glob": rule.user_agent},
            )
    store.execute("drop table agents")


def known_agents() -> list[str]:
    """Return the beginnings of User-Agent headers of known health checks."""
    lines = (tree("queries") / "lists" / "synthetic_agents.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _clients(store: Store, config: Config) -> None:
    """Keep the distinct client addresses that a rule's address or network holds."""
    rules = [(index, Networks([(rule.client, True)])) for index, rule in enumerate(config.synthetic) if rule.client]
    clients = (
        distinct(store, [f"select {plain_sql('client_address')} from facts.{table}" for table in _TABLES])
        if rules
        else []
    )
    rows = [
        {"client": client, "rule": index} for index, networks in rules for client in clients if networks.find(client)
    ]
    keep_rows(store, "dims.synthetic_clients", rows, client=pa.string(), rule=pa.int32())
