"""Judge Content-Security-Policy by what it stops: scripts an attacker could inject (W3C CSP Level 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

Policy: TypeAlias = Mapping[str, tuple[str, ...]]

# Of several weaknesses the lowest counts; of several policies the highest, since a browser enforces them all.
RANKS: Mapping[str, int] = MappingProxyType(
    {
        "absent": 0,
        "invalid": 0,
        "no_script_rule": 1,  # neither script-src nor default-src: every script runs
        "unsafe_inline": 1,  # injected script runs
        "any_source": 1,  # scripts from everywhere: *, https:, data:
        "insecure_scheme": 2,  # scripts over http: can be changed on the way
        "unsafe_eval": 3,
        "unsafe_inline_style": 4,
        "ok": 5,
        "strict": 6,  # nothing is allowed that is not named: default-src 'none'
    }
)
_ANY_SOURCE = frozenset(("*", "https:", "data:", "blob:", "ws:", "wss:"))


def policies(values: Iterable[str]) -> list[Policy]:
    """Return the policies of all Content-Security-Policy headers of a response; a comma separates policies too."""
    parsed = (_policy(text) for value in values for text in value.split(","))
    return [policy for policy in parsed if policy is not None]


def verdict(parsed: list[Policy]) -> str:
    """Return the verdict of the strictest policy; without any, `absent`; with only empty ones, `invalid`."""
    return max((_one(policy) for policy in parsed), key=lambda name: RANKS[name], default="absent")


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
        return "invalid"
    scripts = policy.get("script-src", policy.get("default-src"))
    if scripts is None:
        return "no_script_rule"
    return _script_weakness(scripts) or _style_weakness(policy) or ("strict" if _denies_by_default(policy) else "ok")


def _script_weakness(sources: tuple[str, ...]) -> str:
    """Return the worst weakness of a script rule, or nothing. A nonce or hash switches 'unsafe-inline' off (CSP3, 6.7.3.2)."""
    trusted = _has_nonce_or_hash(sources)
    if "'unsafe-inline'" in sources and not trusted:
        return "unsafe_inline"
    if not (trusted and "'strict-dynamic'" in sources):  # which switches host and scheme sources off
        if _ANY_SOURCE.intersection(sources):
            return "any_source"
        if any(source.startswith("http:") for source in sources):
            return "insecure_scheme"
    return "unsafe_eval" if "'unsafe-eval'" in sources else ""


def _style_weakness(policy: Policy) -> str:
    styles = policy.get("style-src", policy.get("default-src", ()))
    return "unsafe_inline_style" if "'unsafe-inline'" in styles and not _has_nonce_or_hash(styles) else ""


def _denies_by_default(policy: Policy) -> bool:
    return policy.get("default-src") in ((), ("'none'",))


def _has_nonce_or_hash(sources: tuple[str, ...]) -> bool:
    return any(source.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for source in sources)
