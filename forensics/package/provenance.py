"""run/provenance.json: what was made, of what and by what, in the shape of an in-toto Statement v1 with a SLSA v1 provenance predicate.

Not wrapped in DSSE: the package is signed as a whole, and plain tools check that. Without times: the same case gives the same bytes on any day; when
it was made stands in the custody log.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from typing import Any

from forensics import __version__
from forensics.findings import canonical
from forensics.package.source import Source
from forensics.store import engine_version

_BUILD_TYPE = "canary-forensics/evidence-package/1"


def provenance(source: Source, payload: Mapping[str, bytes], as_in_case: Mapping[str, str]) -> bytes:
    """Return the statement over all other files; `as_in_case` names the outputs of the case with the hash that its custody log pins."""
    definition = {
        "buildType": _BUILD_TYPE,
        "externalParameters": {"tier": "shareable", "stand_ins": source.names.about},
        "internalParameters": {"outputs_of_the_case": [_output(payload, *item) for item in sorted(as_in_case.items())]},
        "resolvedDependencies": [_evidence(entry) for entry in source.findings["evidence"]],
    }
    tool = {"canary-forensics": __version__, "engine": engine_version(), "python": platform.python_version()}
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": _sha256(data)}} for name, data in sorted(payload.items())],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": definition,
            "runDetails": {"builder": {"id": "canary-forensics", "version": tool}, "metadata": {}},
        },
    }
    return canonical(statement)


def _output(payload: Mapping[str, bytes], name: str, digest: str) -> dict[str, Any]:
    """Say of findings.json or a result whether it lies here as in the case, or with stand-ins."""
    place = name if "/" in name else f"report/{name}"
    return {"name": name, "file": place, "sha256_in_case": digest, "masked": _sha256(payload[place]) != digest}


def _evidence(entry: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: entry[key] for key in ("id", "format", "status", "records", "accepted", "rejected")}
    return {
        "name": f"{entry['name']}!{entry['member']}" if entry["member"] else entry["name"],
        "digest": {"sha256": entry["sha256"]},
        "annotations": told,
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
