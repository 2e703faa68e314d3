"""Which records a finding concerns, as SELECTs over the case's views; values are bound, names are fixed.

A scope gives one row a record: who asked (`user_id`, `session_id`, `client_address`, `user_role`) and `record_id`. Scopes count everything
the canary did, not what it did after the onset: the onset is when the evidence first shows it, and requests before it were answered by
the same code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from forensics.store import literal

Kind = Literal["content", "access", "outbound", "other"]
# Classes of content patterns that are personal data whatever they stand in.
PERSONAL_CLASSES = ("pii", "payment_card", "bank_account", "national_id")
_ROW = "user_id, session_id, client_address, user_role, record_id"
_STATUS = "http_response_status_code"


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT with its values."""

    sql: str
    parameters: Mapping[str, Any]

    def text(self) -> str:
        """Return the SELECT with the values written in, as `canary-forensics sql` takes it; in one pass, so that no value is read as a name."""
        return re.sub(r"\$([a-z]\w*)", lambda found: literal(self.parameters[found[1]]), self.sql)

    def over(self, outer: str) -> Query:
        """Return `outer` with this SELECT in the place of `{scope}`."""
        return Query(outer.replace("{scope}", self.sql), self.parameters)


@dataclass(frozen=True, slots=True)
class Subject:
    """A finding with the conditions that find its records; `number` tells its parameters from those of others."""

    finding: Mapping[str, Any]
    number: int

    @property
    def id(self) -> str:
        """Id of the finding."""
        return str(self.finding["id"])

    @property
    def kind(self) -> Kind:
        """What the finding is about: contents of answers, answers that should have been refused, or what was sent elsewhere."""
        entity = self.finding["entity"]
        if "destination" in entity:
            return "outbound"
        if "route" not in entity:
            return "other"
        shown = {"json_path", "pattern"} & set(entity) or self.finding["family"] == "disclosure"
        return "content" if shown else "access"

    @property
    def place(self) -> tuple[Any, Any]:
        """Method and route."""
        return self.finding["entity"].get("http_request_method"), self.finding["entity"].get("route")

    @property
    def parameters(self) -> dict[str, Any]:
        """Values by name; the kind of caller comes from what the detector told."""
        told = {key: value for key, value in self.finding["entity"].items() if key in _KEYS}
        if self.kind == "access" and isinstance(self.finding["details"].get("principal"), str):
            told["principal"] = self.finding["details"]["principal"]
        return {f"{_KEYS[key]}_{self.number}": value for key, value in told.items()}

    def has(self, key: str) -> bool:
        """Say whether the finding names something."""
        return f"{key}_{self.number}" in self.parameters


_KEYS = {
    "http_request_method": "method", "route": "route", "json_path": "json_path", "pattern": "pattern", "principal": "principal",
    "destination": "destination", "destination_port": "port",
}  # fmt: skip


def answers(subject: Subject, alias: str) -> str:
    """Return the condition for answers of the finding's route; of an access finding those that gave what was asked for."""
    parts = [f"{alias}.cohort = 'canary'"]
    parts += [
        f"{alias}.{column} is not distinct from ${name}_{subject.number}"
        for column, name in (("http_request_method", "method"), ("route", "route"))
        if subject.has(name)
    ]
    if subject.kind == "access":
        parts.append(f"{alias}.{_STATUS} between 200 and 299")
    if subject.has("principal"):
        parts.append(f"{alias}.principal_kind = $principal_{subject.number}")
    return " and ".join(parts)


def _matching(subject: Subject) -> str:
    """Return the condition for patterns found in those answers."""
    parts = [answers(subject, "m")]
    if subject.has("pattern"):
        parts.append(f"m.pattern = $pattern_{subject.number}")
    else:
        parts.append(f"m.pattern_class in ({', '.join(map(literal, PERSONAL_CLASSES))})")
    if subject.has("json_path"):
        parts.append(f"m.json_path = $json_path_{subject.number}")
    return " and ".join(parts)


def matches(subject: Subject) -> Query:
    """Return the patterns found in sampled answers, one row a value and answer."""
    return Query(
        f"select m.evidence_id, m.record_id, m.pattern, m.value_ordinal from matches m where {_matching(subject)}",
        subject.parameters,
    )


def sampled(subject: Subject) -> Query:
    """Return the sampled answers that show personal data."""
    return Query(
        f"select {_ROW} from exchanges e where {answers(subject, 'e')} and e.record_id in (select m.record_id from matches m where {_matching(subject)})",
        subject.parameters,
    )


def requested(subject: Subject) -> Query:
    """Return the requests of the access log that were answered so.

    Of a content finding those whose status a sample shows the data with, and those whose status was never sampled: nobody knows what these held.
    """
    condition = answers(subject, "r")
    if subject.kind == "content":
        shown = f"select 1 from matches m where {_matching(subject)} and m.{_STATUS} = r.{_STATUS}"
        seen = f"select 1 from exchange_facts e where {answers(subject, 'e')} and e.{_STATUS} = r.{_STATUS}"
        condition += f" and (exists ({shown}) or not exists ({seen}))"
    return Query(f"select {_ROW} from requests r where {condition}", subject.parameters)


def sampling(subject: Subject) -> Query:
    """Return one row: the share of those answers that were sampled, how many were, and how many there are."""
    condition = answers(subject, "e")
    if subject.kind == "content":
        condition += f" and exists (select 1 from matches m where {_matching(subject)} and m.{_STATUS} = e.{_STATUS})"
    sql = (
        "select sampled / nullif(answers, 0) as value, sampled, answers "
        f"from (select count(*) as sampled from exchange_facts e where {condition}) cross join (select count(*) as answers from ({{scope}}))"
    )
    return requested(subject).over(sql)


def _sent(subject: Subject) -> str:
    number = subject.number
    port = f" and o.destination_port is not distinct from $port_{number}" if subject.has("port") else ""
    return f"select o.* from outbound_named o where o.cohort = 'canary' and o.destination = $destination_{number}{port}"


def sent(subject: Subject) -> Query:
    """Return one row: bytes that were sent to the destination, and connections."""
    return Query(
        f"select sum(source_bytes)::bigint as value, count(*) as connections from ({_sent(subject)})",
        subject.parameters,
    )


def handled(subject: Subject) -> Query:
    """Return the requests that the sending pods had answered by the end of the last connection."""
    sends = _sent(subject)
    sql = (
        f"select {_ROW} from requests r where r.cohort = 'canary' and not r.is_synthetic "
        f"and r.time <= (select max(coalesce(s.end_time, s.time)) from ({sends}) s) "
        f"and (r.k8s_pod_name is null or exists (select 1 from ({sends}) s where s.k8s_pod_name is null or s.k8s_pod_name = r.k8s_pod_name))"
    )
    return Query(sql, subject.parameters)


def served() -> Query:
    """Return every request that the canary answered, without the team's own checks."""
    return Query(f"select {_ROW} from requests r where r.cohort = 'canary' and not r.is_synthetic", {})


def together(scopes: Sequence[Query]) -> Query:
    """Return the rows of several scopes."""
    return Query(
        " union all ".join(f"({scope.sql})" for scope in scopes),
        {key: value for scope in scopes for key, value in scope.parameters.items()},
    )
