"""Hashes: what stands in the case, so that a later change shows."""

from __future__ import annotations

from typing import Any

from forensics.results.context import Context
from forensics.views import digests_of


def build(context: Context) -> dict[str, Any]:
    """Return the hash of every table file and of the configuration."""
    tables = [
        {"table": table, "evidence": entry.id, "sha256": digest}
        for entry in context.case.ledger()
        for table, digest in entry.table_sha256.items()
    ]
    return {
        "tables": sorted(tables, key=lambda item: (item["table"], item["evidence"])),
        "config_sha256": context.case.config().sha256,
        "enrichment_sha256": digests_of(context.case),
    }
