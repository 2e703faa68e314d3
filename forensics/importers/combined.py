r"""nginx or Apache access log in the common or combined format.

nginx `combined` (nginx.org/en/docs/http/ngx_http_log_module.html), Apache `common`, `combined`, `vhost_combined`
(httpd.apache.org/docs/2.4/logs.html). Quotes inside a field are written `\"` (Apache) or `\x22` (nginx). The user name comes from the
client and may hold spaces and brackets, therefore the last bracket before the request holds the time.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

from forensics.importers._quoted import QuotedRows
from forensics.importers.contract import Head, LinePlan
from forensics.store import literal

NAME = "combined"
TABLES = ("http_requests",)
OBSERVER = "weblog"

_LINE = re.compile(
    r"""
    ^(?:\S+\ )?\S+\ \S+\ .*?\ \[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}\ [+-]\d{4}\]\   # addresses, user, time
    "(?:[^"\\]|\\.)*"\ (?:\d{3}|-)\ (?:\d+|-)                                                # request, status, size
    """,
    re.VERBOSE,
)
# RE2 syntax: the request and the two quoted tails, with escaped quotes; used where splitting at quotes is not safe.
_PARTS = r'^([^"]*)"((?:[^"\\]|\\.)*)"([^"]*)(?:"((?:[^"\\]|\\.)*)"([^"]*)"((?:[^"\\]|\\.)*)"(.*))?$'
_HEAD = r"^(?:(\S+) )?(\S+) \S+ (.*) \[([^\[\]]+)\] ?$"
_HEAD_PLAIN = r"^()(\S+) \S+ (.*) \[([^\[\]]+)\] ?$"


def recognise(head: Head) -> int:
    """Score by the share of sampled lines that have the shape."""
    if not head.lines:
        return 0
    share = sum(bool(_LINE.match(line)) for line in head.lines) / len(head.lines)
    return round(90 * share) if share >= 0.3 else 0


def plan(head: Head, path: Path) -> LinePlan:  # noqa: ARG001 - the contract passes the path for formats that scan ahead
    """Rows of plain lines are made by numpy; others are split at the six quotes where that is safe, else by a regular expression.

    The same line gives the same row on each way (tests/importers/test_quoted.py).
    """
    columns = {
        "observer": literal(OBSERVER),
        "time": "f.time",
        "time_raw": "f.head.stamp",
        "http_request_method": "case when contains(f.request, ' ') then split_part(f.request, ' ', 1) end",
        "url_path": "path_part(request_target(f.request))",
        "url_query": "query_part(request_target(f.request))",
        "server_address": "host_part(nullif(f.head.host, ''))",
        "server_port": "port_part(nullif(f.head.host, ''))",
        "http_response_status_code": "dash(split_part(trim(f.numbers), ' ', 1))",
        "http_response_body_size": "dash(split_part(trim(f.numbers), ' ', 2))",
        "network_protocol_name": "case when contains(f.request, ' HTTP/') then 'http' end",
        "network_protocol_version": "protocol_version(f.request)",
        "client_address": "nullif(f.head.address, '')",
        "network_peer_address": "nullif(f.head.address, '')",
        "user_id": "dash(f.head.account)",
        "user_agent_original": "dash(f.agent)",
        "http_request_header_referer": "dash(f.referer)",
    }
    has_host = _has_host(head)
    return LinePlan(
        fields=_split(),
        stages=_stages(_HEAD if has_host else _HEAD_PLAIN),
        tables={"http_requests": columns},
        checks=(
            ("f.head.address = ''", "not the combined format"),
            ("f is not null and f.time is null", "the time in brackets cannot be read"),
            (
                "contains(f.rest, chr(13)) or contains(f.rest, chr(0))",
                "a carriage return or NUL behind the record: more than one record in a line",
            ),
        ),
        attributes={"rest": "nullif(trim(f.rest), '')"},
        time_rule="the offset in each record",
        invalid_format="not the combined format",
        is_json=False,
        quick=QuotedRows(OBSERVER, has_host=has_host),
    )


_NAMES = ("before", "request", "numbers", "referer", "between", "agent", "rest")


def _split() -> str:
    """Return a struct of the texts before, in and behind the quotes of a line."""
    text = "rtrim(line, chr(10) || chr(13))"
    simple = "strlen(line) - strlen(replace(line, '\"', '')) = 6 and not contains(line, chr(92))"
    cut = ", ".join(f"'{name}': p[{index}]" for index, name in enumerate(_NAMES, 1))
    split = f"list_transform([string_split({text}, '\"')], lambda p: {{{cut}}})[1]"
    by_expression = f"regexp_extract({text}, {literal(_PARTS)}, {literal(list(_NAMES))})"
    return f"case when {simple} then {split} else {by_expression} end"


def _stages(head: str) -> tuple[str, str]:
    """Take the text before the first quote apart, then read the time, each once."""
    kept = ", ".join(f"'{name}': f.{name}" for name in _NAMES[1:])
    parts = f"regexp_extract(f.before, {literal(head)}, ['host', 'address', 'account', 'stamp'])"
    return (
        f"{{'head': {parts}, {kept}}}",
        f"{{'time': clf_time(f.head.stamp), 'head': f.head, {kept}}}",
    )


def _has_host(head: Head) -> bool:
    """vhost_combined puts the host first: then the second word is the address."""
    words = [line.split(" ", 2) for line in head.lines[:50]]
    return sum(len(word) > 2 and not _is_address(word[0]) and _is_address(word[1]) for word in words) * 2 > len(words)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
