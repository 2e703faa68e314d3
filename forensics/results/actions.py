"""Who approved and did what, when: people and controllers, from rollout events and the audit log of the cluster.

An approval is what let the rollout go on: resumed after a pause, or promoted. Controllers report that it happened; who did it is the account
that changed the rollout in the minute before, by the audit log, or the actor of an event that no controller wrote. From the audit log come changes of
what decides what runs, who reaches it and what it may do, sessions inside pods, and reads of secrets; the cluster's own components
(`system:` names that are no service account) are left out. Equal actions of one actor are one row.
"""

from __future__ import annotations

from typing import Any

from forensics.findings import moment
from forensics.results.context import Context

MAX_ROWS = 300
_APPROVALS = ("resumed", "promoted")
_EVENTS = """
select min(time) as first, max(time) as last, 'rollout event' as source, coalesce(actor, '') as actor, event_kind as action,
    coalesce(rollout_name, '') as object, '' as outcome, count(*) as times, min(message) as message
from rollout_events
where event_kind is not null and event_kind not in ('note', 'measurement', 'state') and time is not null
group by actor, event_kind, rollout_name, canary_weight
"""
_AUDIT = """
select min(time) as first, max(time) as last, 'audit log' as source, coalesce(user_name, user_id, '') as actor, split_part(event_action, ' ', 1) as action,
    concat_ws(' ', resource_kind, resource_name) as object,
    case when authorization_decision = 'forbid' then 'refused' when event_outcome = 'failure' then 'failed' else '' end as outcome,
    count(*) as times, null as message
from observed.auth_events
where resource_kind is not null and time is not null
    and not (starts_with(coalesce(user_name, ''), 'system:') and not starts_with(user_name, 'system:serviceaccount:'))
    and (
        regexp_full_match(split_part(resource_kind, '/', 1), $kinds) and regexp_matches(event_action, '^(create|update|patch|delete)')
            and not regexp_matches(resource_kind, '/status$')
        or regexp_full_match(resource_kind, 'pods/(exec|attach|portforward|ephemeralcontainers)')
        or resource_kind = 'secrets' and regexp_matches(event_action, '^(get|list|watch)')
    )
group by all
"""
_APPROVERS = """
select e.time, coalesce(
    (select max_by(coalesce(a.user_name, a.user_id), (a.time, a.record_id))
    from observed.auth_events a
    where a.time between e.time - interval 1 minute and e.time and a.resource_kind in ('rollouts', 'canaries')
        and regexp_matches(a.event_action, '^(patch|update)') and coalesce(a.event_outcome, '') <> 'failure'
        and not starts_with(coalesce(a.user_name, ''), 'system:')),
    case when e.observer is distinct from 'kubernetes' then e.actor end)
from rollout_events e
where e.event_kind = any($kinds) and e.time is not null
order by e.time, 2
"""
# What decides which version runs (apps, Argo, Flagger), who reaches it (Istio, Gateway API, Ingress), and what it may do.
_KINDS = (
    "rollouts|analysisruns|analysistemplates|experiments|canaries|deployments|statefulsets|daemonsets|replicasets|pods|configmaps|secrets|"
    "services|ingresses|virtualservices|destinationrules|envoyfilters|gateways|httproutes|grpcroutes|networkpolicies|authorizationpolicies|"
    "peerauthentications|requestauthentications|roles|rolebindings|clusterroles|clusterrolebindings|serviceaccounts|"
    "mutatingwebhookconfigurations|validatingwebhookconfigurations"
)


def build(context: Context) -> dict[str, Any]:
    """Return the actions in order of time; `total` counts all of them where the list is cut."""
    sql = f"select * from ({_EVENTS} union all {_AUDIT}) order by first, last, source, actor, action, object, outcome, message"
    rows = [_row(*values) for values in context.sandbox.rows(sql, {"kinds": _KINDS})]
    return {"actions": rows[:MAX_ROWS], "total": len(rows), "sentence": _sentence(context, rows)}


def _row(first: Any, last: Any, *rest: Any) -> dict[str, Any]:
    row = dict(zip(("source", "actor", "action", "object", "outcome", "times", "message"), rest, strict=True))
    is_approval = row["source"] == "rollout event" and row["action"] in _APPROVALS
    told = {"action": row["action"].replace("_", " "), "message": row["message"] or "", "is_approval": is_approval}
    return {"first": moment(first), "last": moment(last), **row, **told}


def _sentence(context: Context, rows: list[dict[str, Any]]) -> str:
    """Say in one sentence who let the rollout go on."""
    if not rows:
        return "No rollout events and no audit log of the cluster: who approved and did what is not known."
    approvals = context.sandbox.rows(_APPROVERS, {"kinds": list(_APPROVALS)})
    if not approvals:
        return "No record tells of an approval: the rollout went on by its own steps, or was approved where no log of this case looks."
    named = sorted({who for _, who in approvals if who})
    who = ", ".join(named) if named else "somebody whom no record names"
    return f"Approved by {who}; first {moment(approvals[0][0])[:19].replace('T', ' ')} UTC."
