"""The macros as users have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import ArrayLike

from forensics.resources import tree
from forensics.store import Sandbox, lock, open_memory

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Return a sandbox with the macros and nothing else."""
    with closing(open_memory(2)) as store:
        for title in ("statistics", "intervals"):
            store.execute((tree("queries") / "macros" / f"{title}.sql").read_text(encoding="utf-8"))
        lock(store)
        yield store


@pytest.fixture(scope="session")
def macro(sandbox: Sandbox) -> Call:
    """Return a function that calls a macro for each row of its columns; the struct comes back as arrays by field."""

    def call(expression: str, **columns: ArrayLike) -> dict[str, Any]:
        sandbox.register(
            "given_rows", pa.table({name: pa.array(np.asarray(column)) for name, column in columns.items()})
        )
        found = sandbox.arrow(f"select unnest({expression}) from given_rows")
        sandbox.unregister("given_rows")
        return {name: found[name].to_numpy() for name in found.column_names}

    return call
