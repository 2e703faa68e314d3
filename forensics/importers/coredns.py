"""CoreDNS query log, the default format of its `log` plugin, behind whatever wrote the time.

Format: coredns.io/plugins/log/. CoreDNS writes no time itself: it is taken from what stands before, as container runtimes (CRI), Docker's
json-file and `kubectl logs --timestamps` put it there; a line without one is refused. Lines of other plugins are counted. Answers are not in this
log: names, codes and sizes are.
"""

from __future__ import annotations

import re
from pathlib import Path

from forensics.importers.contract import Head, LinePlan
from forensics.store import literal

NAME = "coredns"
TABLES = ("dns_queries",)
OBSERVER = "coredns"

_QUERY = r"\[INFO\] (\[[0-9a-fA-F:.%\w]+\]|[^\s:]+):(\d+) - (\d+) \\?\"(\S+) (\S+) (\S+) (\S+) (\d+) (true|false) (\d+)\\?\" (\S+) (\S+) (\d+) ([0-9.e-]+)s"
_NAMES = [
    "address",
    "port",
    "id",
    "type",
    "class",
    "name",
    "transport",
    "size",
    "do_bit",
    "buffer",
    "code",
    "flags",
    "answer_size",
    "seconds",
]
_LINE = re.compile(_QUERY)
# Other lines of CoreDNS itself.
_OTHER = re.compile(r"\[(?:INFO|WARNING|ERROR|FATAL|PANIC|DEBUG)\] plugin/|^CoreDNS-|\.:\d+$")
_CRI = r"^(\d{4}-\d\d-\d\dT\S+)"
_DOCKER = r'"time":\s*"([^"]+)"'


def recognise(head: Head) -> int:
    """Score by the share of lines that are queries, or other lines beside at least one."""
    if not head.lines:
        return 0
    queries = sum(bool(_LINE.search(line)) for line in head.lines)
    others = sum(bool(_OTHER.search(line)) for line in head.lines) if queries else 0
    return round(94 * (queries + others) / len(head.lines))


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Cut the query out of the line; the time stands before it, or in the record of Docker around it."""
    groups = literal(_NAMES)
    parts = (
        f"case when regexp_matches(line, {literal(_QUERY)}) then regexp_extract(line, {literal(_QUERY)}, {groups}) end"
    )
    docker = f"case when line[1] = '{{' then regexp_extract(line, {literal(_DOCKER)}, 1) end"
    stamp = f"coalesce(nullif(regexp_extract(line, {literal(_CRI)}, 1), ''), nullif({docker}, ''))"
    return LinePlan(
        fields=f"{{'q': {parts}, 'stamp': {stamp}, 'other': regexp_matches(line, '\\[(INFO|WARNING|ERROR|FATAL|PANIC|DEBUG)\\] plugin/|CoreDNS-|linux/')}}",
        tables={"dns_queries": _COLUMNS},
        skips=(("f.q is null and f.other", "a line of another plugin"),),
        checks=(
            ("f.q is null", "not the query format of CoreDNS"),
            ("f.stamp is null", "no time: export with kubectl logs --timestamps, or the files of the container runtime"),
            ("iso_time(f.stamp) is null", "the time cannot be read"),
        ),
        missing="false",
        attributes={
            "request_size": "f.q.size", "response_size": "f.q.answer_size", "flags": "f.q.flags", "do_bit": "f.q.do_bit", "buffer_size": "f.q.buffer",
        },
        is_json=False,
        time_rule="the stamp that the container runtime wrote, ISO 8601 with zone",
    )  # fmt: skip


_COLUMNS = {
    "observer": literal(OBSERVER),
    "time": "iso_time(f.stamp)",
    "time_raw": "f.stamp",
    "dns_question_name": "fold_name(f.q.name)",
    "dns_question_type": "f.q.type",
    "dns_question_class": "f.q.class",
    "dns_response_code": "dash(f.q.code)",
    "dns_answers": "[]",
    "dns_id": "f.q.id",
    "client_address": "trim(f.q.address, '[]')",
    "client_port": "f.q.port",
    "network_transport": "f.q.transport",
    "duration_ms": "to_double(f.q.seconds) * 1000",
}
