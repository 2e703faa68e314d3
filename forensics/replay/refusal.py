"""What cannot be replayed is refused with a code and a place, never guessed: the gate is then NOT REPLAYED and the verdict INCOMPLETE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from forensics.errors import ForensicsError, Location


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a policy: file, 1-based line, dotted path of keys, 1-based column inside the value."""

    file: Path | None = None
    line: int | None = None
    key: str = ""
    column: int | None = None

    def at(self, key: str, line: int | None = None) -> Place:
        """Return the place of a key below."""
        return replace(self, key=f"{self.key}.{key}" if self.key else key, line=line or self.line)

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

    def located(self, place: Place) -> RefusalError:
        """Return it with its place in a file; a column known to the construct stays."""
        told = RefusalError(self.code, self.message.removeprefix(f"{self.code}: "), hint=self.hint, column=self.column)
        told.place = replace(place, column=self.column or place.column)
        key = f"{told.place.key}, column {told.place.column}" if told.place.column else told.place.key
        told.location = Location(place.file, place.line, key or None) if place.file else None
        return told
