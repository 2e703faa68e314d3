"""Kubernetes objects that configure a release."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from forensics.importers._configuration import MAX_DEPTH, is_secret_name, leaves, masked, shown, written
from tests.ingest.helpers import Loaded, at, load

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  uid: 1
  resourceVersion: "7"
  creationTimestamp: "2026-03-03T09:00:00Z"
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"secret": 1}'
  labels: {app: web, app.kubernetes.io/version: 2.4.0}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: web
        image: registry:5000/web:2.4.0
        args: ["--port=80", "--db-password=hunter22"]
        env:
        - {name: LOG_LEVEL, value: debug}
        - {name: DB_PASSWORD, value: hunter22}
        - {name: DATABASE, value: "postgres://app:hunter22@db/x"}
        - name: API_KEY
          valueFrom: {secretKeyRef: {name: api, key: token}}
        emptyDir: {}
        tty: false
        note: null
status: {replicas: 3}
"""


def settings(loaded: Loaded) -> dict[str, str | None]:
    return {row["configuration_key"]: row["configuration_value"] for row in loaded.rows("configuration")}


def manifest(kind: str, version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "web", "namespace": "shop"}, **more}


def test_a_workload(tmp_path: Path) -> None:
    loaded = load(tmp_path, DEPLOYMENT)
    web = "spec.template.spec.containers[web]"
    assert settings(loaded) == {
        "metadata.labels.app": "web",
        "metadata.labels.app.kubernetes.io/version": "2.4.0",
        "spec.replicas": "3",
        f"{web}.image": "registry:5000/web:2.4.0",
        f"{web}.args[0]": "--port=80",
        f"{web}.args[1]": "--db-password=[masked, 8 characters]",
        f"{web}.env[LOG_LEVEL].value": "debug",
        f"{web}.env[DB_PASSWORD].value": "[masked, 8 characters]",
        f"{web}.env[DATABASE].value": "postgres://[masked, 12 characters]@db/x",
        f"{web}.env[API_KEY].valueFrom.secretKeyRef.name": "api",
        f"{web}.env[API_KEY].valueFrom.secretKeyRef.key": "token",
        f"{web}.emptyDir": "{}",
        f"{web}.tty": "false",
        f"{web}.note": None,
    }
    first = loaded.rows("configuration")[0]
    expected = {
        "observer": "kubernetes",
        "time": at("2026-03-03T09:00:00"),
        "time_raw": "2026-03-03T09:00:00Z",
        "k8s_namespace_name": "shop",
        "service_name": "web",
        "service_version": "2.4.0",
        "source_document": "Deployment/shop/web",
        "record_no": 1,
    }
    assert {key: first[key] for key in expected} == expected


def test_the_release_by_template_and_image(tmp_path: Path) -> None:
    template = {
        "metadata": {"labels": {"pod-template-hash": "abc", "app": "web"}},
        "spec": {"containers": [{"name": "a", "image": "web:2.5"}]},
    }
    row = load(tmp_path, json.dumps(manifest("ReplicaSet", "apps/v1", spec={"template": template}))).rows(
        "configuration"
    )[0]
    assert (row["service_version"], row["service_name"]) == ("2.5", "web")
    assert json.loads(row["attributes"]) == {"api_version": "apps/v1", "revision": "abc"}


def test_the_hash_of_a_revision_is_no_setting(tmp_path: Path) -> None:
    labels = {"rollouts-pod-template-hash": "abc", "app": "web"}
    thing = manifest("ReplicaSet", "apps/v1", spec={"selector": {"matchLabels": labels}})
    assert settings(load(tmp_path, json.dumps(thing))) == {"spec.selector.matchLabels.app": "web"}


def test_a_config_map_and_a_secret(tmp_path: Path) -> None:
    config = manifest(
        "ConfigMap",
        data={"LEVEL": "info", "SESSION_SECRET": "abcd", "app.properties": "a=1\ndb.password=hunter22\ntoken: x\n"},
    )
    secret = manifest("Secret", data={"plain": "aHVudGVyMjI=", "empty": ""}, stringData={"user": "jane"}, type="Opaque")
    loaded = load(tmp_path, json.dumps({"apiVersion": "v1", "kind": "List", "items": [config, secret]}))
    found = [
        (row["record_no"], row["configuration_key"], row["configuration_value"]) for row in loaded.rows("configuration")
    ]
    assert found == [
        (1, "data.LEVEL", "info"),
        (1, "data.SESSION_SECRET", "[masked, 4 characters]"),
        (1, "data.app.properties", "a=1\ndb.password=[masked, 8 characters]\ntoken: [masked, 1 characters]\n"),
        (2, "data.plain", "[masked, 12 characters]"),
        (2, "data.empty", ""),
        (2, "stringData.user", "[masked, 4 characters]"),
        (2, "type", "Opaque"),
    ]


@pytest.mark.parametrize(
    "data", ["hunter22", ["hunter22"], {"a": {"b": ["hunter22"]}}, [{"name": "x", "value": "hunter22"}]]
)
def test_no_shape_of_a_secret_gets_through(tmp_path: Path, data: Any) -> None:
    loaded = load(tmp_path, json.dumps(manifest("Secret", data=data)))
    assert "hunter22" not in json.dumps(settings(loaded))
    assert "[masked, 8 characters]" in settings(loaded).values()


def test_a_mixed_list(tmp_path: Path) -> None:
    """`kubectl get all`: each kind by its reader, what nobody reads is counted."""
    pod = manifest("Pod", status={"podIP": "10.0.0.1"})
    loaded = load(
        tmp_path,
        json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": [pod, manifest("Service", spec={"a": 1}), manifest("Node")]}
        ),
    )
    assert (loaded.numbers("identities"), loaded.numbers("configuration")) == ([1], [2])
    assert loaded.entry.skipped == {"kind Node": 1}


def test_an_object_that_says_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, json.dumps(manifest("Secret"))).entry.skipped == {"object without settings": 1}


def test_routing(tmp_path: Path) -> None:
    route = {
        "route": [{"destination": {"host": "web", "subset": "canary"}, "weight": 5}],
        "headers": {"request": {"set": {"Authorization": "Basic amFuZTpoMg=="}}},
    }
    loaded = load(
        tmp_path, json.dumps(manifest("VirtualService", "networking.istio.io/v1beta1", spec={"http": [route]}))
    )
    assert settings(loaded) == {
        "spec.http[0].route[0].destination.host": "web",
        "spec.http[0].route[0].destination.subset": "canary",
        "spec.http[0].route[0].weight": "5",
        "spec.http[0].headers.request.set.Authorization": "[masked, 18 characters]",
    }


# Masking


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("postgres://u:p@h/x", "postgres://[masked, 3 characters]@h/x"),
        ("https://host/a:b@c", "https://host/a:b@c"),
        ("Authorization: Bearer abcdefghijk", "Authorization: [masked, 6 characters] [masked, 11 characters]"),
        ("AKIAABCDEFGHIJKLMNOP", "[masked, 20 characters]"),
        ("x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y", "x [masked, 65 characters] y"),
        ("-----BEGIN PRIVATE KEY-----\ncut", "[masked, 31 characters]"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.sig", "[masked, 29 characters]"),
        ('{"apiKey": "a b"}', '{"apiKey": "[masked, 3 characters]"}'),
        ("--token abc --port 80", "--token [masked, 3 characters] --port 80"),
        ("password=${DB_PASSWORD}", "password=${DB_PASSWORD}"),
        ("token_enabled: true", "token_enabled: true"),
        ("level=debug", "level=debug"),
        ("  client-key-data: LS0tLS1CRUdJTg==", "  client-key-data: [masked, 16 characters]"),
    ],
)  # fmt: skip
def test_what_a_value_shows(value: str, expected: str) -> None:
    assert shown(value) == expected


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "apiKey",
        "KEY",
        "ssh_key",
        "accessToken",
        "SENTRY_DSN",
        "clientSecret",
        "PGPASSWORD",
        "signing-keys",
        "MY_PWD",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["LEVEL", "monkey", "keyspace", "KEYSTORE_PATH", "passive", "timeout", "author"])
def test_names_of_others(name: str) -> None:
    assert not is_secret_name(name)


def test_masked_keeps_what_is_no_secret() -> None:
    assert [masked(value) for value in ("", "true", "$(DB)", "[redacted]", "abc")] == [
        "",
        "true",
        "$(DB)",
        "[redacted]",
        "[masked, 3 characters]",
    ]


def test_hostile_texts_take_no_quadratic_time() -> None:
    start = time.process_time()
    for part in (
        "eyJ-",
        "secret",
        "a.",
        "://a:",
        "-----BEGIN ",
        "token=",
        "--secret ",
        '"',
        "Bearer ",
        "password:",
        "x" * 99 + "secret ",
    ):
        shown(part * (200_000 // len(part)))
    assert time.process_time() - start < 10


# Leaves


def test_paths() -> None:
    tree = {
        "a": {"b": [{"name": "x", "v": 1}, {"name": "x", "v": 2}, {"name": "y"}, 5, [7]]},
        "c": [],
        "d": {},
        "e": {"name": "z", "v": None},
    }
    assert [(path, written(value)) for path, _, value in leaves(tree)] == [
        ("a.b[x].v", "1"),
        ("a.b[x (2)].v", "2"),
        ("a.b[y].name", "y"),
        ("a.b[3]", "5"),
        ("a.b[4][0]", "7"),
        ("c", "[]"),
        ("d", "{}"),
        ("e.name", "z"),
        ("e.v", None),
    ]


def test_depth_and_length_are_bounded() -> None:
    tree: Any = 1
    for _ in range(5_000):
        tree = {"k" * 300: tree}
    ((path, _, value),) = leaves(tree)
    assert (len(path), value) == (1000, "[nested too deeply]")
    assert MAX_DEPTH == 100
