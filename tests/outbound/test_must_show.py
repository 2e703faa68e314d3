"""What the outbound detectors must tell, and must not, over traffic as a whole."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from forensics.detectors.testing import DEFAULT_CONFIG
from tests.outbound.judging import Row, judged

NINE = datetime(2026, 3, 3, 9, 0)  # noqa: DTZ001 - table times have no zone
DAY_LONG = DEFAULT_CONFIG.replace("2026-03-03T10:00:00Z", "2026-03-04T09:00:00Z")
USUAL = ("api.payments.example", "api.mailer.example", "otel.example")


def connection(seconds: float, name: str | None, version: str = "2.4.0", pod: str = "canary-1", **values: Any) -> Row:
    row = {
        "time": NINE + timedelta(seconds=seconds), "service_version": version, "k8s_pod_name": pod, "source_address": "10.0.0.1" if version == "2.4.0" else "10.0.0.2",
        "destination_domain": name, "destination_address": "203.0.113.20", "destination_port": 443, "network_transport": "tcp", "is_established": True,
        "source_bytes": 900, "destination_bytes": 4000, **values,
    }  # fmt: skip
    return {key: value for key, value in row.items() if value is not None}


def traffic() -> list[Row]:
    """A day of both cohorts: usual destinations at irregular moments, the canary with a tenth of the traffic."""
    rows = []
    for index in range(600):
        second = (index * 7919 + (index * index) % 977) % 86_000
        version, pod = ("2.4.0", "canary-1") if index % 10 == 0 else ("2.3.9", f"stable-{index % 5}")
        rows.append(connection(second, USUAL[index % 3], version, pod))
    return rows


def test_two_phone_home_connections_in_a_day_are_one_incident() -> None:
    home = [
        connection(31_000, "collect.tracker.test", source_bytes=50_000),
        connection(74_217, "collect.tracker.test", source_bytes=52_000),
    ]
    dns = [
        {"time": NINE + timedelta(seconds=s), "service_version": v, "client_address": a, "dns_question_name": n, "dns_response_code": "NOERROR"}
        for s, v, a, n in [
            (30_999, "2.4.0", "10.0.0.1", "collect.tracker.test"), (74_216, "2.4.0", "10.0.0.1", "collect.tracker.test"),
            *[(10 * i, "2.3.9", "10.0.0.2", USUAL[i % 3]) for i in range(30)], *[(11 * i, "2.4.0", "10.0.0.1", USUAL[i % 3]) for i in range(5)],
        ]
    ]  # fmt: skip
    found, incidents, _ = judged(DAY_LONG, connections=[*traffic(), *home], dns_queries=dns)
    assert {item.detector for item in found} >= {
        "outbound.new_destination",
        "outbound.upload_volume",
        "outbound.new_dns_name",
    }
    [incident] = incidents
    assert incident.severity == "high"
    assert "collect.tracker.test:443" in incident.title


def test_the_same_two_in_both_cohorts_are_none() -> None:
    both = [
        connection(second, "collect.tracker.test", version, pod, source_bytes=50_000)
        for version, pod in (("2.4.0", "canary-1"), ("2.3.9", "stable-1"))
        for second in (31_000, 74_217)
    ]
    assert judged(DAY_LONG, connections=[*traffic(), *both])[1] == []


def test_benign_traffic_is_no_incident() -> None:
    assert judged(DAY_LONG, connections=traffic())[1] == []


def test_backscatter_raises_nothing() -> None:
    """ICMP errors that the canary sends to 237 forged addresses: Zeek gives them no state, and nothing comes back."""
    backscatter = [
        connection(
            300 * index, None, destination_address=f"198.51.{100 + index // 200}.{index % 200 + 1}", destination_port=3, source_port=3,
            network_transport="icmp", is_established=None, connection_state="OTH", source_packets=1, destination_packets=0, source_bytes=56, destination_bytes=0,
        )
        for index in range(237)
    ]  # fmt: skip
    dns = [{"time": NINE, "service_version": version, "dns_question_name": USUAL[0]} for version in ("2.4.0", "2.3.9")]
    assert judged(DAY_LONG, connections=[*traffic(), *backscatter], dns_queries=dns)[1] == []


@pytest.mark.parametrize("version", ["2.4.0", "2.3.9"])
def test_a_ping_that_is_answered_is_a_contact(version: str) -> None:
    ping = connection(
        100,
        None,
        destination_address="198.51.100.1",
        network_transport="icmp",
        is_established=None,
        destination_packets=1,
    )
    found = judged(DAY_LONG, connections=[*traffic(), {**ping, "service_version": version}])[0]
    assert ("outbound.new_destination" in {item.detector for item in found}) == (version == "2.4.0")


def test_a_slow_timer_in_half_an_hour() -> None:
    """249 s with a jitter of 3 %: seven sightings."""
    offsets = (0, 4, -6, 2, 7, -3, 5)
    timer = [connection(60 + 249 * beat + offsets[beat], "c2.tracker.test") for beat in range(7)]
    half_hour = [row for row in traffic() if row["time"] < NINE + timedelta(minutes=30)]
    filler = [connection(90 * index, USUAL[index % 3], "2.3.9", "stable-1") for index in range(20)]
    found, _, _ = judged(DAY_LONG, connections=[*half_hour, *filler, *timer])
    beacon = next(item for item in found if item.detector == "outbound.beacon")
    assert beacon.entity == {"destination": "c2.tracker.test", "destination_port": 443}
    assert beacon.details["period_seconds"] == pytest.approx(249, abs=6)


def test_a_burst_of_46_minutes_in_a_day() -> None:
    burst = [connection(40_000 + 11.5 * beat, "c2.tracker.test") for beat in range(240)]
    found, incidents, _ = judged(DAY_LONG, connections=[*traffic(), *burst])
    assert "outbound.beacon" in {item.detector for item in found}
    assert [incident.severity for incident in incidents] == ["high"], "new and periodic"


def test_aggregated_flow_logs_are_not_assessable() -> None:
    rows = [
        {**row, "is_aggregated": True}
        for row in [*traffic(), *[connection(600 * beat, "c2.tracker.test") for beat in range(60)]]
    ]
    found, _, states = judged(DAY_LONG, connections=rows)
    state = next(item for item in states if item.id == "outbound.beacon")
    assert (state.state, "not assessable" in state.reason) == ("not_evaluated", True)
    assert "outbound.new_destination" in {item.detector for item in found}


def test_absurd_sizes_blind_no_detector() -> None:
    """Sums beyond 64 bits are bounded; sizes that nobody tells stay unknown."""
    huge = [connection(number, "max.example", source_bytes=2**63 - 1, destination_bytes=1) for number in range(3)]
    unknown = [connection(60, "quiet.example", source_bytes=None)]
    found, _, states = judged(connections=[*traffic(), *huge, *unknown])
    assert not [state for state in states if state.state == "error"]
    sizes = {
        item.entity["destination"]: item.details.get("bytes_up")
        for item in found
        if item.detector == "outbound.new_destination"
    }
    assert sizes == {"max.example": 2**62 - 1, "quiet.example": None}


@pytest.mark.parametrize("name", ["203.0.113.50", "203.0.113.50.", "", ".", "0x7f.1"])
def test_what_the_caller_calls_a_name_is_none(name: str) -> None:
    """SNI and Host are the caller's words: an address in them, or nothing, is a connection to an address."""
    found, _, _ = judged(connections=[*traffic(), connection(60, name, destination_address="203.0.113.50")])
    assert {item.entity["destination"] for item in found} == {"203.0.113.50"}


def test_names_are_compared_without_case_and_final_dot() -> None:
    said = [connection(number, "API.Partner.Example.", "2.3.9", "stable-1") for number in range(20)]
    found, _, _ = judged(connections=[*traffic(), *said, connection(60, "api.partner.example")])
    assert found == []


def test_a_host_name_may_end_in_a_digit() -> None:
    found, _, _ = judged(connections=[*traffic(), connection(60, "collector2")])
    assert {item.entity["destination"] for item in found} == {"collector2"}


def question(seconds: float, name: str, version: str = "2.4.0", code: str = "NOERROR", **values: Any) -> Row:
    pod, address = ("canary-1", "10.0.0.1") if version == "2.4.0" else ("stable-1", "10.0.0.2")
    return {
        "time": NINE + timedelta(seconds=seconds), "service_version": version, "k8s_pod_name": pod, "client_address": address, "dns_question_name": name,
        "dns_question_type": "A", "dns_response_code": code, **values,
    }  # fmt: skip


USUAL_QUESTIONS = [question(10 * n, USUAL[n % 3], version) for n in range(30) for version in ("2.4.0", "2.3.9")]


def generated(number: int) -> str:
    """Fourteen letters that look drawn, as generators of names make them."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:14].translate(str.maketrans("0123456789", "ghjklmnpqr"))


@pytest.mark.parametrize("code", ["NXDOMAIN", "NOERROR"])
def test_generated_names_are_one_incident_with_the_one_that_answered(code: str) -> None:
    names = [question(9000 + 3 * n, f"{generated(n)}.com", code=code) for n in range(60)]
    home = connection(9100, f"{generated(7)}.com")
    _, incidents, _ = judged(DAY_LONG, connections=[*traffic(), home], dns_queries=[*USUAL_QUESTIONS, *names])
    [incident] = incidents
    assert "60 destinations" in incident.summary
    assert len([name for name in incident.entities if name.endswith((".com", ".com:443"))]) >= 60
    assert f"{generated(7)}.com:443" in incident.title


def test_a_tunnel_is_one_incident() -> None:
    names = [question(12_000 + 9 * n, f"{n * 2654435761 % 2**64:032x}.t.tunnel.example") for n in range(400)]
    _, incidents, _ = judged(DAY_LONG, connections=traffic(), dns_queries=[*USUAL_QUESTIONS, *names])
    assert ["tunnel.example" in incident.title for incident in incidents] == [True]


def test_a_tunnel_and_generated_names_of_one_pod_are_two() -> None:
    tunnel = [question(12_000 + 9 * n, f"{n * 2654435761 % 2**64:032x}.t.tunnel.example") for n in range(60)]
    names = [question(9000 + 3 * n, f"{generated(n)}.com", code="NXDOMAIN") for n in range(60)]
    _, incidents, _ = judged(DAY_LONG, connections=traffic(), dns_queries=[*USUAL_QUESTIONS, *tunnel, *names])
    assert sorted("tunnel.example" in incident.title for incident in incidents) == [False, True]


def test_a_few_new_names_are_a_story_each() -> None:
    names = [question(9000 + 3 * n, f"api{n}.vendor{n}.com") for n in range(4)]
    _, incidents, _ = judged(DAY_LONG, connections=traffic(), dns_queries=[*USUAL_QUESTIONS, *names])
    assert len(incidents) == 4


@pytest.mark.parametrize(
    ("detector", "severity", "values"),
    [
        ("outside_allow_list", "medium", {"name": "collect.tracker.test"}),
        ("metadata_endpoint", "high", {"name": None, "destination_address": "169.254.169.254", "destination_port": 80}),
        ("forbidden_zone", "medium", {"name": None, "destination_address": "10.60.0.77", "destination_port": 5432}),
        ("miner", "medium", {"name": "pool.supportxmr.com"}),
        ("tor", "low", {"name": None, "destination_port": 9001}),
        ("encrypted_dns", "medium", {"name": "cloudflare-dns.com"}),
        ("drop_service", "medium", {"name": "pastebin.com"}),
        ("address_echo", "medium", {"name": "api.ipify.org"}),
        (
            "plain_text_protocol",
            "low",
            {"name": "old.tracker.test", "destination_port": 21, "network_protocol_name": "ftp"},
        ),
    ],
)
def test_a_violation_of_policy_needs_no_baseline(detector: str, severity: str, values: dict[str, Any]) -> None:
    config = DEFAULT_CONFIG.replace(
        "[[zone]]", '[[zone]]\nname = "db"\ncidrs = ["10.60.0.0/24"]\nkind = "datastore"\n[[zone]]', 1
    )
    allowed = '\n[[allow]]\ndestination = "api.payments.example:443"\nowner = "x"\nreason = "y"\n'
    found, _, _ = judged(config + allowed, connections=[connection(60, **values), connection(90, USUAL[0])])
    assert (f"outbound.{detector}", severity) in {(item.detector, item.severity) for item in found}


def test_both_directions_of_a_flow_are_one_connection() -> None:
    """Records of flow logs: one a direction and interval; of two connections of one opener the port differs."""
    told: list[tuple[int, int, dict[str, Any]]] = [
        (1, 4000, {"source_bytes": 2000, "destination_bytes": None}), (1, 4000, {"source_bytes": None, "destination_bytes": 9000}),
        (2, 4000, {"source_bytes": 500, "destination_bytes": None}), (3, 4001, {"source_bytes": 1, "destination_bytes": None}),
    ]  # fmt: skip
    records = [
        connection(60 * minute, "flow.tracker.test", is_aggregated=True, is_established=None, source_port=port, **sizes)
        for minute, port, sizes in told
    ]
    found, _, _ = judged(connections=[*traffic(), *records])
    [new] = [item for item in found if item.detector == "outbound.new_destination"]
    assert (new.canary.n, new.details["bytes_up"], new.details["bytes_down"]) == (2, 2501, 9000)


def test_a_name_whose_connection_is_blocked_was_tried() -> None:
    names = [question(9000, "c2.tracker.test")]
    tried = connection(9001, "c2.tracker.test", is_established=False, connection_state="REJECT")
    found, _, _ = judged(DAY_LONG, connections=[*traffic(), tried], dns_queries=[*USUAL_QUESTIONS, *names])
    assert {item.detector for item in found} == {"outbound.blocked_attempt", "outbound.new_dns_name"}


@pytest.mark.parametrize(
    ("known", "new", "modifier"),
    [
        ("eu.cdn.vendor.com", "us.cdn.vendor.com", "known_domain"),
        ("ours.sharepoint.com", "theirs.sharepoint.com", None),
        ("ours.s3.amazonaws.com", "theirs.s3.amazonaws.com", None),
        ("sqs.us-east-1.amazonaws.com", "sns.eu-west-1.amazonaws.com", None),
        ("ours.github.io", "theirs.github.io", None),
    ],
)
def test_another_host_of_a_known_domain_is_new_where_strangers_get_names(
    known: str, new: str, modifier: str | None
) -> None:
    said = [connection(90 * number, known, "2.3.9", "stable-1") for number in range(20)]
    asked = [question(90 * number, known, "2.3.9") for number in range(20)]
    found, _, _ = judged(
        connections=[*traffic(), *said, connection(60, new)], dns_queries=[*USUAL_QUESTIONS, *asked, question(59, new)]
    )
    [item] = [item for item in found if item.detector == "outbound.new_destination"]
    assert ("known_domain" in {given.name for given in item.modifiers}) == (modifier == "known_domain")
    assert ("outbound.new_dns_name" in {item.detector for item in found}) == (modifier is None)


@pytest.mark.parametrize("written", ["\u0430pple.com", "\u0410PPLE.com.", "xn--pple-43d.com"])
def test_names_in_other_letters_are_shown_as_dns_writes_them(written: str) -> None:
    said = [connection(90 * number, "apple.com", "2.3.9", "stable-1") for number in range(20)]
    found, incidents, _ = judged(
        connections=[*traffic(), *said, connection(60, written)],
        dns_queries=[*USUAL_QUESTIONS, question(59, "xn--pple-43d.com")],
    )
    [new] = [item for item in found if item.detector == "outbound.new_destination"]
    assert new.entity["destination"] == "xn--pple-43d.com"
    assert "reads \u0430pple.com" in next(item.reason for item in new.modifiers if item.name == "letters")
    assert len(incidents) == 1


def test_new_hosts_of_a_fleet_and_new_peers_are_one_low_incident_each() -> None:
    """Eight new hosts below a domain of which the baseline uses ten; eight time servers by address beside its ten."""
    usual = [
        row
        for n in range(10)
        for row in (
            connection(300 + n, f"edge-{n}.cdn.test", "2.3.9", "stable-1", destination_address=f"198.51.100.{n}"),
            connection(300 + n, None, "2.3.9", "stable-1", destination_address=f"203.0.113.{100 + n}", destination_port=123, network_transport="udp"),
        )
    ]  # fmt: skip
    fresh = [
        row
        for n in range(8)
        for row in (
            connection(400 + 37 * n, f"edge-{50 + n}.cdn.test", destination_address=f"198.51.100.{50 + n}"),
            connection(400 + 41 * n, None, destination_address=f"203.0.113.{150 + n}", destination_port=123, network_transport="udp"),
        )
    ]  # fmt: skip
    dns = [
        {"time": NINE + timedelta(seconds=290), "service_version": version, "client_address": address, "dns_question_name": USUAL[0], "dns_response_code": "NOERROR"}
        for version, address in (("2.4.0", "10.0.0.1"), ("2.3.9", "10.0.0.2"))
    ]  # fmt: skip
    found, incidents, _ = judged(DAY_LONG, connections=[*traffic(), *usual, *fresh], dns_queries=dns)
    assert {item.detector for item in found} == {"outbound.new_destination", "outbound.direct_to_ip"}
    assert [item.severity for item in incidents] == ["low", "low"]
    assert sorted(incident.summary.split(" of ")[0] for incident in incidents) == ["8 connections", "8 connections"]


def test_a_new_address_without_a_name_is_one_fact() -> None:
    """That no name explains it does not corroborate that it is new; an upload to it does."""
    dns = [
        {
            "time": NINE,
            "service_version": "2.4.0",
            "client_address": "10.0.0.1",
            "dns_question_name": USUAL[0],
            "dns_response_code": "NOERROR",
        }
    ]
    alone = connection(60, None, destination_address="198.51.100.9")
    found, incidents, _ = judged(DAY_LONG, connections=[*traffic(), alone], dns_queries=dns)
    assert {item.detector for item in found} == {"outbound.new_destination", "outbound.direct_to_ip"}
    assert [item.severity for item in incidents] == ["medium"]
    upload = {**alone, "source_bytes": 50_000_000}
    assert [item.severity for item in judged(DAY_LONG, connections=[*traffic(), upload], dns_queries=dns)[1]] == [
        "high"
    ]
