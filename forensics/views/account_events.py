"""Events of identity providers that came as application logs: rows of `app_logs` read as `auth_events`, as `[[auth_event]]` of canary.toml says.

Facts stay what they are; a changed mapping reads no evidence again. A source is a column of `app_logs`, or a dotted name in what its importer left
in `attributes`. The first mapping that takes a record wins.
"""

from __future__ import annotations

import json

from forensics.config import AuthEvent, Config
from forensics.schema import TABLES
from forensics.store import Store, literal, name

_KEPT = ("evidence_id", "record_no", "record_offset", "record_id", "time", "time_raw", "service_name", "service_version", "k8s_namespace_name", "k8s_pod_name", "trace_id", "attributes")  # fmt: skip


def account_events(store: Store, config: Config) -> None:
    """Put the mapped records beside the rows of `facts.auth_events`; macros must be there."""
    if not config.auth_event:
        return
    kind = store.value(
        "select table_type from information_schema.tables where table_schema = 'facts' and table_name = 'auth_events'"
    )
    store.execute(f"alter {'view' if kind == 'VIEW' else 'table'} facts.auth_events rename to own_auth_events")
    columns = ", ".join(map(name, (*TABLES["auth_events"].types, "record_id")))
    parts = [f"select {columns} from facts.own_auth_events"]
    taken: list[str] = []
    for rule in config.auth_event:
        mine = _condition(rule)
        free = "".join(f" and not coalesce({other}, false)" for other in taken)
        parts.append(f"select {_columns(rule)} from facts.app_logs where {mine}{free}")
        taken.append(mine)
    store.execute(f"create view facts.auth_events as {' union all '.join(parts)}")


def _condition(rule: AuthEvent) -> str:
    """Return which records a mapping takes: those that have its action, of its logger where one is named."""
    logger = f" and logger_name glob {literal(rule.logger)}" if rule.logger else ""
    return f"({_source(rule.columns['event_action'])} is not null{logger})"


def _columns(rule: AuthEvent) -> str:
    own = {**dict.fromkeys(_KEPT), **{column: _value(column, source) for column, source in rule.columns.items()}}
    own |= {"observer": literal(rule.name), "event_outcome": _outcome(rule)}
    kinds = TABLES["auth_events"].types | {"record_id": "VARCHAR"}
    return ", ".join(
        f"{(own[column] or name(column)) if column in own else 'null'}::{kind} as {name(column)}"
        for column, kind in kinds.items()
    )


def _value(column: str, source: str) -> str:
    kind = TABLES["auth_events"].types[column]
    if kind == "VARCHAR[]":
        return f"coalesce(claim_texts(attributes, {_place(source)}), case when {_source(source)} is not null then [{_source(source)}] end)"
    return f"try_cast({_source(source)} as {kind})"


def _source(source: str) -> str:
    if source in TABLES["app_logs"].types:
        return f"{name(source)}::varchar"
    return f"json_extract_string(attributes, {_place(source)})"


def _place(source: str) -> str:
    return literal("$" + "".join(f".{json.dumps(part)}" for part in source.split(".")))


def _outcome(rule: AuthEvent) -> str:
    """Return success or failure: what the record says, or by the globs over its action; any error is a failure."""
    action, said = _source(rule.columns["event_action"]), rule.columns.get("event_outcome")
    failed = " or ".join(f"{action} glob {literal(glob)}" for glob in rule.failure) or "false"
    if said is None:
        return f"case when {failed} then 'failure' else 'success' end"
    word = f"lower({_source(said)})"
    return (
        f"case when {failed} then 'failure' when {word} in ('success', 'succeeded', 'ok', 'true', 'allow', 'allowed', 'granted') then 'success' "
        f"when {word} is null then 'unknown' else 'failure' end"
    )
