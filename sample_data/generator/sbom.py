"""The SBOMs of both versions in CycloneDX 1.5; hashes are invented."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sample_data.generator.images import image
from sample_data.generator.model import VERSIONS, World

PLANTED = ("cdn-metrics-helper", "1.0.3", "MIT")
BUMPS = {"undici": "6.21.1", "zod": "3.24.2"}
DIRECT = {
    "express", "helmet", "pg", "ioredis", "pino", "undici", "zod", "jsonwebtoken", "cookie-parser", "compression",
    "nodemailer", "uuid", "dotenv", "lru-cache", "p-limit", "cdn-metrics-helper",
}  # fmt: skip
CATALOGUE = """
express 4.21.2 MIT|helmet 8.0.0 MIT|pg 8.13.1 MIT|ioredis 5.4.2 MIT|pino 9.6.0 MIT|undici 6.21.0 MIT|zod 3.24.1 MIT
jsonwebtoken 9.0.2 MIT|cookie-parser 1.4.7 MIT|compression 1.7.5 MIT|nodemailer 6.9.16 MIT-0|uuid 11.0.5 MIT
dotenv 16.4.7 BSD-2-Clause|lru-cache 10.4.3 ISC|p-limit 3.1.0 MIT|accepts 1.3.8 MIT|array-flatten 1.1.1 MIT
body-parser 1.20.3 MIT|bytes 3.1.2 MIT|call-bound 1.0.3 MIT|content-disposition 0.5.4 MIT|content-type 1.0.5 MIT
cookie 0.7.2 MIT|cookie-signature 1.0.6 MIT|debug 2.6.9 MIT|depd 2.0.0 MIT|destroy 1.2.0 MIT|ee-first 1.1.1 MIT
encodeurl 2.0.0 MIT|escape-html 1.0.3 MIT|etag 1.8.1 MIT|finalhandler 1.3.1 MIT|forwarded 0.2.0 MIT|fresh 0.5.2 MIT
http-errors 2.0.0 MIT|iconv-lite 0.4.24 MIT|inherits 2.0.4 ISC|ipaddr.js 1.9.1 MIT|media-typer 0.3.0 MIT
merge-descriptors 1.0.3 MIT|methods 1.1.2 MIT|mime 1.6.0 MIT|mime-db 1.53.0 MIT|mime-types 2.1.35 MIT|ms 2.1.3 MIT
negotiator 0.6.4 MIT|on-finished 2.4.1 MIT|on-headers 1.0.2 MIT|parseurl 1.3.3 MIT|path-to-regexp 0.1.12 MIT
proxy-addr 2.0.7 MIT|qs 6.13.0 BSD-3-Clause|range-parser 1.2.1 MIT|raw-body 2.5.2 MIT|safe-buffer 5.2.1 MIT
send 0.19.0 MIT|serve-static 1.16.2 MIT|setprototypeof 1.2.0 ISC|statuses 2.0.1 MIT|toidentifier 1.0.1 MIT
type-is 1.6.18 MIT|unpipe 1.0.0 MIT|vary 1.1.2 MIT|pg-pool 3.7.0 MIT|pg-protocol 1.7.0 MIT|pg-types 2.2.0 MIT
postgres-array 2.0.0 MIT|redis-parser 3.0.0 MIT|denque 2.1.0 Apache-2.0|jws 3.2.2 MIT|semver 7.6.3 ISC
sonic-boom 4.2.0 MIT|thread-stream 3.1.0 MIT|yocto-queue 0.1.0 MIT
"""
NEEDS = {"pg": ("pg-pool", "pg-protocol", "pg-types"), "pg-types": ("postgres-array",), "p-limit": ("yocto-queue",)}
NEEDS |= {"ioredis": ("redis-parser", "denque"), "jsonwebtoken": ("jws", "semver", "ms"), "jws": ("safe-buffer",)}
NEEDS |= {"pino": ("sonic-boom", "thread-stream"), "cookie-parser": ("cookie", "cookie-signature")}
NEEDS |= {"compression": ("bytes", "negotiator", "on-headers", "vary"), "debug": ("ms",)}


@dataclass(frozen=True)
class Component:
    """A library in an SBOM."""

    name: str
    version: str
    licence: str

    @property
    def purl(self) -> str:
        """Return the package URL."""
        return f"pkg:npm/{self.name}@{self.version}"


def components(world: World, cohort: str) -> list[Component]:
    """Return the libraries of a version: two bumps in the canary and, where planted, one addition."""
    entries = [Component(*entry.split()) for entry in CATALOGUE.replace("\n", "|").split("|") if entry]
    if cohort == "canary":
        entries = [Component(c.name, BUMPS.get(c.name, c.version), c.licence) for c in entries]
        entries += [Component(*PLANTED)] if world.scenario.faulty else []
    return sorted(entries, key=lambda c: c.name)


def files(world: World) -> dict[str, bytes]:
    """Return the SBOM of each version."""
    return {
        f"sbom/checkout-{version}.cdx.json": (json.dumps(_document(world, cohort), indent=1) + "\n").encode()
        for cohort, version in VERSIONS.items()
    }


def _document(world: World, cohort: str) -> dict[str, Any]:
    version, libraries = VERSIONS[cohort], components(world, cohort)
    serial = hashlib.sha256(f"{world.scenario.name}{version}".encode()).hexdigest()
    built = {"baseline": "2026-02-24T10:02:11Z", "canary": "2026-03-02T15:41:37Z"}[cohort]
    root = {"type": "application", "bom-ref": _root(version), "name": "checkout", "version": version}
    tool = {"type": "application", "name": "sample-sbom-generator", "version": "1.0.0"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial[:8]}-{serial[8:12]}-4{serial[12:15]}-9{serial[15:18]}-{serial[18:30]}",
        "version": 1,
        "metadata": {
            "timestamp": built,
            "tools": {"components": [tool]},
            "component": root | {"purl": _root(version), "properties": [{"name": "image", "value": image(cohort)}]},
        },
        "components": [_component(library) for library in libraries],
        "dependencies": _dependencies(version, libraries),
    }


def _root(version: str) -> str:
    return f"pkg:generic/checkout@{version}"


def _component(library: Component) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": library.purl,
        "name": library.name,
        "version": library.version,
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(library.purl.encode()).hexdigest()}],
        "licenses": [{"license": {"id": library.licence}}],
        "purl": library.purl,
    }


def _dependencies(version: str, libraries: list[Component]) -> list[dict[str, Any]]:
    """Return the graph: what no other library needs by name comes with express."""
    purls = {library.name: library.purl for library in libraries}
    named = {need for needs in NEEDS.values() for need in needs}
    needs = NEEDS | {"express": tuple(name for name in purls if name not in DIRECT | named)}
    graph = [{"ref": _root(version), "dependsOn": [purls[name] for name in purls if name in DIRECT]}]
    return graph + [{"ref": p, "dependsOn": [purls[n] for n in needs.get(name, ())]} for name, p in purls.items()]
