"""Checks by the team itself are told apart; what an attacker can send as well is not believed."""

from __future__ import annotations

from typing import Any

import pytest

from forensics import views
from forensics.config import check, parse
from forensics.store import open_memory

ZONE = """
[[zone]]
name = "pods"
cidrs = ["10.0.0.0/8"]
kind = "internal"
"""
SCAN = """
[[synthetic]]
name = "nightly scan"
user_agent = "*ZAP*"
client = "198.51.100.0/24"
"""


def told_apart(row: dict[str, Any], toml: str = ZONE) -> bool:
    store = open_memory(1)
    fact = {"time": "2026-03-03T09:30:00", "observer": "o", "url_path": "/healthz", **row}
    views.load_rows(
        store, {"http_requests": [fact, {**fact, "user_agent_original": "Firefox", "client_address": "203.0.113.9"}]}
    )
    views.derive(store, parse(toml).config, [])
    first, other = store.rows("select is_synthetic from requests order by record_no")
    assert other == (False,)
    return bool(first[0])


@pytest.mark.parametrize(
    "agent", ["kube-probe/1.29", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Envoy/HC", "Prometheus/2.53.0"]
)
def test_health_checks_from_inside(agent: str) -> None:
    assert told_apart({"user_agent_original": agent, "client_address": "10.1.2.3"})


@pytest.mark.parametrize(
    "row",
    [
        {"user_agent_original": "kube-probe/1.29", "client_address": "198.51.100.7"},
        {"user_agent_original": "kube-probe/1.29"},
        {"user_agent_original": "x kube-probe/1.29", "client_address": "10.1.2.3"},
        {"user_agent_original": "kube-probe", "client_address": "10.1.2.3"},
        {"client_address": "10.1.2.3"},
        {"user_agent_original": "curl/8", "client_address": "10.1.2.3"},
    ],
)
def test_what_anybody_can_send_is_real_traffic(row: dict[str, Any]) -> None:
    assert not told_apart(row)


def test_a_rule_asks_for_both_where_both_are_given() -> None:
    assert told_apart({"user_agent_original": "ZAP/2.15", "client_address": "198.51.100.7"}, SCAN)
    assert not told_apart({"user_agent_original": "ZAP/2.15", "client_address": "192.0.2.7"}, SCAN)
    assert not told_apart({"user_agent_original": "curl", "client_address": "198.51.100.7"}, SCAN)


def test_a_rule_of_one_side() -> None:
    scanner = '[[synthetic]]\nname = "s"\nclient = "198.51.100.7"\n'
    assert told_apart({"client_address": "198.51.100.7"}, scanner)
    assert told_apart(
        {"user_agent_original": "ZAP", "client_address": "192.0.2.1"},
        '[[synthetic]]\nname = "s"\nuser_agent = "ZAP*"\n',
    )


@pytest.mark.parametrize(
    ("toml", "told"), [('name = "x"', "Name a `user_agent`"), ('name = "x"\nclient = "host"', "network")]
)
def test_wrong_rules(toml: str, told: str) -> None:
    _, problems = check(f"[[synthetic]]\n{toml}\n")
    assert len(problems) == 1
    assert told in problems[0].message
