"""All schemas, dimensions and views, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from forensics.case import LedgerEntry
from forensics.config import Config
from forensics.resources import tree, walk
from forensics.schema import TABLES
from forensics.store import Store
from forensics.views.access import access
from forensics.views.account_events import account_events
from forensics.views.addresses import addresses
from forensics.views.bodies import bodies
from forensics.views.components import components, packages
from forensics.views.domains import domains
from forensics.views.facts import evidence, facts
from forensics.views.identities import identities
from forensics.views.lists import lists
from forensics.views.observers import DERIVED, observed, observers
from forensics.views.paths import macros, paths
from forensics.views.phases import phases
from forensics.views.routes import routes
from forensics.views.settings import settings
from forensics.views.synthetic import synthetic


def build(
    store: Store,
    config: Config,
    ledger: list[LedgerEntry],
    files: dict[str, list[Path]],
    databases: Mapping[str, Path] | None = None,
) -> None:
    """Make all schemas, dimensions and views in `store`; raises `ConfigError` like `derive`."""
    store.execute("create schema facts; create schema dims; create schema observed")
    for table in TABLES.values():
        facts(store, table, files.get(table.name, []))
    derive(store, config, ledger, databases)


def derive(
    store: Store, config: Config, ledger: list[LedgerEntry], databases: Mapping[str, Path] | None = None
) -> None:
    """Make dimensions and views over existing `facts` (also used by detector tests over small tables).

    Raises:
        ConfigError: one of `databases` (the files of `[enrich]` by key) cannot be read.

    """
    evidence(store, ledger)
    macros(store)
    account_events(store, config)
    phases(store, config)
    identities(store, config)
    addresses(store, config, databases or {})
    domains(store)
    lists(store, config)
    paths(store)
    routes(store, config)
    access(store, config)
    settings(store, config)
    packages(store)
    synthetic(store, config)
    bodies(store)
    names = {entry.id: entry.name for entry in ledger}
    for table in TABLES.values():
        if table.name not in DERIVED:
            observed(store, table, config, names)
    observers(store)
    for _, file in walk(tree("queries") / "views", ".sql"):
        store.execute(file.read_text(encoding="utf-8"))
    components(store)
