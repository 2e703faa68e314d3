"""What cannot be replayed is refused with a code and a place, never guessed: the gate is then NOT REPLAYED and the verdict INCOMPLETE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from forensics.errors import ForensicsError, Location


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a policy: file, 1-based line, dotted path of keys, 1-based column inside the value.

    `below` has the lines of the keys inside of it.
    """

    file: Path | None = None
    line: int | None = None
    key: str = ""
    column: int | None = None
    below: tuple[tuple[str, int], ...] = ()

    def at(self, key: str) -> Place:
        """Return the place of a key below, wherever below it stands; its own where there is none."""
        path, line = next(
            ((name, line) for name, line in self.below if f".{name}".endswith(f".{key}")), (key, self.line)
        )
        return replace(self, key=f"{self.key}.{path}" if self.key else path, line=line, below=())

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        line = f":{self.line}" if self.line else ""
        return f"{self.file or 'policy'}{line} ({self.key}{column})" if self.key else f"{self.file or 'policy'}{line}"


class RefusalError(ForensicsError):
    """A construct outside the documented subset; `code` is stable, such as E-EXPR-UNSUPPORTED."""

    def __init__(self, code: str, message: str, *, hint: str = "", column: int | None = None) -> None:
        super().__init__(f"{code}: {message}", hint=hint)
        self.code = code
        self.column = column
        self.place = Place(column=column)

    @property
    def plain(self) -> str:
        """The message without its code."""
        return self.message.removeprefix(f"{self.code}: ")

    def located(self, place: Place) -> RefusalError:
        """Return it with its place in a file; a column known to the construct stays."""
        told = RefusalError(self.code, self.plain, hint=self.hint, column=self.column)
        told.place = replace(place, column=self.column or place.column)
        key = f"{told.place.key}, column {told.place.column}" if told.place.column else told.place.key
        told.location = Location(place.file, place.line, key or None) if place.file else None
        return told
