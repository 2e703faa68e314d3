"""What lies below data/: each folder is a part, a function of the open case.

A new part is one line in `PARTS`; documents that another layer writes of a case are one line in `DOCUMENTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from forensics import custody, views
from forensics.case import Case
from forensics.detectors import load
from forensics.errors import IntegrityError
from forensics.export import registry
from forensics.findings import canonical
from forensics.gdpr import documents
from forensics.package.configuration import masked_config
from forensics.package.extracts import evidence
from forensics.package.masking import masked_findings, masked_results
from forensics.package.provenance import provenance
from forensics.package.pseudonyms import Keyed, Ordinals
from forensics.package.rules import missing, rules
from forensics.package.source import Files, Source
from forensics.results import material

_RESULT = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _report(source: Source) -> Files:
    """Return findings.json and every output that can be made of it."""
    outputs = (item for item in registry().values() if item.name != "json")
    made = {_file(item.name, item.suffix): item.render(source.findings, source.results).encode() for item in outputs}
    return {source.case.findings.name: _as_in_case(source, source.case.findings.name, source.findings), **made}


def _file(name: str, suffix: str) -> str:
    return f"report{suffix}" if name in ("html", "markdown") else f"findings.{name}{suffix}"


def _results(source: Source) -> Files:
    return {
        f"{name}.json": _as_in_case(source, f"results/{name}.json", result) for name, result in source.results.items()
    }


def _as_in_case(source: Source, name: str, masked: Mapping[str, Any]) -> bytes:
    """Return an output byte for byte where masking changes nothing, so that the custody log of the case pins it here too."""
    data = (source.case.folder / name).read_bytes()
    return data if canonical(source.originals[name]) == canonical(masked) else canonical(masked)


def _run(source: Source) -> Files:
    coverage = {**source.findings["coverage"], **source.results.get("coverage", {})}
    config = masked_config(source.case.config().config, source.names)
    return {"config.json": canonical(config), "coverage.json": canonical(coverage)}


def _custody(source: Source) -> Files:
    return {custody.FILE_NAME: whole_custody(source.case)}


# Folder -> what makes its files.
PARTS: dict[str, Callable[[Source], Files]] = {
    "report": _report,
    "results": _results,
    "evidence": evidence,
    "rules": rules,
    "run": _run,
    "custody": _custody,
}
# Folder -> documents that are made of the case itself, after its views were closed.
DOCUMENTS: dict[str, Callable[[Case], dict[str, bytes]]] = {"compliance": documents}


def assemble(case: Case, key: bytes | None, queries: Sequence[Path]) -> tuple[Files, dict[str, str], list[str]]:
    """Return the files by path below data/, what the stand-ins are, and the detectors whose text is not at hand.

    Raises:
        UsageError: detection has not run yet. IntegrityError: the case holds outputs that this tool does not write.

    """
    findings, results = material(case)
    odd = [name for name in results if not _RESULT.fullmatch(name)]
    if odd:
        raise IntegrityError(f"results/{odd[0][:80]!a}.json is none of the results that this tool writes.")
    detectors = load(queries)
    with views.opened(case) as sandbox:
        names = Keyed(key) if key else Ordinals(sandbox)
        originals = {"findings.json": findings, **{f"results/{name}.json": result for name, result in results.items()}}
        masked = masked_findings(findings, names), masked_results(results, names)
        source = Source(case, sandbox, names, *masked, originals, detectors)
        payload = {f"{folder}/{name}": data for folder, part in PARTS.items() for name, data in part(source).items()}
    payload |= {f"{folder}/{name}": data for folder, part in DOCUMENTS.items() for name, data in part(case).items()}
    pinned = custody.pinned_in(payload[f"custody/{custody.FILE_NAME}"])
    payload["run/provenance.json"] = provenance(source, payload, {name: pinned[name] for name in originals})
    return payload, names.about, missing(source)


def whole_custody(case: Case) -> bytes:
    """Return the custody log without a last line whose writing was interrupted."""
    path = case.folder / custody.FILE_NAME
    data = path.read_bytes()
    return data[: len(data) - custody.verify(path).torn]
