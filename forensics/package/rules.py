"""rules/: the detectors that judged, the views, macros, lists and patterns that they rely on, and rules.lock.json with the hash of each."""

from __future__ import annotations

import hashlib
from typing import Any

from forensics.detectors.front import FAMILIES_NOT_DETECTORS
from forensics.findings import canonical
from forensics.package.source import Files, Source
from forensics.resources import tree, walk

_KINDS = (".sql", ".toml", ".txt")


def rules(source: Source) -> Files:
    """Return the texts and the lock; a detector whose text is not at hand is named with its hash, without a file."""
    shared = {
        f"{part}/{path}": file.read_text(encoding="utf-8").encode()
        for part in FAMILIES_NOT_DETECTORS
        for kind in _KINDS
        for path, file in walk(tree("queries") / part, kind)
    }
    texts = {detector.version_hash: detector for detector in source.detectors}
    used = {state["id"]: state["version_hash"] for state in source.findings["detectors"]}
    own = {
        file_of(name): texts[digest].text.encode() for name, digest in used.items() if _is_at_hand(source, name, digest)
    }
    lock = {
        "detectors": [_locked(name, digest, present=file_of(name) in own) for name, digest in sorted(used.items())],
        "shared": [{"file": name, "sha256": hashlib.sha256(data).hexdigest()} for name, data in sorted(shared.items())],
    }
    return {**shared, **own, "rules.lock.json": canonical(lock)}


def missing(source: Source) -> list[str]:
    """Return the detectors that judged and whose text is not at hand: of a pack that was not named, or of another version."""
    states = source.findings["detectors"]
    return [state["id"] for state in states if not _is_at_hand(source, state["id"], state["version_hash"])]


def file_of(detector: str) -> str:
    """Return the path of a detector's file."""
    return detector.replace(".", "/") + ".sql"


def _is_at_hand(source: Source, name: str, digest: str) -> bool:
    return any(item.id == name and item.version_hash == digest for item in source.detectors)


def _locked(name: str, digest: str, *, present: bool) -> dict[str, Any]:
    return {"id": name, "file": file_of(name) if present else None, "sha256": digest}
