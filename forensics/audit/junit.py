"""An audit as JUnit XML, as CI servers read it: a suite a service, a case a detector of each rollout that was judged.

The schema is that of github.com/testmoapp/junitxml, which describes what tools write and read; there is no official one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from forensics.audit.history import Record, ServiceRecord
from forensics.audit.rollouts import Finding, Judged
from forensics.findings import level
from forensics.text import safe_text


def junit(record: Record, judged: dict[str, list[Judged]], fail_on: str) -> bytes:
    """Return the document; finding at or above `fail_on` are failures, what could not be judged is skipped, other reasons are errors."""
    root = ET.Element("testsuites", name=f"canary audit {record.as_of}")
    totals = [0, 0, 0, 0]
    for service in record.services:
        cases = [
            *_of_service(service),
            *(case for item in judged[service.name] for case in _of_rollout(service, item, fail_on)),
        ]
        counts = [
            len(cases),
            *(sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")),
        ]
        suite = ET.SubElement(root, "testsuite", _counted(counts) | {"name": service.name})
        suite.extend(cases)
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
    root.attrib |= _counted(totals)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counted(counts: Sequence[int]) -> dict[str, str]:
    return {name: str(count) for name, count in zip(("tests", "failures", "errors", "skipped"), counts, strict=True)}


def _of_service(service: ServiceRecord) -> Iterator[ET.Element]:
    """One case for the service itself: why its audit is not 0, where that is no finding."""
    case = ET.Element("testcase", classname=service.name, name="audit")
    if service.exit_code:
        kind = "failure" if service.exit_code == 1 else "error"
        _told(case, kind, f"exit {service.exit_code}", "\n".join(service.reasons))
    yield case


def _of_rollout(service: ServiceRecord, judged: Judged, fail_on: str) -> Iterator[ET.Element]:
    found: dict[str, list[Finding]] = {}
    for finding in judged.findings:
        if level(finding.severity) >= level(fail_on):
            found.setdefault(finding.detector, []).append(finding)
    for name, state in sorted(judged.detectors.items()):
        case = ET.Element("testcase", classname=safe_text(f"{service.name}.{judged.name}"), name=safe_text(name))
        if name in found:
            text = "\n".join(f"{item.id} {item.severity}: {item.title}" for item in found[name])
            _told(case, "failure", found[name][0].title, text)
        elif state in ("not_evaluated", "error"):
            _told(case, "skipped" if state == "not_evaluated" else "error", state.replace("_", " "), "")
        yield case


def _told(case: ET.Element, kind: str, message: str, text: str) -> None:
    ET.SubElement(case, kind, message=safe_text(message, 500)).text = "\n".join(
        safe_text(line) for line in text.split("\n")
    )
