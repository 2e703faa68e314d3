"""Route templates as texts: which one a path belongs to, the most specific first, matched by one RE2 set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# A hostile file may name as many routes as it has records; 2,000 templates over 500,000 paths take 2.2 s.
MOST = 2000
_LONGEST = 512
# Bytes for the set: 2,000 templates of 512 characters compile in 64 MiB, with the 8 MiB of the default they do not.
_MEMORY = 256 << 20
# {id} {id:[0-9]{3}} (OpenAPI, Spring, Go) | <int:id> (Flask) | :id (Express, Rails) | [id] (Next.js)
_PARAMETER = re.compile(
    r"\{[^{}/]*(?:\{[^{}/]*\}[^{}/]*)*\}|<[^<>/]*>|(?<=/):[A-Za-z_]\w*(?=/|$)|(?<=/)\[[^\[\]/]+\](?=/|$)"
)
# Parameters that swallow slashes: {path:path} {*rest} {rest...} {proxy+} <path:x> [...slug]; and stars.
_SWALLOWS = re.compile(r"\*|\{[^}/]*(?::path|\.\.\.|\+)\}|<path:|\[\.\.\.")


def configured_pattern(template: str) -> str:
    """Return the RE2 pattern of a template of canary.toml: `{name}` is one segment or a part of one, the rest is literal."""
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template))


def learnable(template: str) -> bool:
    """Whether an observed route may be applied to other rows: a parameter, a literal segment, nothing that swallows slashes."""
    if not template.startswith("/") or len(template) > _LONGEST or _SWALLOWS.search(template):
        return False
    parts = template.split("/")[1:]
    return bool(_PARAMETER.search(template)) and any(part and not _PARAMETER.search(f"/{part}") for part in parts)


def observed_pattern(template: str) -> str:
    """Return the RE2 pattern of an observed template; what is no parameter is literal, whatever it holds."""
    literals = _PARAMETER.split(template)
    return "[^/]+".join(map(re.escape, literals))


def specificity(template: str) -> tuple[Any, ...]:
    """Return the sort key, most specific first: literal segments on the left, then more literal characters, then the text."""
    kinds = tuple(_kind(part) for part in template.split("/")[1:])
    return kinds, -len(_PARAMETER.sub("", template)), template


def _kind(part: str) -> int:
    """0 literal, 1 partly, 2 wholly a parameter."""
    found = _PARAMETER.search(f"/{part}")
    return 0 if not found else 2 if _PARAMETER.sub("", f"/{part}") == "/" else 1


class TooLargeError(Exception):
    """The patterns together do not fit the memory of one RE2 set."""


class Templates:
    """Patterns in order of preference, matched in full and all at once; raises `TooLargeError` where they are too many."""

    def __init__(self, patterns: Sequence[str]) -> None:
        import re2

        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        self._set = re2.Set.FullMatchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        try:
            self._set.Compile()
        except re2.error as error:
            raise TooLargeError from error

    def matches(self, path: str) -> list[int]:
        """Return the numbers of the patterns that match, preferred first."""
        return sorted(self._set.Match(path) or ())
