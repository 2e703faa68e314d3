"""BagIt 1.0 (RFC 8493): tag files, manifests, and what the names in them may be.

Own code: bagit.py writes version 0.97, today's date and unsorted tag manifests; it is the independent reader of the tests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files

ALGORITHMS = ("sha256", "sha512")
BAGIT = "bagit.txt"
INFO = "bag-info.txt"
HOWTO = "HOWTO-VERIFY.txt"
SCRIPT = "verify.sh"
SEAL = "tagmanifest-sha256.txt"  # what is signed
PAYLOAD, SIGNATURES = "data/", "signatures/"
SUFFIX = ".evidence"

_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
# Names that are the same on every system and need no escape in a manifest, a shell or a zip.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,9}")
_LABEL = re.compile(r"[A-Za-z0-9-]+: [\x20-\x7e]*")


def is_name(text: str) -> bool:
    """Say whether a path may stand in a package: relative, plain, without `..`, empty or hidden parts."""
    return _NAME.fullmatch(text) is not None


def manifest_name(algorithm: str, *, tags: bool = False) -> str:
    """Return the name of a manifest."""
    return f"{'tag' if tags else ''}manifest-{algorithm}.txt"


# Tag files that the tag manifests name; the tag manifests themselves are the other two files at the top.
TAGS = (BAGIT, INFO, HOWTO, SCRIPT, *(manifest_name(algorithm) for algorithm in ALGORITHMS))
TAG_MANIFESTS = tuple(manifest_name(algorithm, tags=True) for algorithm in ALGORITHMS)


def bag(payload: Mapping[str, bytes], info: Iterable[tuple[str, str]]) -> dict[str, bytes]:
    """Return all files of an unsigned package, by path; `payload` is what lies below data/."""
    odd = [name for name in payload if not is_name(name)]
    if odd:
        raise ValueError(f"{odd[0]!a} is no name of a package")
    content = {f"{PAYLOAD}{name}": data for name, data in payload.items()}
    oxum = f"{sum(map(len, content.values()))}.{len(content)}"
    tags = {
        BAGIT: _DECLARATION,
        INFO: info_text([*info, ("Payload-Oxum", oxum)]),
        HOWTO: _shipped(HOWTO),
        SCRIPT: _shipped(SCRIPT),
        **_manifests(content, tags=False),
    }
    return content | tags | _manifests(tags, tags=True)


def _manifests(content: Mapping[str, bytes], *, tags: bool) -> dict[str, bytes]:
    return {
        manifest_name(algorithm, tags=tags): manifest(
            {name: hashlib.new(algorithm, data).hexdigest() for name, data in content.items()}
        )
        for algorithm in ALGORITHMS
    }


def manifest(digests: Mapping[str, str]) -> bytes:
    """Return a manifest as `sha256sum` writes it, sorted by name."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def info_text(labels: Iterable[tuple[str, str]]) -> bytes:
    """Return bag-info.txt."""
    lines = [f"{label}: {value}" for label, value in labels]
    odd = [line for line in lines if not _LABEL.fullmatch(line)]
    if odd:
        raise ValueError(f"{odd[0]!a} is no line of bag-info.txt")
    return "".join(f"{line}\n" for line in lines).encode()


def parse_info(data: bytes) -> dict[str, str] | None:
    """Return the labels of bag-info.txt; None where it is not what `info_text` writes."""
    lines = data.decode("ascii", "replace").split("\n")
    if lines.pop() or not all(map(_LABEL.fullmatch, lines)):
        return None
    found = dict(line.split(": ", 1) for line in lines)
    return found if info_text(found.items()) == data else None


def declaration() -> bytes:
    """Return bagit.txt."""
    return _DECLARATION


def _shipped(name: str) -> bytes:
    return (files("forensics.package") / name).read_bytes()
