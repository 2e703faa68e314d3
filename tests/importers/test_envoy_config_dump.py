"""Configuration dump of Envoy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.helpers import at, load

TYPE = "type.googleapis.com/envoy.admin.v3."
NODE = {
    "id": "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local",
    "cluster": "web.shop",
    "metadata": {"NAME": "web-1", "NAMESPACE": "shop", "LABELS": {"app": "web", "version": "2.4.0"}},
}
BOOTSTRAP = {"@type": f"{TYPE}BootstrapConfigDump", "bootstrap": {"node": NODE}, "last_updated": "2026-03-03T08:00:00Z"}


def dump(tmp_path: Path, *configs: Any) -> Any:
    loaded = load(tmp_path, json.dumps({"configs": configs}))
    assert loaded.entry.format == "envoy-config-dump"
    return loaded


def settings(loaded: Any) -> dict[str, str | None]:
    return {row["configuration_key"]: row["configuration_value"] for row in loaded.rows("configuration")}


def test_clusters(tmp_path: Path) -> None:
    clusters = {
        "@type": f"{TYPE}ClustersConfigDump",
        "version_info": "v0",
        "static_clusters": [
            {"cluster": {"name": "admin", "connect_timeout": "0.25s"}, "last_updated": "2026-03-03T09:00:00.5Z"}
        ],
        "dynamic_active_clusters": [
            {
                "version_info": "v2",
                "cluster": {"@type": "x", "name": "outbound|80||web", "lb_policy": 1},
                "last_updated": "2026-03-03T09:01:00Z",
            },
            {"version_info": "v1", "cluster": {"name": "outbound|80||web"}},
        ],
    }
    loaded = dump(tmp_path, BOOTSTRAP, clusters)
    assert settings(loaded) == {
        "bootstrap.node.id": NODE["id"],
        "bootstrap.node.cluster": "web.shop",
        "bootstrap.node.metadata.NAME": "web-1",
        "bootstrap.node.metadata.NAMESPACE": "shop",
        "bootstrap.node.metadata.LABELS.app": "web",
        "bootstrap.node.metadata.LABELS.version": "2.4.0",
        "static_clusters[admin].cluster.name": "admin",
        "static_clusters[admin].cluster.connect_timeout": "0.25s",
        "static_clusters.version_info": "v0",
        "dynamic_active_clusters[outbound|80||web].cluster.@type": "x",
        "dynamic_active_clusters[outbound|80||web].cluster.name": "outbound|80||web",
        "dynamic_active_clusters[outbound|80||web].cluster.lb_policy": "1",
        "dynamic_active_clusters[outbound|80||web (2)].cluster.name": "outbound|80||web",
        "dynamic_active_clusters.version_info": "v1, v2",
    }
    row = next(row for row in loaded.rows("configuration") if row["configuration_value"] == "0.25s")
    expected = {
        "record_no": 2,
        "time": at("2026-03-03T09:00:00.5"),
        "k8s_pod_name": "web-1",
        "k8s_namespace_name": "shop",
        "service_name": "web",
        "service_version": "2.4.0",
        "source_document": "ClustersConfigDump",
    }
    assert {key: row[key] for key in expected} == expected


def test_listeners_with_states(tmp_path: Path) -> None:
    state = {
        "version_info": "v3",
        "listener": {"name": "l", "filter_chains": [{"filters": [{"name": "hcm", "a": True}]}]},
        "last_updated": "2026-03-03T09:00:00Z",
    }
    loaded = dump(
        tmp_path,
        {"@type": f"{TYPE}ListenersConfigDump", "dynamic_listeners": [{"name": "0.0.0.0_80", "active_state": state}]},
    )
    listener = "dynamic_listeners[0.0.0.0_80].active_state.listener"
    assert settings(loaded) == {
        f"{listener}.name": "l",
        f"{listener}.filter_chains[0].filters[hcm].a": "true",
        "dynamic_listeners.version_info": "v3",
    }
    assert loaded.rows("configuration")[0]["time"] == at("2026-03-03T09:00:00")


def test_the_pod_of_a_node_without_metadata(tmp_path: Path) -> None:
    row = dump(
        tmp_path, {"bootstrap": {"node": {"id": "router~10.0.0.1~web-1.shop~x"}}, "@type": f"{TYPE}BootstrapConfigDump"}
    ).row("configuration")
    assert (row["k8s_pod_name"], row["k8s_namespace_name"]) == ("web-1", "shop")


def test_secrets(tmp_path: Path) -> None:
    pair = {
        "certificate_chain": {"inline_bytes": "Y2VydA=="},
        "private_key": {"inline_bytes": "W3JlZGFjdGVkXQ=="},
        "password": {"inline_string": "hunter22"},
    }
    header = {"header": {"key": "x-api-key", "value": "hunter22"}}
    loaded = dump(
        tmp_path,
        {
            "@type": f"{TYPE}SecretsConfigDump",
            "dynamic_active_secrets": [{"name": "default", "secret": {"name": "default", "tls_certificate": pair}}],
        },
        {
            "@type": f"{TYPE}ClustersConfigDump",
            "static_clusters": [
                {
                    "cluster": {
                        "name": "a",
                        "private_key": {"inline_string": "hunter22"},
                        "add": [header],
                        "code": {"inline_string": "lua"},
                    }
                }
            ],
        },
    )
    secret = "dynamic_active_secrets[default].secret"  # noqa: S105 - a path
    assert settings(loaded) == {
        f"{secret}.name": "default",
        f"{secret}.tls_certificate.certificate_chain.inline_bytes": "[masked, 8 characters]",
        f"{secret}.tls_certificate.private_key.inline_bytes": "W3JlZGFjdGVkXQ==",
        f"{secret}.tls_certificate.password.inline_string": "[masked, 8 characters]",
        "static_clusters[a].cluster.name": "a",
        "static_clusters[a].cluster.private_key.inline_string": "[masked, 8 characters]",
        "static_clusters[a].cluster.add[0].header.key": "x-api-key",
        "static_clusters[a].cluster.add[0].header.value": "[masked, 8 characters]",
        "static_clusters[a].cluster.code.inline_string": "lua",
    }


@pytest.mark.parametrize(
    ("document", "reasons", "skipped"),
    [
        ({"configs": 5}, [(1, "no list of configurations")], {}),
        ({"configs": [5, {}, {"a": "b"}]}, [(1, "not an object")], {"empty configuration": 1}),
        ([], [(1, "no list of configurations")], {}),
    ],
)
def test_what_gives_no_row(tmp_path: Path, document: Any, reasons: Any, skipped: Any) -> None:
    loaded = load(tmp_path, json.dumps(document), format="envoy-config-dump")
    assert (loaded.reasons(), loaded.entry.skipped) == (reasons, skipped)
