"""A context of results over small tables, without a case on disk."""

from __future__ import annotations

from typing import Any, cast

from forensics import views
from forensics.config import parse
from forensics.results import Context
from forensics.store import open_memory

CONFIG = """
[[phase]]
name = "weight-10"
start = 2026-03-03T09:00:00Z
end = 2026-03-03T10:00:00Z
weight = 10
[[phase]]
name = "weight-50"
start = 2026-03-03T10:00:00Z
end = 2026-03-03T11:00:00Z
weight = 50
[[cohort]]
cohort = "canary"
column = "service_version"
equals = "2"
[[cohort]]
cohort = "baseline"
column = "service_version"
equals = "1"
"""


def context(toml: str = "", result: Any = None, query: str | None = None, **tables: list[dict[str, Any]]) -> Context:
    """Return a context over the rows given by table, with all views or those that `query` names; `toml` is added to CONFIG."""
    config = parse(CONFIG + toml).config
    store = open_memory(1)
    views.load_rows(store, tables)
    views.derive(store, config, [], query=query)
    return Context(cast("Any", None), config, store, result, [])


def requests(version: str, count: int, status: int, *, minute: str = "09:30", **more: Any) -> list[dict[str, Any]]:
    """Return requests, each of another caller unless `session_id` is given."""
    return [
        {
            "time": f"2026-03-03T{minute}:00", "observer": "o", "service_version": version, "http_request_method": "GET", "url_path": "/a",
            "session_id": f"{version}-{minute}-{status}-{index}", "http_response_status_code": status, **more,
        }
        for index in range(count)
    ]  # fmt: skip
