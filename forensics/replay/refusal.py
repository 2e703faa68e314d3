"""What cannot be replayed is refused with a code and a place, never guessed: the gate is then NOT REPLAYED and the verdict INCOMPLETE."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from forensics.errors import ForensicsError, Location

Lines = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a policy: file, 1-based line, dotted path of keys, 1-based column inside of the value (of its line, where it has several).

    `below` has the lines of the keys inside of it, `texts` the lines of values that have several: number and length.
    """

    file: Path | None = None
    line: int | None = None
    key: str = ""
    column: int | None = None
    below: tuple[tuple[str, int], ...] = ()
    texts: tuple[tuple[str, Lines], ...] = ()

    def at(self, key: str) -> Place:
        """Return the place of a key below, wherever below it stands; its own where there is none. In TOML keys have their spelling of there."""
        wanted = _spelled(key) if self.file and self.file.suffix == ".toml" else key
        path, line = next(
            ((name, line) for name, line in self.below if f".{name}".endswith(f".{wanted}")), (wanted, self.line)
        )
        texts = tuple(("", lines) for name, lines in self.texts if name == path)
        return replace(self, key=f"{self.key}.{path}" if self.key else path, line=line, below=(), texts=texts)

    def of(self, column: int) -> Place:
        """Return the place of a character of its value: the line in which it stands, and the column there."""
        left = column
        for line, length in dict(self.texts).get("", ()):
            if left <= length + 1:  # the sign that ends a line counts to it
                return replace(self, line=line, column=left)
            left -= length + 1
        return replace(self, column=column)

    @property
    def where(self) -> str:
        """File, line and column, as tools jump to."""
        return ":".join(str(part) for part in (self.file or "policy", self.line, self.column) if part)

    def __str__(self) -> str:
        return f"{self.where} ({self.key})" if self.key else self.where


def _spelled(key: str) -> str:
    """Return a key of Argo as our own policy spells it: `success`, `failure_limit`."""
    return re.sub(r"([A-Z])", r"_\1", key).lower().removesuffix("_condition")


class RefusalError(ForensicsError):
    """A construct outside the documented subset; `code` is stable, such as E-EXPR-UNSUPPORTED.

    `token` is the word of a query that it speaks of, where the column is not known yet.
    """

    def __init__(self, code: str, message: str, *, hint: str = "", column: int | None = None, token: str = "") -> None:
        super().__init__(f"{code}: {message}", hint=hint)
        self.code = code
        self.column = column
        self.token = token
        self.place = Place(column=column)

    @property
    def plain(self) -> str:
        """The message without its code."""
        return self.message.removeprefix(f"{self.code}: ")

    def located(self, place: Place) -> RefusalError:
        """Return it with its place in a file; a column known to the construct stays."""
        told = RefusalError(self.code, self.plain, hint=self.hint, column=self.column, token=self.token)
        told.place = place.of(self.column) if self.column else place
        key = f"{place.key}, column {told.place.column}" if told.place.column else place.key
        told.location = Location(place.file, told.place.line, key or None) if place.file else None
        return told
