"""AWS VPC flow log as text, with the header line that S3 writes or in the default format without one.

Fields, versions 2 to 8: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html. A record sums up the packets of one direction over one to ten
minutes, so it says neither when a connection began nor how long it was (`is_aggregated`). The side that opened it is told by the TCP flags
(SYN alone is the opener's, SYN with ACK the answer), else by the ports (the service has the lower one); a record of answers is turned round, so
that the opener is the source on both. Behind NAT the original addresses (`pkt-srcaddr`) count.
"""

from __future__ import annotations

import re
from pathlib import Path

from forensics.importers.contract import Head, LinePlan
from forensics.store import literal

NAME = "aws-vpc-flow"
TABLES = ("connections",)
OBSERVER = "aws.vpc-flow"

_DEFAULT = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
]
_NEEDED = {"srcaddr", "dstaddr", "start"}
_KNOWN = {
    *_DEFAULT, "vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr", "region", "az-id", "sublocation-type",
    "sublocation-id", "pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "traffic-path", "ecs-cluster-arn", "ecs-cluster-name",
    "ecs-container-instance-arn", "ecs-container-instance-id", "ecs-container-id", "ecs-second-container-id", "ecs-service-name",
    "ecs-task-definition-arn", "ecs-task-arn", "ecs-task-id", "reject-reason", "resource-id", "encryption-status",
}  # fmt: skip
_RECORD = re.compile(r"[2-9] (?:\d{12}|unknown) eni-\S+(?: \S+){11}\s*$")
# Protocol numbers of IANA; others stay numbers.
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmp6", "132": "sctp"}
_WITHOUT_TRAFFIC = {"NODATA": "no traffic in the interval", "SKIPDATA": "records that AWS could not keep"}


def recognise(head: Head) -> int:
    """Score a header of known fields, or the share of lines that are records of the default format."""
    if not head.lines:
        return 0
    if _header(head):
        return 95
    return round(93 * sum(bool(_RECORD.match(line)) for line in head.lines) / len(head.lines))


def _header(head: Head) -> list[str]:
    """Return the fields that the first line names; empty where it is no header."""
    fields = head.lines[0].replace(",", " ").lower().split() if head.lines else []
    known = sum(field in _KNOWN for field in fields)
    return fields if set(fields) >= _NEEDED and known * 2 > len(fields) else []


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Cut a line at its blanks; the header, or the default format, says what stands where."""
    header = _header(head)
    fields = header or _DEFAULT
    value = {field: f"dash(f[{fields.index(field) + 1}])" for field in fields}
    title = literal(head.lines[0].strip()) if header else "''"
    status = value.get("log-status", "null::varchar")
    return LinePlan(
        fields="string_split(trim(line, ' ' || chr(10) || chr(13)), ' ')",
        tables={"connections": _columns(value)},
        skips=(
            (f"trim(line, ' ' || chr(10) || chr(13)) = {title}", "header"),
            *((f"{status} = '{state}'", reason) for state, reason in _WITHOUT_TRAFFIC.items()),
        ),
        checks=((f"epoch_time({value['start']}) is null", "start is not a time"),),
        missing=f"len(f) <> {len(fields)}",
        invalid_format=f"not {len(fields)} fields",
        attributes={field: text for field, text in value.items() if field not in _MAPPED},
        is_json=False,
        time_rule="start, seconds since 1970, UTC",
    )


_MAPPED = {
    "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "action", "pkt-srcaddr", "pkt-dstaddr", "log-status",
    "ecs-container-id",
}  # fmt: skip


def _columns(value: dict[str, str]) -> dict[str, str]:
    def of(field: str) -> str:
        return value.get(field, "null::varchar")

    flags = f"to_integer({of('tcp-flags')})"
    ports = f"to_integer({of('srcport')}), to_integer({of('dstport')})"
    answers = f"is_flow_answer({flags}, {ports})"
    source, destination = (f"coalesce({of(f'pkt-{end}addr')}, {of(f'{end}addr')})" for end in ("src", "dst"))

    def either(opener: str, answer: str) -> str:
        return f"case when {answers} then {answer} else {opener} end"

    protocol = of("protocol")
    names = " ".join(f"when '{number}' then '{title}'" for number, title in _PROTOCOLS.items())
    outward = f"case when {answers} then 'ingress' else 'egress' end"
    return {
        "observer": literal(OBSERVER),
        "time": f"epoch_time({of('start')})",
        "time_raw": of("start"),
        "end_time": f"epoch_time({of('end')})",
        "source_address": either(source, destination),
        "source_port": either(of("srcport"), of("dstport")),
        "destination_address": either(destination, source),
        "destination_port": either(of("dstport"), of("srcport")),
        "network_transport": f"case {protocol} {names} else {protocol} end",
        "network_direction": f"case {of('flow-direction')} when {outward} then 'outbound' when 'ingress' then 'inbound' when 'egress' then 'inbound' end",
        "source_bytes": either(of("bytes"), "null"),
        "source_ip_bytes": either(of("bytes"), "null"),
        "source_packets": either(of("packets"), "null"),
        "destination_bytes": either("null", of("bytes")),
        "destination_packets": either("null", of("packets")),
        "connection_state": of("action"),
        "is_established": f"case when {of('action')} = 'REJECT' then false when {answers} then true end",
        "container_id": of("ecs-container-id"),
        "is_aggregated": "true",
    }
