"""`dims.paths`: the spellings of each distinct path; the macros in queries/macros/paths.sql say what each form is."""

from __future__ import annotations

from forensics.store import Store
from forensics.views.files import macro_files

_PATH_TABLES = ("http_requests", "http_exchanges", "auth_events")
# Each form is computed from the one before it, as the macros of the same names do; written in stages, each is computed once.
_FORMS = """
create table dims.paths as
select
    url_path, path_merged(url_path) as url_path_norm_merged, decoded as url_path_norm_decoded,
    path_merged(path_without_dots(decoded)) as url_path_norm_dots,
    path_trimmed(path_without_dots(loose)) as url_path_norm_lower
from (
    select url_path, path_decoded(url_path) as decoded, path_without_parameters(path_loosely_decoded(url_path)) as loose
    from dims.path_texts
)
order by url_path
"""


def macros(store: Store, query: str | None = None) -> None:
    """Make the macros over paths, cells, counts, log records and bodies, which stay in the cache for detectors and users' SQL, or what `query` needs."""
    for file in macro_files(query):
        store.execute(file.text)


def paths(store: Store) -> None:
    """Make the forms of every distinct path."""
    union = " union ".join(f"select distinct url_path from facts.{table}" for table in _PATH_TABLES)
    store.execute(f"create table dims.path_texts as select url_path from ({union}) where url_path is not null")
    store.execute(_FORMS)
    store.execute("drop table dims.path_texts")
