"""The cache `case.duckdb`: facts as views over Parquet, small dimension tables of distinct keys, and the views detectors read.

    facts.<table>      rows as ingested, with evidence_id and record_id
    dims.*             phases, identities, addresses, domains, paths, routes, observers ... (dictionary.py names the public ones)
    observed.<table>   facts with pod, version, cohort, phase; every observer
    <table>            the same for the one observer that was chosen (rates never pool observers)
    other views        queries/views/*.sql, in order of their names

A changed rule in canary.toml rebuilds the cache; no evidence is read again.
"""

from forensics.views.build import build, derive
from forensics.views.cache import ensure, opened
from forensics.views.dictionary import DIMENSIONS
from forensics.views.domains import list_version
from forensics.views.facts import load_rows
from forensics.views.geography import check_databases, databases_of, digests_of, keep_databases
from forensics.views.observers import ACTING_ADDRESSES
from forensics.views.phases import phases_of

__all__ = [
    "ACTING_ADDRESSES",
    "DIMENSIONS",
    "build",
    "check_databases",
    "databases_of",
    "derive",
    "digests_of",
    "ensure",
    "keep_databases",
    "list_version",
    "load_rows",
    "opened",
    "phases_of",
]
