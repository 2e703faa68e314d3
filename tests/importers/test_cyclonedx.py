"""CycloneDX documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import Row, at, load


def bom(*components: Any, **more: Any) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "urn:uuid:1",
        "metadata": {
            "timestamp": "2026-03-01T10:00:00+02:00",
            "component": {"bom-ref": "app", "name": "shop", "version": "2.4.0"},
        },
        "components": list(components),
        **more,
    }


def rows(folder: Path, document: Any) -> list[Row]:
    return load(folder, json.dumps(document)).rows("components")


def test_a_component(tmp_path: Path) -> None:
    component = {
        "type": "library",
        "bom-ref": "a",
        "group": "org.example",
        "name": "lib",
        "version": "1.0",
        "purl": "pkg:maven/org.example/lib@1.0",
        "scope": "required",
        "supplier": {"name": "Example"},
        "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}, {"expression": "A OR B"}],
        "hashes": [{"alg": "SHA-256", "content": "ab"}],
    }
    (row,) = rows(tmp_path, bom(component))
    expected = {
        "record_no": 1,
        "observer": "sbom",
        "time": at("2026-03-01T08:00:00"),
        "service_name": "shop",
        "service_version": "2.4.0",
        "bom_ref": "a",
        "component_type": "library",
        "component_group": "org.example",
        "component_name": "lib",
        "component_version": "1.0",
        "purl": "pkg:maven/org.example/lib@1.0",
        "scope": "required",
        "supplier": "Example",
        "licenses": ["MIT", "Own", "A OR B"],
        "hashes": [{"alg": "SHA-256", "value": "ab"}],
        "is_direct": None,
        "source_document": "urn:uuid:1",
    }
    assert {key: row[key] for key in expected} == expected


def test_components_nest_in_document_order(tmp_path: Path) -> None:
    inner = {"name": "b", "components": [{"name": "c"}]}
    assert [(row["record_no"], row["component_name"]) for row in rows(tmp_path, bom({"name": "a", "components": [inner]}, {"name": "d"}))] == [
        (1, "a"), (2, "b"), (3, "c"), (4, "d"),
    ]  # fmt: skip


def test_what_the_product_depends_on_itself(tmp_path: Path) -> None:
    graph = [{"ref": "a", "dependsOn": ["b"]}, {"ref": "app", "dependsOn": ["a", 5]}]
    document = bom({"name": "a", "bom-ref": "a"}, {"name": "b", "bom-ref": "b"}, {"name": "c"}, dependencies=graph)
    assert [row["is_direct"] for row in rows(tmp_path, document)] == [True, False, False]


def test_a_component_without_a_name(tmp_path: Path) -> None:
    loaded = load(tmp_path, json.dumps(bom({"version": "1"}, {"name": "a"}, "text", None)))
    assert loaded.numbers("components") == [2]
    assert loaded.reasons() == [
        (1, "component without a name"),
        (3, "component without a name"),
        (4, "component without a name"),
    ]


@pytest.mark.parametrize("junk", [None, 5, 1e400, True, "x", [], [5], [[]], {}, {"a": {}}, "\ud800"])
def test_junk_anywhere(tmp_path: Path, junk: Any) -> None:
    component = {
        "name": "lib",
        **dict.fromkeys(
            ["type", "bom-ref", "group", "version", "purl", "licenses", "hashes", "supplier", "scope", "components"],
            junk,
        ),
    }
    deeper = {
        "name": "lib",
        "licenses": [{"license": junk}],
        "hashes": [{"alg": junk, "content": junk}],
        "supplier": {"name": junk},
    }
    document = bom(component, deeper, dependencies=[{"ref": "app", "dependsOn": junk}, junk], serialNumber=junk)
    found = [row["component_name"] for row in rows(tmp_path, document)]
    assert found[0] == found[-1] == "lib"


@pytest.mark.parametrize("key", ["metadata", "components", "dependencies"])
@pytest.mark.parametrize("junk", [None, 5, "x", [5], {"component": 5, "timestamp": 5}])
def test_junk_instead_of_a_part(tmp_path: Path, key: str, junk: Any) -> None:
    loaded = load(tmp_path, json.dumps({**bom({"name": "a"}), key: junk}))
    assert loaded.entry.status == "ingested"


def test_a_document_that_is_no_object(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[{"bomFormat": "CycloneDX"}]')
    assert loaded.reasons() == [(1, "not an object with a list of components")]


def test_very_deep_nesting_ends(tmp_path: Path) -> None:
    deep: dict[str, Any] = {"name": "leaf"}
    for _ in range(80):
        deep = {"name": "n", "components": [deep]}
    assert len(rows(tmp_path, bom(deep))) == 51
