"""Who did what: rollout events and the audit log in one order, equal actions once, the cluster's own noise left out."""

from __future__ import annotations

from typing import Any

from forensics.results import actions
from tests.results.context import context


def event(minute: int, kind: str, actor: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "time": f"2026-03-03T09:{minute:02}:00",
        "event_kind": kind,
        "actor": actor,
        "rollout_name": "checkout",
        **more,
    }


def audit(
    minute: int, who: str | None, action: str, kind: str, name: str = "shop/checkout", **more: Any
) -> dict[str, Any]:
    return {"time": f"2026-03-03T09:{minute:02}:00", "user_name": who, "event_action": action, "resource_kind": kind, "resource_name": name, **more}  # fmt: skip


def rows(*events: dict[str, Any], audits: tuple[dict[str, Any], ...] = ()) -> list[tuple[Any, ...]]:
    built = actions.build(context(rollout_events=list(events), auth_events=list(audits)))
    return [(row["actor"], row["action"], row["object"], row["times"], row["outcome"]) for row in built["actions"]]


def test_events_and_audit_records_stand_in_one_order() -> None:
    found = rows(
        event(1, "started", "argo"), event(9, "promoted", "anna"), audits=(audit(5, "anna", "patch", "rollouts"),)
    )
    assert found == [
        ("argo", "started", "checkout", 1, ""),
        ("anna", "patch", "rollouts shop/checkout", 1, ""),
        ("anna", "promoted", "checkout", 1, ""),
    ]


def test_equal_actions_of_one_actor_are_one_row_with_first_and_last() -> None:
    built = actions.build(context(auth_events=[audit(m, "bot", "update", "deployments") for m in (7, 3, 5)]))
    (row,) = built["actions"]
    assert (row["times"], row["first"], row["last"]) == (3, "2026-03-03T09:03:00Z", "2026-03-03T09:07:00Z")


def test_what_the_cluster_does_itself_and_plain_reads_are_left_out() -> None:
    audits = (
        audit(1, "system:kube-controller-manager", "update", "deployments"),
        audit(2, "system:serviceaccount:argo:argo-rollouts", "patch", "rollouts"),
        audit(3, "system:serviceaccount:argo:argo-rollouts", "patch", "rollouts/status"),
        audit(4, "anna", "get", "deployments"),
        audit(5, "anna", "list", "secrets"),
        audit(6, "anna", "create", "pods/exec", authorization_decision="forbid", event_outcome="failure"),
        audit(7, "anna", "delete", "leases"),
        audit(8, "anna", "login", ""),
        audit(9, None, "patch", "rollouts", event_outcome="failure"),
    )
    assert rows(audits=audits) == [
        ("system:serviceaccount:argo:argo-rollouts", "patch", "rollouts shop/checkout", 1, ""),
        ("anna", "list", "secrets shop/checkout", 1, ""),
        ("anna", "create", "pods/exec shop/checkout", 1, "refused"),
        ("", "patch", "rollouts shop/checkout", 1, "failed"),
    ]


def test_measurements_and_states_are_no_actions_and_weights_are_rows_of_their_own() -> None:
    found = rows(
        event(1, "weight_set", "argo", canary_weight=5.0), event(2, "weight_set", "argo", canary_weight=25.0),
        event(3, "measurement"), event(4, "state"), event(5, "note"), {"event_kind": "aborted"}, {"time": "2026-03-03T09:00:00"},
    )  # fmt: skip
    assert [row[1] for row in found] == ["weight set", "weight set"]


def sentence(*events: dict[str, Any]) -> str:
    return str(actions.build(context(rollout_events=list(events)))["sentence"])


def test_who_approved() -> None:
    assert sentence() == "No rollout events and no audit log of the cluster: who approved and did what is not known."
    assert sentence(event(1, "started")).startswith("No record tells of an approval")
    assert (
        sentence(event(2, "promoted", "bert"), event(1, "resumed", "anna"))
        == "Approved by anna, bert; first 2026-03-03 09:01:00 UTC."
    )
    assert sentence(event(1, "promoted")) == "Approved by somebody whom no record names; first 2026-03-03 09:01:00 UTC."


def test_a_controller_approves_nothing_and_the_audit_log_says_who_did() -> None:
    def told(*audits: dict[str, Any]) -> str:
        resumed = event(9, "resumed", "rollouts-controller", observer="kubernetes")
        return str(actions.build(context(rollout_events=[resumed], auth_events=list(audits)))["sentence"])

    assert told().startswith("Approved by somebody whom no record names")
    assert told(audit(9, "anna", "patch", "rollouts")).startswith("Approved by anna; first 2026-03-03 09:09:00")
    others = (
        audit(7, "early", "patch", "rollouts"),
        audit(9, "reader", "get", "rollouts"),
        audit(9, "refused", "patch", "rollouts", event_outcome="failure"),
        audit(9, "system:serviceaccount:argo:argo-rollouts", "patch", "rollouts"),
    )
    assert told(*others).startswith("Approved by somebody whom no record names")


def test_a_cut_list_tells_the_total() -> None:
    built = actions.build(context(rollout_events=[event(1, "paused", f"a{n:03}") for n in range(310)]))
    assert (len(built["actions"]), built["total"]) == (300, 310)
