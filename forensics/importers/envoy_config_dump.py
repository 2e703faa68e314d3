"""Configuration dump of Envoy's admin interface (`/config_dump`), as Envoy and `istioctl proxy-config all` write it.

Defined in envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump.proto. One row a leaf; entries of a list go by the name of what they
hold. When an entry was updated is its rows' time, and its version one row a list: neither says what is configured. Inline values of secrets are
masked, also where Envoy left them readable. Istio's bootstrap names the pod (istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from forensics.importers._configuration import leaves, masked, shown, written
from forensics.importers._values import mapping, text, text_time, utc
from forensics.importers.contract import Head, Item, Reject, Row, Skip

NAME = "envoy-config-dump"
TABLES = ("configuration",)
OBSERVER = "envoy.config"
_VOLATILE = {"version_info", "last_updated", "@type"}
_VERSION_LABELS = ("app.kubernetes.io/version", "version")
_INLINE = re.compile(r"\.inline_(?:string|bytes)$")
_SECRET_PATH = re.compile(r"(?i)private_key|password|secret|token|credential|hmac|session_ticket")
_NODE_POD = re.compile(r"[^~]{1,300}~[^~]{1,300}~([^~.]{1,300})\.([^~.]{1,300})~")


def recognise(head: Head) -> int:
    """Certain where a list of configurations holds messages of Envoy's admin interface."""
    return (
        98
        if head.mentions(r'^\s*\{\s*"configs"\s*:\s*\[', r'"@type"\s*:\s*"type\.googleapis\.com/envoy\.admin\.v')
        else 0
    )


def records(data: bytes) -> Iterator[Item]:
    """Yield the leaves of every configuration; `record_no` is its place in `configs`."""
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        yield Reject(1, f"not JSON: {type(error).__name__}", data)
        return
    configs = mapping(document).get("configs")
    if not isinstance(configs, list):
        yield Reject(1, "no list of configurations", data)
        return
    proxy = _proxy(configs)
    for index, config in enumerate(configs, 1):
        if not isinstance(config, dict):
            yield Reject(index, "not an object", json.dumps(config).encode())
        else:
            yield from _rows(index, config, proxy)


def _rows(index: int, config: dict[str, Any], proxy: dict[str, Any]) -> Iterator[Item]:
    common = {
        "observer": OBSERVER,
        **proxy,
        "source_document": (text(config.get("@type")) or "").rpartition(".")[2] or None,
    }
    is_empty = True
    for row in _config(config):
        is_empty = False
        yield Row("configuration", index, {**common, **row})
    if is_empty:
        yield Skip(index, "empty configuration")


def _proxy(configs: list[Any]) -> dict[str, Any]:
    """Return pod, namespace, service and version as the bootstrap's node tells them."""
    nodes = (mapping(mapping(mapping(config).get("bootstrap")).get("node")) for config in configs)
    node = next(filter(None, nodes), {})
    about = mapping(node.get("metadata"))
    labels = mapping(about.get("LABELS"))
    named = _NODE_POD.match(text(node.get("id")) or "")
    return {
        "k8s_pod_name": text(about.get("NAME")) or (named[1] if named else None),
        "k8s_namespace_name": text(about.get("NAMESPACE")) or (named[2] if named else None),
        "service_name": text(labels.get("app.kubernetes.io/name"))
        or text(labels.get("app"))
        or text(node.get("cluster")),
        "service_version": next((text(labels.get(label)) for label in _VERSION_LABELS if labels.get(label)), None),
    }


def _config(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield key, value and time of the leaves of one configuration."""
    is_secret = "SecretsConfigDump" in (text(config.get("@type")) or "")
    for key, held in config.items():
        if key in _VOLATILE:
            continue
        versions: set[str] = set()
        entries = held if isinstance(held, list) else [held]
        for path, entry in zip(_paths(key, held), entries, strict=True):
            stamp = _stamp(entry, versions) or text(config.get("last_updated"))
            for place, name, value in leaves(_plain(entry), path):
                yield _row(place, _shown(place, name, written(value), is_secret=is_secret), stamp)
        if versions or (isinstance(held, list) and "version_info" in config):
            yield _row(f"{key}.version_info", ", ".join(sorted(versions)) or text(config.get("version_info")), None)


def _row(key: str, value: str | None, stamp: str | None) -> dict[str, Any]:
    return {
        "configuration_key": text(key),
        "configuration_value": value,
        "time": utc(text_time(stamp)),
        "time_raw": stamp,
    }


def _paths(key: str, held: Any) -> list[str]:
    """Return where each entry of a list lies, by its name or that of what it holds; of two with one name the second is `name (2)`."""
    if not isinstance(held, list):
        return [key]
    seen: dict[str, int] = {}
    paths = []
    for index, entry in enumerate(held):
        name = _name(entry) or str(index)
        seen[name] = seen.get(name, 0) + 1
        paths.append(f"{key}[{name}]" if seen[name] == 1 else f"{key}[{name} ({seen[name]})]")
    return paths


def _name(entry: Any) -> str | None:
    """Return the name of an entry, or of the first object in it that has one."""
    own = text(mapping(entry).get("name"))
    return own or next((name for inner in mapping(entry).values() if (name := text(mapping(inner).get("name")))), None)


def _parts(entry: Any) -> list[dict[str, Any]]:
    """Return an entry and its states: versions and times stand in either."""
    own = mapping(entry)
    return [own, *(mapping(own.get(state)) for state in ("active_state", "warming_state", "draining_state"))]


def _stamp(entry: Any, versions: set[str]) -> str | None:
    """Return when an entry was updated last, and note its versions."""
    versions.update(filter(None, (text(part.get("version_info")) for part in _parts(entry))))
    return max(filter(None, (text(part.get("last_updated")) for part in _parts(entry))), default=None)


def _plain(entry: Any) -> Any:
    """Return an entry without what is volatile, also in its states."""
    if not isinstance(entry, dict):
        return entry
    kept = {key: value for key, value in entry.items() if key not in ("version_info", "last_updated", "name")}
    return {key: _plain(value) if key.endswith("_state") else value for key, value in kept.items()}


def _shown(path: str, name: str, value: str | None, *, is_secret: bool) -> str | None:
    if value is None:
        return None
    if _INLINE.search(path) and (is_secret or _SECRET_PATH.search(path)):
        return masked(value)
    return shown(value, name if path.endswith(".value") or name in ("password", "api_key", "client_secret") else "")
