"""Judge Content-Security-Policy by what it stops: scripts an attacker could inject (W3C CSP Level 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from forensics.scan.headers._response import HeaderVerdict, Response, worded

Policy: TypeAlias = Mapping[str, tuple[str, ...]]

_HEADER = "content-security-policy"
HEADERS = frozenset({_HEADER})
# Of several weaknesses the lowest counts; of several policies the highest, since a browser enforces them all.
RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType({
    _HEADER: {
        "csp-not-implemented": 0,
        "csp-header-invalid": 0,
        "csp-implemented-with-unsafe-inline": 1,  # injected script runs: 'unsafe-inline', any source, no rule for scripts
        "csp-implemented-with-insecure-scheme": 2,  # scripts over http: can be changed on the way
        "csp-implemented-with-unsafe-eval": 3,
        "csp-implemented-with-insecure-scheme-in-passive-content-only": 4,
        "csp-implemented-with-unsafe-inline-in-style-src-only": 5,
        "csp-implemented-with-no-unsafe": 6,
        "csp-implemented-with-no-unsafe-default-src-none": 7,  # nothing is allowed that is not named
    }
})  # fmt: skip
_UNSAFE_INLINE, _NO_UNSAFE = "csp-implemented-with-unsafe-inline", "csp-implemented-with-no-unsafe"
# Directives whose sources are told; pictures, fonts and styles of other hosts run nothing.
_TOLD: Mapping[str, str] = MappingProxyType({
    "default-src": "default", "script-src": "script", "script-src-elem": "script", "connect-src": "connect", "object-src": "object",
    "frame-src": "frame", "child-src": "frame", "worker-src": "worker", "base-uri": "base", "form-action": "form", "frame-ancestors": "ancestor",
})  # fmt: skip
_ANY_SOURCE = frozenset(("*", "https:", "data:", "blob:", "ws:", "wss:"))


def policies(values: Iterable[str]) -> list[Policy]:
    """Return the policies of all Content-Security-Policy headers of a response; a comma separates policies too."""
    parsed = (_policy(text) for value in values for text in value.split(","))
    return [policy for policy in parsed if policy is not None]


def judge(response: Response) -> Iterator[HeaderVerdict]:
    """Judge the strictest policy; the detail names what other sources are allowed for. What is only reported protects nothing."""
    parsed = policies(response.all(_HEADER))
    verdict = max((_one(policy) for policy in parsed), key=_rank, default="csp-not-implemented")
    allowed = [
        word for policy in parsed for rule, title in _TOLD.items() for word in _words(title, policy.get(rule, ()))
    ]
    yield HeaderVerdict(_HEADER, verdict, _rank(verdict), detail=worded(allowed))


def _words(title: str, sources: tuple[str, ...]) -> list[str]:
    return [f"{title}={source}" for source in sources if "'" not in source]


def _rank(verdict: str) -> int:
    return RANKS[_HEADER][verdict]


def framing(sources: tuple[str, ...]) -> str:
    """Return who may frame the page as `frame-ancestors` says: deny, sameorigin, listed, any."""
    if not sources or sources == ("'none'",):
        return "deny"
    if any(source in ("*", "http:", "https:") for source in sources):
        return "any"
    return "sameorigin" if set(sources) <= {"'self'", "'none'"} else "listed"


def _policy(text: str) -> Policy | None:
    """Return directives by lower-case name; the first of a name counts (CSP3, 2.2.1). None if the text is blank."""
    found: dict[str, tuple[str, ...]] = {}
    for directive in text.split(";"):
        name, *sources = directive.split() or [""]
        if name:
            found.setdefault(name.lower(), tuple(source.lower() for source in sources))
    return found if text.strip() else None


def _one(policy: Policy) -> str:
    if not policy:
        return "csp-header-invalid"
    scripts = _scripts(policy)
    if scripts is None:
        return _UNSAFE_INLINE
    return (
        _script_weakness(scripts)
        or _other_weakness(policy)
        or _NO_UNSAFE + "-default-src-none" * _denies_by_default(policy)
    )


def _scripts(policy: Policy) -> tuple[str, ...] | None:
    return policy.get("script-src", policy.get("default-src"))


def _script_weakness(sources: tuple[str, ...]) -> str:
    """Return the worst weakness of a script rule, or nothing. A nonce or hash switches 'unsafe-inline' off (CSP3, 6.7.3.2)."""
    trusted = _has_nonce_or_hash(sources)
    if "'unsafe-inline'" in sources and not trusted:
        return _UNSAFE_INLINE
    if not (trusted and "'strict-dynamic'" in sources):  # which switches host and scheme sources off
        if _ANY_SOURCE.intersection(sources):
            return _UNSAFE_INLINE
        if any(source.startswith("http:") for source in sources):
            return "csp-implemented-with-insecure-scheme"
    return "csp-implemented-with-unsafe-eval" if "'unsafe-eval'" in sources else ""


def _other_weakness(policy: Policy) -> str:
    passive = (source for rule in ("img-src", "media-src") for source in policy.get(rule, ()))
    if any(source.startswith("http:") for source in passive):
        return "csp-implemented-with-insecure-scheme-in-passive-content-only"
    styles = policy.get("style-src", policy.get("default-src", ()))
    unsafe = "'unsafe-inline'" in styles and not _has_nonce_or_hash(styles)
    return "csp-implemented-with-unsafe-inline-in-style-src-only" if unsafe else ""


def _denies_by_default(policy: Policy) -> bool:
    return policy.get("default-src") in ((), ("'none'",))


def _has_nonce_or_hash(sources: tuple[str, ...]) -> bool:
    return any(source.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for source in sources)
