"""Set-Cookie, cookie by cookie (RFC 6265bis): verdict of the Observatory, and the properties that protect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from forensics.scan.headers import hsts
from forensics.scan.headers._response import HeaderVerdict, Response, seconds, worded

_HEADER = "set-cookie"
HEADERS = frozenset({_HEADER, "strict-transport-security"})
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "cookies-session-without-secure-flag": -7,
        "cookies-session-without-httponly-flag": -6,
        "cookies-without-secure-flag": -5,
        "cookies-anticsrf-without-samesite-flag": -4,
        "cookies-samesite-flag-invalid": -3,
        "cookies-session-without-secure-flag-but-protected-by-hsts": -2,
        "cookies-without-secure-flag-but-protected-by-hsts": -1,
        "cookies-secure-with-httponly-sessions": 0,
        "cookies-secure-with-httponly-sessions-and-samesite": 1,
    }
})  # fmt: skip
_SESSION = re.compile(r"sess|sid$|login|auth|token|^jwt|remember", re.IGNORECASE)
_ANTICSRF = re.compile(r"csrf|xsrf", re.IGNORECASE)
_MAX_NAME = 100
_DAY, _MONTH, _YEAR = 86_400, 31 * 86_400, 366 * 86_400
_LIFETIMES = (("within-day", _DAY), ("within-month", _MONTH), ("within-year", _YEAR))


@dataclass(frozen=True, slots=True)
class _Cookie:
    name: str
    given: Mapping[str, str]

    @property
    def is_session(self) -> bool:
        return bool(_SESSION.search(self.name)) and not self.is_anticsrf

    @property
    def is_anticsrf(self) -> bool:
        return bool(_ANTICSRF.search(self.name))

    @property
    def same_site(self) -> str:
        return self.given.get("samesite", "").lower()


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge each cookie that is set; the subject is its name, the detail the properties that protect it.

    A cookie that is removed (an empty life) has no verdict.
    """
    protected = next(hsts.judge(response)).rank > 1
    for value in response.all(_HEADER):
        cookie = _cookie(value)
        if cookie and seconds(cookie.given.get("max-age", "")) != 0:
            verdict = "cookies-" + _meaning(cookie, protected=protected)
            yield HeaderVerdict(_HEADER, verdict, RANKS[_HEADER][verdict], cookie.name[:_MAX_NAME], _properties(cookie))


def _cookie(value: str) -> _Cookie | None:
    pair, *attributes = value.split(";")
    name, equals, _ = pair.partition("=")
    given: dict[str, str] = {}
    for attribute in attributes:  # of a repeated attribute the last counts (RFC 6265bis 5.6)
        key, _, argument = attribute.partition("=")
        given[key.strip().lower()] = argument.strip()
    return _Cookie(name.strip(), given) if equals else None


def _meaning(cookie: _Cookie, *, protected: bool) -> str:
    if "secure" not in cookie.given:
        kind = "session-without-secure-flag" if cookie.is_session else "without-secure-flag"
        if not protected:
            return kind
        if not (cookie.is_session and "httponly" not in cookie.given):
            return f"{kind}-but-protected-by-hsts"
    if cookie.is_session and "httponly" not in cookie.given:
        return "session-without-httponly-flag"
    if cookie.is_anticsrf and not cookie.same_site:
        return "anticsrf-without-samesite-flag"
    if cookie.same_site and cookie.same_site not in ("lax", "strict", "none"):
        return "samesite-flag-invalid"
    return "secure-with-httponly-sessions" + ("-and-samesite" if cookie.same_site in ("lax", "strict") else "")


def _properties(cookie: _Cookie) -> str:
    """Name what protects the cookie, each property one word; a lost word is a loss."""
    given, name = cookie.given, cookie.name.lower()
    words = [flag for flag in ("secure", "httponly", "partitioned") if flag in given]
    words += [f"samesite-{step}" for step in _same_site_steps(cookie.same_site)]
    words += [] if given.get("domain") else ["host-only"]
    words += [f"prefix-{prefix}" for prefix in ("host", "secure") if name.startswith(f"__{prefix}-")]
    return worded([*words, *_lifetime(given)])


def _same_site_steps(value: str) -> tuple[str, ...]:
    return {"strict": ("lax", "strict"), "lax": ("lax",)}.get(value, ())


def _lifetime(given: Mapping[str, str]) -> list[str]:
    """Name the bounds of its life; of an Expires date only that there is one is known here."""
    max_age = seconds(given.get("max-age", ""))
    if max_age is None:
        return [] if "expires" in given else ["until-browser-closes", *(word for word, _ in _LIFETIMES)]
    return [word for word, most in _LIFETIMES if max_age <= most]
