"""Audit log of the Kubernetes API server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.case import create
from forensics.ingest import Options, ingest
from tests.ingest.helpers import at, attributes, lines, load

EVENT: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "a-1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/pods/web-1/exec?command=sh&stdin=true",
    "verb": "create",
    "user": {"username": "jane", "uid": "u1", "groups": ["dev", "system:authenticated"]},
    "sourceIPs": ["203.0.113.7", "10.0.0.1"],
    "userAgent": "kubectl/v1.30.0",
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1", "subresource": "exec"},
    "responseStatus": {"metadata": {}, "code": 101},
    "requestReceivedTimestamp": "2026-03-03T09:00:00.123456Z",
    "stageTimestamp": "2026-03-03T09:00:05.000000Z",
    "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: allowed by x"},
}


def one(tmp_path: Path, **changed: Any) -> dict[str, Any]:
    loaded = load(tmp_path, lines({**EVENT, **changed}))
    assert loaded.entry.format == "kubernetes-audit"
    return loaded.row("auth_events")


def test_an_event(tmp_path: Path) -> None:
    row = one(tmp_path)
    expected = {
        "observer": "kubernetes.audit",
        "time": at("2026-03-03T09:00:00.123456"),
        "time_raw": "2026-03-03T09:00:00.123456Z",
        "k8s_namespace_name": "shop",
        "k8s_pod_name": None,
        "event_action": "create pods/exec",
        "event_outcome": "success",
        "event_reason": "RBAC: allowed by x",
        "user_id": "u1",
        "user_name": "jane",
        "user_roles": ["dev", "system:authenticated"],
        "client_address": "203.0.113.7",
        "user_agent_original": "kubectl/v1.30.0",
        "url_path": "/api/v1/namespaces/shop/pods/web-1/exec",
        "http_response_status_code": 101,
        "resource_kind": "pods/exec",
        "resource_name": "shop/web-1",
        "authorization_decision": "allow",
    }
    assert {key: row[key] for key in expected} == expected
    kept = attributes(row)
    assert (kept["audit_id"], kept["url_query"]) == ("a-1", "command=sh&stdin=true")
    assert kept["source_addresses"] == ["203.0.113.7", "10.0.0.1"]


@pytest.mark.parametrize(
    ("changed", "outcome", "decision"),
    [
        ({"annotations": {"authorization.k8s.io/decision": "forbid"}, "responseStatus": {"code": 403}}, "failure", "forbid"),
        ({"responseStatus": {"code": 404}}, "failure", "allow"),
        ({"responseStatus": {}}, "unknown", "allow"),
        ({"stage": "Panic", "responseStatus": None}, "failure", "allow"),
        ({"annotations": None}, "success", None),
    ],
)  # fmt: skip
def test_outcomes(tmp_path: Path, changed: dict[str, Any], outcome: str, decision: str | None) -> None:
    row = one(tmp_path, **changed)
    assert (row["event_outcome"], row["authorization_decision"]) == (outcome, decision)


def test_what_has_no_object(tmp_path: Path) -> None:
    row = one(tmp_path, verb="get", requestURI="/healthz", objectRef=None)
    assert (row["event_action"], row["resource_kind"], row["resource_name"], row["url_path"]) == (
        "get",
        None,
        None,
        "/healthz",
    )


def test_the_pod_whose_token_asked(tmp_path: Path) -> None:
    user = {
        "username": "system:serviceaccount:shop:web",
        "groups": ["system:serviceaccounts"],
        "extra": {"authentication.kubernetes.io/pod-name": ["web-canary-1"]},
    }
    reference = {"resource": "secrets", "namespace": "vault", "name": "db"}
    row = one(tmp_path, user=user, objectRef=reference, verb="get")
    assert (row["k8s_pod_name"], row["k8s_namespace_name"]) == ("web-canary-1", "shop")
    assert (row["event_action"], row["resource_kind"], row["resource_name"]) == ("get", "secrets", "vault/db")


def test_other_stages_are_skipped_and_counted(tmp_path: Path) -> None:
    stages = ["RequestReceived", "ResponseComplete", "ResponseStarted", "RequestReceived", "Later"]
    loaded = load(tmp_path, lines(*({**EVENT, "stage": stage} for stage in stages), ""))
    assert loaded.entry.skipped == {"blank": 1, "stage RequestReceived": 2, "stage ResponseStarted": 1}
    assert loaded.numbers("auth_events") == [2]
    assert loaded.reasons() == [(5, "no stage of an audit event")]


def test_skipped_records_alone_make_no_rejects(tmp_path: Path) -> None:
    loaded = load(tmp_path, lines({**EVENT, "stage": "RequestReceived"}, EVENT))
    assert (loaded.entry.rejected, loaded.entry.accepted, "rejects" in loaded.entry.rows) == (0, 1, False)


def test_a_log_that_grows_counts_what_is_new(tmp_path: Path) -> None:
    """Skipped records of the part that was read before are not counted again."""
    case, log = create(tmp_path / "a.case"), tmp_path / "audit.log"
    skipped = {**EVENT, "stage": "RequestReceived"}
    log.write_text(lines(EVENT, skipped, "5") * 20)
    ingest(case, [log], Options(threads=2))
    log.write_text(lines(EVENT, skipped, "5") * 20 + lines(skipped, EVENT, "5", skipped))
    (entry,) = ingest(case, [log], Options(threads=2))
    assert entry.continues
    assert (entry.records, entry.accepted, entry.rejected, entry.skipped) == (4, 1, 1, {"stage RequestReceived": 2})


def test_a_record_of_azure(tmp_path: Path) -> None:
    wrapped = [
        {"time": "t", "category": "kube-audit", "properties": {"log": json.dumps(event), "pod": "kube-apiserver-0"}}
        for event in (EVENT, {**EVENT, "stage": "RequestReceived"})
    ]
    loaded = load(tmp_path, lines(*wrapped, EVENT, {**wrapped[0], "properties": {"log": "{"}}))
    rows = loaded.rows("auth_events")
    assert [row["event_action"] for row in rows] == ["create pods/exec"] * 2
    assert attributes(rows[0])["wrapper"] == {
        "time": "t",
        "category": "kube-audit",
        "properties": {"pod": "kube-apiserver-0"},
    }
    assert "wrapper" not in attributes(rows[1])
    assert loaded.entry.skipped == {"stage RequestReceived": 1}
    assert loaded.reasons() == [(4, "not a JSON object")]


def test_what_is_refused(tmp_path: Path) -> None:
    listed = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [EVENT]}
    timeless = {**EVENT, "requestReceivedTimestamp": "soon", "stageTimestamp": None}
    loaded = load(tmp_path, lines(EVENT, listed, timeless, {**EVENT, "apiVersion": "v1"}))
    assert loaded.reasons() == [
        (2, "a list of events: write one a line, for instance with jq -c '.items[]'"),
        (3, "requestReceivedTimestamp is missing or not a time"),
        (4, "not of the audit API"),
    ]


def test_wrong_types_are_kept(tmp_path: Path) -> None:
    row = one(
        tmp_path, responseStatus={"code": "many"}, user={"username": "a", "groups": "dev"}, sourceIPs=7, own={"a": 1}
    )
    kept = attributes(row)
    assert (row["http_response_status_code"], row["user_roles"], row["client_address"]) == (None, None, None)
    assert kept["_invalid"] == {"http_response_status_code": "many", "user_roles": '"dev"'}
    assert (kept["own"], kept["source_addresses"]) == ({"a": 1}, 7)
