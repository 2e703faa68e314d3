"""All schemas, dimensions and views, in the order in which they need each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from forensics.case import LedgerEntry
from forensics.config import Config
from forensics.schema import TABLES
from forensics.store import Store
from forensics.views.access import access
from forensics.views.account_events import account_events
from forensics.views.addresses import addresses
from forensics.views.bodies import bodies
from forensics.views.components import components, packages
from forensics.views.domains import domains
from forensics.views.facts import evidence, facts
from forensics.views.files import view_statements
from forensics.views.identities import identities
from forensics.views.lists import lists
from forensics.views.observers import DERIVED, observed, observers
from forensics.views.paths import macros, paths
from forensics.views.phases import phases
from forensics.views.routes import routes
from forensics.views.settings import settings
from forensics.views.synthetic import synthetic

_OF_COMPONENTS = re.compile(r"\bcomponent_sides\b|\bcomponent_parts\b|\bdims\.(?:version_changes|vulnerable)\b")


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
    store: Store,
    config: Config,
    ledger: list[LedgerEntry],
    databases: Mapping[str, Path] | None = None,
    query: str | None = None,
) -> None:
    """Make dimensions and views over existing `facts`; for the tests of a detector only those that its `query` needs.

    Raises:
        ConfigError: one of `databases` (the files of `[enrich]` by key) cannot be read.

    """
    evidence(store, ledger)
    macros(store, query)
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
    if query and _OF_COMPONENTS.search(query):
        query += " component_sides component_parts"
    for statement in view_statements(query):
        store.execute(statement.text)
    if query is None or _OF_COMPONENTS.search(query):
        components(store)
