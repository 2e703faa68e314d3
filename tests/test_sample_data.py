"""The sample rollouts are reproducible, small, and as expected.toml says; counted here from the files alone."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

SAMPLES = Path(__file__).resolve().parent.parent / "sample_data"
ROLLOUTS = ("checkout-careless", "checkout-clean", "checkout-compromised", "checkout-thin")
COMPROMISED = SAMPLES / "checkout-compromised"
COHORTS = ("baseline", "canary")
COLLECTOR = "collect.pixel-sync.example"
EXTERNAL = {"api.payments.example", "api.mailer.example"}
ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
DOCUMENTATION = ("10.", "192.0.2.", "198.51.100.", "203.0.113.")

Json = dict[str, Any]


@pytest.fixture(params=ROLLOUTS)
def rollout(request: pytest.FixtureRequest) -> Path:
    return SAMPLES / str(request.param)


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, str(SAMPLES / "generate.py"), "--out", str(out)], check=True)
    return out


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def files_below(folder: Path) -> dict[str, Path]:
    return {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}


def truth(folder: Path) -> Json:
    return tomllib.loads((folder / "expected.toml").read_text())


def ndjson(path: Path) -> list[Json]:
    return [json.loads(line) for line in content(path).splitlines()]


def document(folder: Path, name: str) -> Json:
    loaded: Json = json.loads((folder / name).read_bytes())
    return loaded


def access(folder: Path) -> list[Json]:
    return [entry for path in sorted((folder / "access").iterdir()) for entry in ndjson(path)]


def exchanges(folder: Path) -> list[Json]:
    return ndjson(next((folder / "samples").glob("exchanges.ndjson*")))


def zeek(folder: Path, name: str) -> list[dict[str, str]]:
    lines = (folder / "network" / name).read_text().splitlines()
    fields = next(line.split("\t")[1:] for line in lines if line.startswith("#fields"))
    return [dict(zip(fields, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]


def subset(entry: Json) -> str:
    cluster = entry["upstream_cluster"]
    return {"stable": "baseline", "canary": "canary"}[cluster.split("|")[2]] if cluster else "unknown"


def version_cohort(version: str) -> str:
    return {"2.3.9": "baseline", "2.4.0": "canary"}[version]


def pods(folder: Path) -> dict[str, str]:
    """Map pod addresses to cohorts."""
    items = document(folder, "rollout/pods.json")["items"]
    label = "app.kubernetes.io/version"
    return {pod["status"]["podIP"]: version_cohort(pod["metadata"]["labels"][label]) for pod in items}


def periods(folder: Path, stamp: str) -> str:
    """Name the phase of a time; stamps of one length in one zone compare as text."""
    phases = tomllib.loads((folder / "canary.toml").read_text())["phase"]
    for phase in phases:
        if f"{phase['start']:%Y-%m-%dT%H:%M:%S.000Z}" <= stamp < f"{phase['end']:%Y-%m-%dT%H:%M:%S.000Z}":
            return str(phase["name"])
    return "before" if stamp < f"{phases[0]['start']:%Y-%m-%dT%H:%M:%S.000Z}" else "after"


def nonzero(counts: Json) -> Json:
    return {key: count for key, count in counts.items() if count}


def by_period(folder: Path, stamps: Iterator[tuple[str, str]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {cohort: Counter() for cohort in COHORTS}
    for cohort, stamp in stamps:
        found[cohort][periods(folder, stamp)] += 1
    return found


def header_names(exchange: Json) -> set[str]:
    return {name for name, _ in exchange["response"]["headers"]}


def shape(value: object, at: str = "$") -> set[str]:
    """Return the key paths of a JSON value."""
    if isinstance(value, dict):
        return {at}.union(*(shape(inner, f"{at}.{key}") for key, inner in value.items()))
    if isinstance(value, list):
        return {at}.union(*(shape(inner, f"{at}[]") for inner in value))
    return {at}


def kind(exchange: Json) -> tuple[str, str, int]:
    path = exchange["request"]["url"].removeprefix("https://shop.example").split("?")[0]
    route = re.sub(r"^/(orders|products)/[^/]+$", r"/\1/{id}", path)
    return exchange["request"]["method"], route, exchange["response"]["status"]


def shapes(folder: Path, cohort: str) -> dict[tuple[str, str, int], set[str]]:
    found: dict[tuple[str, str, int], set[str]] = {}
    for exchange in exchanges(folder):
        body = exchange["response"]["body"]
        if version_cohort(exchange["version"]) == cohort and body and body.startswith("{"):
            found.setdefault(kind(exchange), set()).update(shape(json.loads(body)))
    return found


# --- reproducible and small -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROLLOUTS)
def test_regenerating_gives_the_same_bytes(regenerated: Path, name: str) -> None:
    committed, again = files_below(SAMPLES / name), files_below(regenerated / name)
    assert set(committed) == set(again)
    assert [n for n in committed if content(committed[n]) != content(again[n])] == []


def test_a_second_run_gives_the_same_compressed_bytes(regenerated: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SAMPLES / "generate.py"), "--out", str(tmp_path)], check=True)
    first, second = files_below(regenerated), files_below(tmp_path)
    assert {n: p.read_bytes() for n, p in first.items()} == {n: p.read_bytes() for n, p in second.items()}


def test_samples_stay_below_three_megabytes() -> None:
    assert sum(p.stat().st_size for name in ROLLOUTS for p in files_below(SAMPLES / name).values()) < 3_000_000


def test_gzip_headers_carry_no_time_and_no_name(rollout: Path) -> None:
    heads = [p.read_bytes()[:8] for p in (rollout / "access").glob("*.gz")]
    assert heads == [b"\x1f\x8b\x08\x00\x00\x00\x00\x00"] * len(heads)


def test_only_documentation_addresses_occur(rollout: Path) -> None:
    for path in files_below(rollout).values():
        if path.parent.name == "sbom":
            continue
        text = re.sub(r"(Chrome|Version|Safari|Firefox|AppleWebKit)/[\d.]+", "", content(path).decode())
        assert [a for a in ADDRESS.findall(text) if not a.startswith(DOCUMENTATION)] == [], path


# --- the counts of expected.toml -------------------------------------------------------------------------------------


def records(path: Path) -> int:
    if path.suffix == ".har":
        return len(json.loads(path.read_bytes())["log"]["entries"])
    if path.parent.name == "rollout":
        return len(json.loads(path.read_bytes())["items"])
    if path.parent.name == "metrics":
        return sum(len(series["values"]) for series in json.loads(content(path))["data"]["result"])
    if path.parent.name == "config":
        return len(list(yaml.safe_load_all(path.read_bytes())))
    return sum(not line.startswith(b"#") for line in content(path).splitlines())


def test_records_of_every_file(rollout: Path) -> None:
    expected = truth(rollout)["records"]
    assert {name: records(rollout / name) for name in expected} == expected


def test_requests_per_cohort_and_period(rollout: Path) -> None:
    entries = [e for e in access(rollout) if subset(e) != "unknown"]
    found = by_period(rollout, ((subset(e), e["start_time"]) for e in entries))
    expected = truth(rollout)["requests"]
    assert {c: dict(found[c]) for c in COHORTS} == {c: nonzero(expected[c]) for c in COHORTS}
    assert sum(subset(e) == "unknown" for e in access(rollout)) == expected["unknown"]["no_http"]


def test_statuses_in_the_phases(rollout: Path) -> None:
    expected = truth(rollout)["status_in_phases"]
    inside = [e for e in access(rollout) if periods(rollout, e["start_time"]) not in {"before", "after"}]
    for cohort in COHORTS:
        assert Counter(str(e["response_code"]) for e in inside if subset(e) == cohort) == expected[cohort]


def test_exchanges_per_cohort_and_period(rollout: Path) -> None:
    found = by_period(rollout, ((version_cohort(e["version"]), e["time"]) for e in exchanges(rollout)))
    assert {c: dict(found[c]) for c in COHORTS} == {c: nonzero(truth(rollout)["exchanges"][c]) for c in COHORTS}


def test_har_entries_per_cohort(rollout: Path) -> None:
    entries = document(rollout, "samples/browser.har")["log"]["entries"]
    served = [{h["name"]: h["value"] for h in e["response"]["headers"]}["x-app-version"] for e in entries]
    assert Counter(map(version_cohort, served)) == truth(rollout)["har_entries"]


def test_users_stay_on_their_version_within_a_phase(rollout: Path) -> None:
    seen: dict[tuple[str, str], set[str]] = {}
    for entry in (e for e in access(rollout) if e.get("user_id")):
        seen.setdefault((entry["user_id"], periods(rollout, entry["start_time"])), set()).add(subset(entry))
    both = sum(len(cohorts) > 1 for cohorts in seen.values())
    assert (both > 20) if rollout.name == "checkout-careless" else (both == 0)
    assert truth(rollout)["pinning"]["users"] == len({user for user, _ in seen})
    assert truth(rollout)["pinning"]["users_on_both_within_a_phase"] == both


def test_connections_and_destinations(rollout: Path) -> None:
    cohort_of, expected = pods(rollout), truth(rollout)
    names = {answer: row["query"] for row in zeek(rollout, "dns.log") for answer in row["answers"].split(",")}
    rows = zeek(rollout, "conn.log")
    for cohort in COHORTS:
        tcp = [r for r in rows if r["proto"] == "tcp" and cohort_of[r["id.orig_h"]] == cohort]
        found = Counter(f"{names[r['id.resp_h']]}:{r['id.resp_p']}" for r in tcp)
        assert found == expected["destinations"][cohort]
        counts = {
            name: sum(cohort_of[r["id.orig_h"]] == cohort for r in zeek(rollout, f"{name}.log"))
            for name in ("dns", "ssl")
        }
        assert {"tcp": len(tcp), "dns": counts["dns"], "tls": counts["ssl"]} == expected["connections"][cohort]


def test_components(rollout: Path) -> None:
    expected = truth(rollout)["components"]
    before, after = (
        {c["name"]: c for c in document(rollout, f"sbom/checkout-{v}.cdx.json")["components"]}
        for v in ("2.3.9", "2.4.0")
    )
    assert (len(before), len(after)) == (expected["baseline"], expected["canary"])
    assert sorted(after[n]["purl"] for n in set(after) - set(before)) == expected["added"]
    changed = [n for n in before if n in after and before[n]["version"] != after[n]["version"]]
    assert [f"{n} {before[n]['version']} -> {after[n]['version']}" for n in changed] == expected["changed"]
    assert set(before) <= set(after)


# --- the files agree with each other ---------------------------------------------------------------------------------


def test_pods_answer_for_their_subset_only(rollout: Path) -> None:
    cohort_of = pods(rollout)
    hosts = {(subset(e), e["upstream_host"].split(":")[0]) for e in access(rollout) if e["upstream_host"]}
    assert {(cohort, cohort_of[address]) for cohort, address in hosts} == {(c, c) for c in COHORTS}


def test_exchanges_and_har_are_in_the_access_log(rollout: Path) -> None:
    logged = {e["request_id"]: e for e in access(rollout)}
    for exchange in exchanges(rollout):
        entry = logged[exchange["id"]]
        assert (entry["response_code"], entry["bytes_sent"]) == (
            exchange["response"]["status"],
            exchange["response"]["body_size"],
        )
    times = {e["start_time"] for e in access(rollout)}
    assert {e["startedDateTime"] for e in document(rollout, "samples/browser.har")["log"]["entries"]} <= times


def test_each_tls_connection_has_a_row_a_handshake_and_an_earlier_lookup(rollout: Path) -> None:
    connections = {row["uid"]: row for row in zeek(rollout, "conn.log")}
    lookups = zeek(rollout, "dns.log")
    assert {row["uid"] for row in lookups} <= set(connections)
    for row in zeek(rollout, "ssl.log"):
        conn = connections[row["uid"]]
        assert (conn["service"], conn["id.resp_h"]) == ("ssl", row["id.resp_h"])
        earlier = [d for d in lookups if d["query"] == row["server_name"] and float(d["ts"]) < float(conn["ts"])]
        assert any(d["id.orig_h"] == row["id.orig_h"] and d["answers"] == row["id.resp_h"] for d in earlier)


def test_zeek_logs_are_whole(rollout: Path) -> None:
    for name in ("conn.log", "dns.log", "ssl.log"):
        lines = (rollout / "network" / name).read_text().splitlines()
        fields, types = (next(line for line in lines if line.startswith(head)) for head in ("#fields", "#types"))
        assert len(fields.split("\t")) == len(types.split("\t"))
        assert (lines[0], lines[-1].split("\t")[0]) == ("#separator \\x09", "#close")


def test_rollout_documents_say_how_it_ended(rollout: Path) -> None:
    reasons = [e["reason"] for e in document(rollout, "rollout/events.json")["items"]]
    rollout_object = yaml.safe_load((rollout / "rollout/rollout.yaml").read_text())
    promoted = rollout.name == "checkout-clean"
    assert ("RolloutCompleted" in reasons, "RolloutAborted" in reasons) == (promoted, not promoted)
    assert rollout_object["status"]["phase"] == ("Healthy" if promoted else "Degraded")


def test_the_gate_stayed_successful(rollout: Path) -> None:
    status = document(rollout, "rollout/analysisrun.json")["status"]
    [metric] = status["metricResults"]
    assert {status["phase"], metric["phase"], *(m["phase"] for m in metric["measurements"])} == {"Successful"}


# --- what was planted, and that nothing else was ----------------------------------------------------------------------


def test_phone_home_is_twice_from_one_canary_pod() -> None:
    planted = truth(COMPROMISED)["planted"]["phone_home"]
    rows = [r for r in zeek(COMPROMISED, "conn.log") if r["id.resp_h"] == planted["address"]]
    assert {r["id.orig_h"] for r in rows} == {planted["pod_address"]}
    assert [int(r["orig_bytes"]) for r in rows] == [int(n) for n in planted["bytes_up_each"]] == [48213, 52087]
    assert sum(int(r["resp_bytes"]) for r in rows) == planted["bytes_down"]
    assert [int(float(r["ts"])) for r in rows] == [1772529462, 1772531262]  # 09:17:42 and 09:47:42
    assert sum(r["query"] == COLLECTOR for r in zeek(COMPROMISED, "dns.log")) == planted["dns_lookups"]
    assert sum(r["server_name"] == COLLECTOR for r in zeek(COMPROMISED, "ssl.log")) == planted["tls_handshakes"]
    names = {p["status"]["podIP"]: p["metadata"]["name"] for p in document(COMPROMISED, "rollout/pods.json")["items"]}
    assert names[planted["pod_address"]] == planted["pod"]


def reports(folder: Path) -> list[tuple[str, int, str]]:
    hits = [e for e in access(folder) if e["path"] == "/admin/reports" and e["authn"] == "anon"]
    return [(subset(e), e["response_code"], e["x_forwarded_for"]) for e in hits]


def test_anonymous_reports_are_open_on_the_planted_canary_only(rollout: Path) -> None:
    statuses = Counter((cohort, status) for cohort, status, _ in reports(rollout))
    if rollout != COMPROMISED:
        assert {status for _, status in statuses} == {401}
        return
    planted = truth(rollout)["planted"]["open_admin_reports"]
    assert statuses == {
        ("canary", 200): planted["canary_answered_200"],
        ("baseline", 401): planted["baseline_denied_401"],
    }
    assert len({client for cohort, _, client in reports(rollout) if cohort == "canary"}) == planted["canary_clients"]
    kept = Counter(e["version"] for e in exchanges(rollout) if kind(e)[1] == "/admin/reports" and not e["user"])
    assert kept == {"2.4.0": planted["canary_exchanges"], "2.3.9": planted["baseline_exchanges"]}


def test_stack_traces_are_on_the_planted_canary_only(rollout: Path) -> None:
    failed = [e for e in exchanges(rollout) if e["response"]["status"] == 500]
    traced = [e for e in failed if "\\n    at " in e["response"]["body"]]
    expected = truth(rollout)["planted"]["stack_traces"]["canary_exchanges"] if rollout == COMPROMISED else 0
    assert len(traced) == expected
    assert {kind(e)[1] for e in failed} == {"/checkout"}
    assert all(e["version"] == "2.4.0" and "10.60.0.10:5432" in e["response"]["body"] for e in traced)
    assert {e["response"]["body"] for e in failed if e not in traced} == {'{"error":"internal"}'}


def test_hsts_is_lost_on_the_planted_canary_only(rollout: Path) -> None:
    without = Counter(e["version"] for e in exchanges(rollout) if "strict-transport-security" not in header_names(e))
    entries = document(rollout, "samples/browser.har")["log"]["entries"]
    har = sum("strict-transport-security" not in {h["name"] for h in e["response"]["headers"]} for e in entries)
    planted = truth(rollout).get("planted", {}).get("hsts_lost", {})
    assert without == ({"2.4.0": planted["canary_exchanges_without"]} if planted else {})
    assert har == planted.get("canary_har_entries_without", 0)


def test_the_other_headers_are_the_same_on_both_cohorts(rollout: Path) -> None:
    names = {
        cohort: {n for e in exchanges(rollout) if version_cohort(e["version"]) == cohort for n in header_names(e)}
        for cohort in COHORTS
    }
    assert names["canary"] - names["baseline"] == set()


def test_order_emails_are_on_the_planted_canary_only(rollout: Path) -> None:
    leaking = [e for e in exchanges(rollout) if "customerContact" in (e["response"]["body"] or "")]
    planted = truth(rollout).get("planted", {}).get("order_contact_email", {})
    assert len(leaking) == planted.get("canary_exchanges", 0)
    assert {(e["version"], kind(e)) for e in leaking} <= {("2.4.0", ("GET", "/orders/{id}", 200))}
    emails = {json.loads(e["response"]["body"])["customerContact"]["email"] for e in leaking}
    assert len(emails) == planted.get("distinct_emails_in_exchanges", 0)


def test_profile_emails_are_on_both_cohorts() -> None:
    expected = truth(COMPROMISED)["exchanges_with_profile_email"]
    profiles = [e for e in exchanges(COMPROMISED) if kind(e) == ("GET", "/api/v1/profile", 200)]
    assert all("@mail.example" in e["response"]["body"] for e in profiles)
    assert Counter(version_cohort(e["version"]) for e in profiles) == expected
    assert min(expected.values()) > 0


def test_no_other_new_shape_on_the_canary(rollout: Path) -> None:
    allowed = {"$.customerContact", "$.customerContact.email"} if rollout == COMPROMISED else set()
    baseline = shapes(rollout, "baseline")
    for found, paths in shapes(rollout, "canary").items():
        assert paths - baseline.get(found, paths) <= allowed, found


def test_no_other_new_destination_or_name_on_the_canary(rollout: Path) -> None:
    cohort_of = pods(rollout)
    asked = {c: {d["query"] for d in zeek(rollout, "dns.log") if cohort_of[d["id.orig_h"]] == c} for c in COHORTS}
    assert asked["canary"] - asked["baseline"] == ({COLLECTOR} if rollout == COMPROMISED else set())
    seen = {s["server_name"] for s in zeek(rollout, "ssl.log")}
    assert seen == EXTERNAL | ({COLLECTOR} if rollout == COMPROMISED else set())


def test_the_only_new_route_is_the_wishlist_of_the_clean_rollout(rollout: Path) -> None:
    def paths(cohort: str) -> set[str]:
        found = {e["path"].split("?")[0] for e in access(rollout) if subset(e) == cohort}
        return {re.sub(r"^/(orders|products)/[^/]+$", r"/\1/{id}", path) for path in found}

    new = paths("canary") - paths("baseline")
    assert new == ({"/api/v1/wishlist"} if rollout.name == "checkout-clean" else set())
    wishes = [e for e in access(rollout) if e["path"] == "/api/v1/wishlist"]
    assert all(e["authn"] != "anon" for e in wishes)


# --- what is wrong with the careless rollout -------------------------------------------------------------------------


CARELESS = SAMPLES / "checkout-careless"


def test_the_careless_routing_sends_more_than_configured() -> None:
    for phase in truth(CARELESS)["traffic_share"]:
        mine = [
            e
            for e in access(CARELESS)
            if periods(CARELESS, e["start_time"]) == phase["phase"] and subset(e) != "unknown"
        ]
        assert (len(mine), sum(subset(e) == "canary" for e in mine)) == (phase["requests"], phase["canary"])
        assert phase["canary"] / phase["requests"] > 2 * phase["configured_percent"] / 100


def test_the_careless_canary_still_answers_after_the_rollback() -> None:
    late = [e for e in access(CARELESS) if subset(e) == "canary" and e["start_time"] >= "2026-03-03T10:01:00"]
    assert len(late) == truth(CARELESS)["careless"]["requests_a_minute_after_rollback"] > 0


def test_the_careless_samplers_are_ahead() -> None:
    stamps = {e["request_id"]: datetime.fromisoformat(e["start_time"]) for e in access(CARELESS)}
    ahead = {(datetime.fromisoformat(x["time"]) - stamps[x["id"]]).total_seconds() for x in exchanges(CARELESS)}
    assert ahead == {truth(CARELESS)["careless"]["clock_offset_seconds"]}


def test_the_careless_network_sensor_was_down() -> None:
    minutes = {
        int(float(row["ts"]) // 60) for name in ("conn.log", "dns.log", "ssl.log") for row in zeek(CARELESS, name)
    }
    start = int(datetime.fromisoformat("2026-03-03T09:18:00Z").timestamp() // 60)
    assert not minutes & set(range(start, start + truth(CARELESS)["careless"]["gap_minutes"]))
    assert {start - 1, start + 11} <= minutes


def test_one_careless_pod_runs_another_image() -> None:
    digests: dict[str, set[str]] = {}
    for pod in document(CARELESS, "rollout/pods.json")["items"]:
        digests.setdefault(pod["status"]["containerStatuses"][0]["imageID"].partition("@")[2], set()).add(
            pod["metadata"]["name"]
        )
    declared = tomllib.loads((CARELESS / "canary.toml").read_text())["release"]
    assert set(digests) - {declared["canary_digest"], declared["baseline_digest"]} != set()
    assert {truth(CARELESS)["careless"]["moved_tag_pod"]} in digests.values()


def test_the_new_exception_is_thrown_with_the_flag_only() -> None:
    expected = truth(CARELESS)["careless"]
    flags = {e["trace_id"]: e for e in ndjson(CARELESS / "flags/evaluations.ndjson.gz")}
    thrown = [
        e
        for e in ndjson(CARELESS / "logs/checkout.log.gz")
        if e.get("err", {}).get("type") == expected["exception_type"]
    ]
    assert len(thrown) == expected["exceptions"]
    assert {version_cohort(e["version"]) for e in thrown} == {"canary"}
    assert {flags[e["trace_id"]]["feature_flag.result.variant"] for e in thrown} == {expected["variant"]}
    assert len({flags[e["trace_id"]]["feature_flag.context.id"] for e in thrown}) == expected["exception_callers"]
    canary = {
        e["feature_flag.result.variant"] for e in flags.values() if version_cohort(e["service.version"]) == "canary"
    }
    assert canary == {"on", "off"}


def test_provider_errors_and_firewall_rules(rollout: Path) -> None:
    if not (rollout / "waf").exists():
        return
    expected = truth(rollout).get("careless", {"provider_errors": 0, "waf_detected": 0})
    events = [
        e for e in ndjson(rollout / "auth/auth_events.ndjson.gz") if e["event_reason"] == "temporarily_unavailable"
    ]
    assert len(events) == expected["provider_errors"]
    assert {version_cohort(e["service_version"]) for e in events} <= {"canary"}
    cohort_of = pods(rollout)
    found = Counter(
        (t["transaction"]["messages"][0]["details"]["ruleId"], cohort_of[t["transaction"]["host_ip"]])
        for t in ndjson(rollout / "waf/modsec_audit.log.gz")
    )
    assert found["942100", "canary"] == expected["waf_detected"]
    assert found["942100", "baseline"] == 0
    assert found["930100", "baseline"] > 0


def test_handshakes_with_the_mailer_fail_on_the_careless_canary_only() -> None:
    cohort_of, expected = pods(CARELESS), truth(CARELESS)["careless"]
    mailer = [row for row in zeek(CARELESS, "ssl.log") if row["server_name"] == "api.mailer.example"]
    found = Counter((cohort_of[row["id.orig_h"]], row["established"]) for row in mailer)
    assert (found["canary", "F"], found["canary", "T"]) == (
        expected["mailer_failed"],
        expected["mailer_established_on_canary"],
    )
    assert found["baseline", "F"] == 0
