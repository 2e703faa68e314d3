"""CycloneDX JSON 1.2 to 1.6 (ECMA-424), a software bill of materials.

Defined in cyclonedx.org/docs. `metadata.component` is the product itself: its version tells the cohort. Components may nest;
`dependencies` of the product tell which are direct.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forensics.importers._values import items, mapping, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row

NAME = "cyclonedx"
TABLES = ("components",)
OBSERVER = "sbom"
_MAX_DEPTH = 50


def recognise(head: Head) -> int:
    """Certain by the mark every CycloneDX document carries."""
    return 99 if head.mentions(r'"bomFormat"\s*:\s*"CycloneDX"') else 0


def records(data: bytes) -> Iterator[Item]:
    """Yield one row a component, nested ones included, in document order."""
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        yield Reject(1, f"not JSON: {type(error).__name__}", data)
        return
    if not isinstance(document, dict) or not isinstance(document.get("components", []), list):
        yield Reject(1, "not an object with a list of components", data)
        return
    product = mapping(mapping(document.get("metadata")).get("component"))
    direct = _direct(document, text(product.get("bom-ref")) or text(product.get("purl")))
    stamp = text(mapping(document.get("metadata")).get("timestamp"))
    common = {
        "observer": OBSERVER,
        "time": utc(text_time(stamp)),
        "time_raw": stamp,
        "service_name": text(product.get("name")),
        "service_version": text(product.get("version")),
        "source_document": text(document.get("serialNumber")),
    }
    for index, component in enumerate(_flat(document.get("components"), 0), 1):
        if text(mapping(component).get("name")) is None:
            yield Reject(index, "component without a name", json.dumps(component).encode())
        else:
            yield Row("components", index, {**common, **_values(component, direct)})


def _flat(components: Any, depth: int) -> Iterator[Any]:
    for component in components if isinstance(components, list) else []:
        yield component
        if depth < _MAX_DEPTH:
            yield from _flat(mapping(component).get("components"), depth + 1)


def _direct(document: dict[str, Any], product: str | None) -> set[str] | None:
    """Return what the product itself depends on; None where the document does not say."""
    for entry in items(document.get("dependencies")):
        if product is not None and entry.get("ref") == product:
            needed = entry.get("dependsOn")
            return {ref for ref in needed if isinstance(ref, str)} if isinstance(needed, list) else set()
    return None


def _values(component: dict[str, Any], direct: set[str] | None) -> dict[str, Any]:
    reference = text(component.get("bom-ref")) or text(component.get("purl"))
    supplier = mapping(component.get("supplier")).get("name") or component.get("publisher") or component.get("author")
    return {
        "bom_ref": reference,
        "component_type": text(component.get("type")),
        "component_group": text(component.get("group")) or None,
        "component_name": text(component.get("name")),
        "component_version": text(component.get("version")) or None,
        "purl": text(component.get("purl")),
        "licenses": [name for name in map(_licence, items(component.get("licenses"))) if name],
        "hashes": [
            {"alg": text(entry.get("alg")), "value": text(entry.get("content"))}
            for entry in items(component.get("hashes"))
        ],
        "supplier": text(supplier),
        "scope": text(component.get("scope")),
        "is_direct": None if direct is None else reference in direct,
    }


def _licence(entry: dict[str, Any]) -> str | None:
    licence = mapping(entry.get("license"))
    return text(licence.get("id")) or text(licence.get("name")) or text(entry.get("expression"))
