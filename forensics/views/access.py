"""What canary.toml says about access, as small tables for the views in queries/views/11_access.sql and after.

dims.roles             what a claim, group or record calls a role -> its name
dims.access_settings   one row: places of role and tenant in claims, header of the tenant
dims.route_places      segment that holds the object, and the one that holds its owner, of each route with parameters
"""

from __future__ import annotations

import json
import re

import pyarrow as pa

from forensics.config import Config
from forensics.store import Store
from forensics.views.tables import keep_rows

_PARAMETER = re.compile(r"[{<:]|\*")


def access(store: Store, config: Config) -> None:
    """Make the tables of this module; routes must be there."""
    roles = {value.lower(): role.name for role in reversed(config.role) for value in [*role.equals, role.name]}
    keep_rows(
        store,
        "dims.roles",
        [{"value": value, "role": role} for value, role in sorted(roles.items())],
        value=pa.string(),
        role=pa.string(),
    )
    given = config.access
    settings = {
        "role_place": _place(given.role_claim),
        "tenant_place": _place(given.tenant_claim),
        "tenant_header": given.tenant_header.lower() or None,
    }
    keep_rows(store, "dims.access_settings", [settings], **dict.fromkeys(settings, pa.string()))
    _places(store, {route.template: route.owner_param for route in config.route if route.owner_param})


def _place(claim: str) -> str | None:
    """Return the JSON path of a top-level claim."""
    return f"$.{json.dumps(claim)}" if claim else None


def _places(store: Store, owners: dict[str, str]) -> None:
    found = store.rows("select distinct route from dims.routes where regexp_matches(route, '[{<:*]') order by route")
    rows = [
        {"route": route, "object_place": places[-1], "owner_place": _owner(route, owners.get(route, ""))}
        for (route,) in found
        if (places := [place for place, part in enumerate(route.split("/"), 1) if _PARAMETER.match(part)])
    ]
    keep_rows(store, "dims.route_places", rows, route=pa.string(), object_place=pa.int64(), owner_place=pa.int64())


def _owner(route: str, parameter: str) -> int | None:
    parts = [part.strip("{}<>:") for part in route.split("/")]
    return parts.index(parameter) + 1 if parameter and parameter in parts else None
