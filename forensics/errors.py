"""Errors a user can act on: one sentence, a next step, a location.

Factored out so that every layer can import it. The command line catches `ForensicsError` only; anything else is a defect.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

# What a disk or its permissions may say at any call.
_STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the user's files the trouble is; `line` is 1-based."""

    path: Path
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        text = str(self.path)
        if self.line is not None:
            text += f":{self.line}"
        return f"{text} ({self.key})" if self.key else text


class ForensicsError(Exception):
    """The toolkit cannot do what was asked."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location


class UsageError(ForensicsError):
    """The call does not fit what is there."""


class ConfigError(ForensicsError):
    """canary.toml is not valid."""


class DetectorError(ForensicsError):
    """A detector file breaks its contract."""


class PatternError(ForensicsError):
    """A pattern file breaks its contract."""


class QueryError(ForensicsError):
    """A SQL statement is refused or fails."""


class EvidenceError(ForensicsError):
    """Evidence cannot be read."""


class FormatError(EvidenceError):
    """The format of an evidence file is not known or not unique."""


class TruncatedError(EvidenceError):
    """Evidence ends early or cannot be decoded."""

    exit_code = 3


class CaseError(ForensicsError):
    """The case folder cannot be used."""


class IntegrityError(ForensicsError):
    """What is on disk is not what was recorded."""

    exit_code = 4


def storage_trouble(error: BaseException) -> str:
    """Return what the disk said, where that is what an error is about: of the system, or of the engine, which wraps it in its own words."""
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}" if error.errno in _STORAGE else ""
    if not type(error).__module__.endswith("duckdb"):
        return ""
    return next((os.strerror(number) for number in _STORAGE if os.strerror(number) in str(error)), "")
