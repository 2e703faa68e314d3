"""`dims.routes`: the route template of each distinct path, and `dims.route_templates`: the templates that records taught.

In this order: a template of canary.toml (`configured`), the route that records of this very path name (`observed`), the most specific
template that records of other paths taught (`learned`), the shape of the segments (`shape`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from forensics.config import FILE_NAME, Config
from forensics.errors import ConfigError, Location
from forensics.scan import default_scanner, value_matches
from forensics.scan.sieve import open_gates
from forensics.store import Store
from forensics.views.tables import keep_rows
from forensics.views.templates import (
    MOST,
    Templates,
    TooLargeError,
    configured_pattern,
    learnable,
    observed_pattern,
    specificity,
)

_SEEN = """
select http_route, url_path, sum(n)::bigint
from (
    select http_route, url_path, count(*) as n from facts.http_requests where http_route is not null and url_path is not null group by all
    union all
    select http_route, url_path, count(*) from facts.http_exchanges where http_route is not null and url_path is not null group by all
)
group by all
order by all
"""
_ROUTES = """
create table dims.routes as
select p.url_path, coalesce(n.route, route_of(p.url_path)) as route, coalesce(n.route_source, 'shape') as route_source
from dims.paths p left join dims.named_routes n on n.url_path = p.url_path
order by p.url_path
"""


@dataclass(frozen=True, slots=True)
class _Learned:
    """Templates in order of preference; `own` holds the routes that records of a path name, most records first."""

    templates: Sequence[str]
    own: dict[str, list[str]]
    rows: dict[str, int]


def routes(store: Store, config: Config) -> None:
    """Name the route of every distinct path; paths are matched in Python only where there are templates (500,000 paths, 2,000 templates: 2.2 s).

    Raises:
        ConfigError: the templates of canary.toml are too many for one set.

    """
    learned = _learn(store.rows(_SEEN))
    named = list(_named(store, [route.template for route in config.route], learned))
    keep_rows(
        store,
        "dims.named_routes",
        [{"url_path": path, "route": route, "route_source": source} for path, route, source in named],
        url_path=pa.string(),
        route=pa.string(),
        route_source=pa.string(),
    )
    store.execute(_ROUTES)
    store.execute("drop table dims.named_routes")
    _hide_values(store)
    _keep_templates(store, learned)


def _hide_values(store: Store) -> None:
    """Replace what a pattern of secrets or personal data finds in a route by `{value}`: routes stand in findings, reports and packages.

    Only routes made of paths are looked at; a template of canary.toml or of a record is a name that people gave.
    """
    found = store.rows("select distinct route from dims.routes where route_source = 'shape' order by route")
    opened = open_gates(default_scanner(), (route.replace("/", "\n").encode() for (route,) in found))
    doubted = [route for (route,), is_open in zip(found, opened, strict=True) if is_open]
    rows = [{"route": route, "plain": plain} for route in doubted if (plain := without_values(route)) != route]
    keep_rows(store, "dims.hidden", rows, route=pa.string(), plain=pa.string())
    store.execute(
        "update dims.routes set route = h.plain from dims.hidden h where h.route = dims.routes.route and route_source = 'shape'"
    )
    store.execute("drop table dims.hidden")


def without_values(route: str) -> str:
    """Return a route in which each segment that holds a secret or personal data is `{value}`."""
    segments = route.split("/")
    starts = list(accumulate((len(segment) + 1 for segment in segments), initial=0))
    for match in value_matches(route):
        for index in range(bisect_right(starts, match.start) - 1, bisect_left(starts, match.end)):
            segments[index] = "{value}"
    return "/".join(segments)


def _learn(seen: Iterable[tuple[str, str, int]]) -> _Learned:
    """Take the templates with most records; ties by text. A route that does not match its own paths teaches nothing."""
    rows: dict[str, int] = defaultdict(int)
    by_path: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for route, path, count in seen:
        by_path[path].append((-count, route))
        rows[route] += count
    own = {path: [route for _, route in sorted(found)] for path, found in by_path.items()}
    candidates = sorted((route for route in rows if learnable(route)), key=lambda route: (-rows[route], route))
    chosen, matched = _compiled(candidates[:MOST])
    proven = {chosen[index] for path, found in own.items() for index in matched.matches(path) if chosen[index] in found}
    return _Learned([route for route in chosen if route in proven], own, {route: rows[route] for route in candidates})


def _compiled(candidates: Sequence[str]) -> tuple[list[str], Templates]:
    """Return the templates, most specific first, and their set; the half with more records where all do not fit."""
    chosen = sorted(candidates, key=specificity)
    try:
        return chosen, Templates([observed_pattern(route) for route in chosen])
    except TooLargeError:
        return _compiled(candidates[: len(candidates) // 2])


def _configured(templates: Sequence[str]) -> Templates:
    try:
        return Templates([configured_pattern(template) for template in templates])
    except TooLargeError as error:
        raise ConfigError(
            f"The {len(templates):,} templates of [[route]] are more than can be matched at once.",
            hint="Take out those that the evidence does not need.",
            location=Location(Path(FILE_NAME), key="route"),
        ) from error


def _named(store: Store, configured: Sequence[str], learned: _Learned) -> Iterable[tuple[str, str, str]]:
    """Yield (path, route, source) of the paths that a template or their own records name."""
    if not configured and not learned.own:
        return
    first = _configured(configured)
    then = Templates([observed_pattern(template) for template in learned.templates])
    for (path,) in store.rows("select url_path from dims.paths order by url_path"):
        if configured and (found := first.matches(path)):
            yield path, configured[found[0]], "configured"
            continue
        fitting = [learned.templates[index] for index in then.matches(path)]
        observed = next((route for route in learned.own.get(path, ()) if route == path or route in fitting), None)
        if observed is not None:
            yield path, observed, "observed"
        elif fitting:
            yield path, fitting[0], "learned"


def _keep_templates(store: Store, learned: _Learned) -> None:
    applied = set(learned.templates)
    rows = [
        {"template": route, "records": count, "is_applied": route in applied} for route, count in learned.rows.items()
    ]
    keep_rows(store, "dims.route_templates", rows, template=pa.string(), records=pa.int64(), is_applied=pa.bool_())
