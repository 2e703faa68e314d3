"""Find the files that ship beside the code, in a wheel and in a checkout alike."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_CHECKOUT = Path(__file__).parent.parent


def tree(name: str) -> Traversable:
    """Return the folder `queries` or `reports`; inside a wheel they are `forensics/_queries` and `forensics/_reports`."""
    packaged = files("forensics") / f"_{name}"
    return packaged if packaged.is_dir() else _CHECKOUT / name


def walk(folder: Traversable, suffix: str, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield (path relative to `folder` with /, file) of every file that ends with `suffix`, sorted by path."""
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from walk(entry, suffix, f"{path}/")
        elif entry.name.endswith(suffix):
            yield path, entry
