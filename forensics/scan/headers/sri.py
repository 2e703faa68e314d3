"""Subresource integrity (W3C SRI): scripts that a page takes from elsewhere, and whether they are pinned by a hash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from forensics.scan.headers._response import HeaderVerdict
from forensics.scan.regex import Regex, encode

_HEADER = "subresource-integrity"
HTML_TYPES = ("text/html", "application/xhtml+xml")
RANKS: Mapping[str, int] = MappingProxyType({
    "sri-not-implemented-and-external-scripts-not-loaded-securely": -2,
    "sri-implemented-but-external-scripts-not-loaded-securely": -1,
    "sri-not-implemented-but-external-scripts-loaded-securely": 0,
    "sri-not-implemented-but-no-scripts-loaded": 0,
    "sri-not-implemented-but-all-scripts-loaded-from-secure-origin": 0,
    "sri-implemented-and-external-scripts-loaded-securely": 1,
})  # fmt: skip
_SCRIPT = Regex(r"(?i)<script\b([^>]*)>")  # RE2: a page of nothing but `<script` is searched once
_MAX_TAG = 2000
_SOURCE = re.compile(r"\bsrc\s*=\s*[\"']?\s*([^\"'\s>]+)", re.IGNORECASE)
_PINNED = re.compile(r"\bintegrity\s*=\s*[\"']?sha(?:256|384|512)-", re.IGNORECASE)
_EXTERNAL = re.compile(r"(?:([a-z][a-z0-9+.-]*):)?//", re.IGNORECASE)


def script_verdict(body: str) -> HeaderVerdict:
    """Judge the scripts of an HTML page; as in the Observatory one script that is not pinned decides."""
    tags = [tag for tag in _tags(encode(body)) if _SOURCE.search(tag)]
    external = [tag for tag in tags if _EXTERNAL.match(_source(tag))]
    verdict = "sri-" + _meaning(tags, external)
    return HeaderVerdict(_HEADER, verdict, RANKS[verdict])


def _tags(data: bytes) -> Iterator[str]:
    yield from (
        data[start : min(end, start + _MAX_TAG)].decode("utf-8", "replace") for start, end in _SCRIPT.spans(data)
    )


def _source(tag: str) -> str:
    found = _SOURCE.search(tag)
    return found[1] if found else ""


def _meaning(tags: list[str], external: list[str]) -> str:
    if not tags:
        return "not-implemented-but-no-scripts-loaded"
    if not external:
        return "not-implemented-but-all-scripts-loaded-from-secure-origin"
    pinned = all(_PINNED.search(tag) for tag in external)
    insecure = any(_source(tag).lower().startswith("http:") for tag in external)
    if insecure:
        return (
            f"{'' if pinned else 'not-'}implemented-{'but' if pinned else 'and'}-external-scripts-not-loaded-securely"
        )
    return f"{'' if pinned else 'not-'}implemented-{'and' if pinned else 'but'}-external-scripts-loaded-securely"
