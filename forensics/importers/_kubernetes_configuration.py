"""Kubernetes objects that configure a release, as rows of `configuration`: workloads, ConfigMaps, Secrets, routing and policy.

The kinds are those of kubernetes.io/docs/reference/kubernetes-api, istio.io/latest/docs/reference/config and gateway-api.sigs.k8s.io. What differs between two reads of
the same object (status, versions, who manages it) is left out, and the name, which `source_document` holds. A Secret gives its keys alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forensics.importers._configuration import leaves, masked, shown, written
from forensics.importers._values import items, mapping, text, text_time, utc
from forensics.importers.contract import Item, Row, Skip

KINDS = (
    *("ConfigMap", "Secret", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob", "Service", "Ingress", "NetworkPolicy"),
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    *("VirtualService", "DestinationRule", "EnvoyFilter", "Gateway", "ServiceEntry", "Sidecar", "PeerAuthentication", "AuthorizationPolicy"),
    *("RequestAuthentication", "Telemetry", "WasmPlugin", "HTTPRoute", "GRPCRoute", "AnalysisTemplate", "ClusterAnalysisTemplate", "Canary"),
)  # fmt: skip
_VOLATILE = {
    *("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink", "ownerReferences", "name", "namespace"),
}  # fmt: skip
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_VERSION_LABELS = ("app.kubernetes.io/version", "version")
_HASH_LABELS = ("rollouts-pod-template-hash", "pod-template-hash", "controller-revision-hash")
# Where a name is the user's own and may say that the value is a secret; elsewhere `secretName` and `topologyKey` name what they refer to.
_OWN_NAMES = ("data.", "stringData.")


def settings(index: int, thing: dict[str, Any], observer: str) -> Iterator[Item]:
    """Yield one row a leaf of an object."""
    metadata = mapping(thing.get("metadata"))
    stamp = text(metadata.get("creationTimestamp"))
    common = {
        "observer": observer,
        "time": utc(text_time(stamp)),
        "time_raw": stamp,
        "k8s_namespace_name": text(metadata.get("namespace")),
        "source_document": "/".join(filter(None, (text(thing.get("kind")), text(metadata.get("namespace")), text(metadata.get("name"))))),
        **_release(thing, metadata),
    }  # fmt: skip
    is_secret, is_empty = thing.get("kind") == "Secret", True
    for path, name, value in _settings(thing, metadata):
        is_empty, said = False, written(value)
        yield Row("configuration", index, {
            **common, "configuration_key": text(path), "configuration_value": said and _shown(path, name, said, is_secret=is_secret),
        })  # fmt: skip
    if is_empty:
        yield Skip(index, "object without settings")


def _settings(thing: dict[str, Any], metadata: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the leaves; the hash of a revision is none, since each has another: the attributes hold it."""
    kept = _kept(thing, metadata)
    return (leaf for leaf in leaves(kept) if leaf[1] not in _HASH_LABELS) if kept else iter(())


def _kept(thing: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the object without what differs between two reads of it."""
    annotations = {key: value for key, value in mapping(metadata.get("annotations")).items() if key != _APPLIED}
    about = {key: value for key, value in metadata.items() if key not in _VOLATILE and key != "annotations"}
    about |= {"annotations": annotations} if annotations else {}
    kept = {key: value for key, value in thing.items() if key not in ("metadata", "status", "kind", "apiVersion")}
    return ({"metadata": about} if about else {}) | kept


def _shown(path: str, name: str, value: str, *, is_secret: bool) -> str:
    if is_secret and path.startswith(("data", "stringData")):
        return masked(value)
    is_own = (
        path.startswith(_OWN_NAMES)
        or path.endswith("].value")
        or name.lower() in ("authorization", "cookie", "x-api-key")
    )
    return shown(value, name if is_own else "")


def _release(thing: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return service, version and revision: of the object's labels, else of its pods' template and their first image."""
    template = mapping(mapping(thing.get("spec")).get("template"))
    labels = mapping(mapping(template.get("metadata")).get("labels")) | mapping(metadata.get("labels"))
    containers = items(mapping(template.get("spec")).get("containers"))
    image = text(containers[0].get("image")) if containers else None
    revision = next((text(labels.get(label)) for label in _HASH_LABELS if labels.get(label)), None)
    kept = {"api_version": text(thing.get("apiVersion")), "revision": revision}
    return {
        "service_name": text(labels.get("app.kubernetes.io/name")) or text(labels.get("app")),
        "service_version": next((text(labels.get(label)) for label in _VERSION_LABELS if labels.get(label)), None)
        or tag(image),
        "attributes": json.dumps({key: value for key, value in kept.items() if value is not None}, sort_keys=True),
    }


def tag(image: str | None) -> str | None:
    """Return the tag of `registry:5000/name:tag@sha256:...`."""
    last = (image or "").partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2] or None
