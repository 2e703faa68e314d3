"""What is planted in the evidence is in no file of a package, in no form: with pseudonyms and with ordinals."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import run
from tests.package.needles import forms, found_in, identifiers, unpacked

SAMPLES = ("checkout-careless", "checkout-clean", "checkout-compromised", "checkout-thin")
# Ids of requests and traces are too many to be looked for in all forms: every word that looks like one is compared.
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("sample", SAMPLES)
def test_nothing_of_the_samples(sample: str, keyed: bool, reviewed: Reviewed, tmp_path: Path) -> None:
    case = reviewed.copy(sample, tmp_path / "a.case")
    options = ["--key", str(tmp_path / "key")] if keyed else []
    assert run("package", case, tmp_path / "out", *options).code == 0
    blob, planted = unpacked(tmp_path / "out"), identifiers(sample)
    assert len(planted["people"]) > 200
    assert len(planted["clients"]) > 200
    assert len(planted["requests"]) > 1500
    assert planted["mails"]
    kinds = ("people", "clients", "mails", "orders")
    assert found_in(blob, set().union(*(planted[kind] for kind in kinds))) == set()
    assert {word.decode() for word in _ID.findall(blob)} & planted["requests"] == set()


def test_the_search_finds_what_is_there(reviewed: Reviewed) -> None:
    """The case itself names who acted: there the same search finds them; and each form of a value is found in itself."""
    case = reviewed.case("checkout-careless")
    assert "release.manager@shop.example" in found_in(
        (case / "results" / "actions.json").read_bytes(), identifiers("checkout-careless")["people"]
    )
    for text in ("u-14030", "ada.khan130@mail.example", "192.0.2.31"):
        assert len(forms(text)) > 30
        assert all(found_in(b"a" + form + b"b", [text]) == {text} for form in forms(text))
    assert found_in(b"eyJ1c2VyIjoidS0xNDAzMCJ9", ["u-14030"]) == {"u-14030"}  # {"user":"u-14030"} in base64


PLANTED = {
    "account": "jana.dohnal@corp.example", "name": "Jane Q. Doe-Näslund", "session": "sess-9f8e7d6c5b4a", "client": "198.51.100.77",
    "peer": "2001:db8::77", "token": "tok.AbCdEf.0123456789", "cookie": "sid=c00k1e5ecret", "password": "hunter2-correct-horse",
    "card": "4929 1234 5678 9012", "path": "jane-doe-4711", "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "owner": "olga.owner@corp.example",
    "reason": "agreed with Olga Owner on the phone", "member": "cohort-member-31337", "scanner": "198.51.100.99", "operator": "max.muster@corp.example",
    "agent": "JanesOwnBrowser/1.0", "secret": "db-credentials-of-jane",
}  # fmt: skip


def evidence(folder: Path) -> None:
    """Write evidence that names people in every kind of column, and a configuration that does."""
    p = PLANTED
    exchanges = [
        {
            "time": f"2026-03-03T09:{minute:02}:00Z", "id": f"{p['trace']}-{minute}", "version": "2.4.0" if minute % 2 else "2.3.9",
            "user": p["account"], "session": p["session"], "client_address": p["client"], "role": "user",
            "request": {"method": "POST", "url": f"https://shop.example/people/{p['path']}?password={p['password']}", "body": json.dumps({"card": p["card"]}),
                "headers": [["Authorization", f"Bearer {p['token']}"], ["Cookie", p["cookie"]], ["User-Agent", p["agent"]], ["X-Forwarded-For", p["peer"]]]},
            "response": {"status": 500, "headers": [["content-type", "application/json"], ["set-cookie", p["cookie"]]], "body_encoding": "utf8", "body_state": "full",
                "body": json.dumps({"email": p["account"], "name": p["name"], "stack": "Error: x\n    at pay (/srv/app/pay.js:3:1)\n    at run (/srv/app/run.js:1:1)"})},
        }
        for minute in range(60)
    ]  # fmt: skip
    requests = [
        {
            "observer": "gateway", "time": f"2026-03-03T09:{minute:02}:30Z", "http_request_method": "GET", "url_path": f"/people/{p['path']}",
            "url_query": f"password={p['password']}", "http_response_status_code": 200 if minute % 2 else 401, "client_address": p["client"] if minute % 3 else p["peer"],
            "network_peer_address": p["peer"], "user_agent_original": p["agent"], "http_request_header_referer": f"https://x.example/{p['path']}",
            "user_id": [p["account"], p["member"]][minute % 2] if minute % 5 else None, "session_id": p["session"], "service_version": "2.4.0" if minute % 2 else "2.3.9",
            "trace_id": p["trace"], "http_request_id": p["trace"][::-1],
        }
        for minute in range(60)
    ]  # fmt: skip
    audit = [
        {
            "observer": "kubernetes.audit", "time": f"2026-03-03T09:{minute:02}:00Z", "event_action": action, "event_outcome": "success", "event_reason": p["reason"],
            "user_name": p["operator"], "client_address": p["client"], "user_agent_original": p["agent"], "resource_kind": kind, "resource_name": p["secret"],
            "authorization_decision": "allow",
        }
        for minute, (action, kind) in enumerate([("create", "pods/exec"), ("get", "secrets"), ("patch", "rollouts"), ("update", "configmaps")] * 4)
    ]  # fmt: skip
    events = [
        {
            "observer": "people", "time": f"2026-03-03T09:{minute:02}:10Z", "event_kind": kind, "rollout_name": "checkout", "canary_weight": 20,
            "message": f"{p['name']}: {p['reason']}", "actor": p["operator"], "reason": "ByHand",
        }
        for minute, kind in enumerate(["started", "weight_set", "paused", "resumed", "promoted", "rolled_back"])
    ]  # fmt: skip
    logs = [
        {
            "observer": "app", "time": f"2026-03-03T09:{minute:02}:20Z", "service_version": "2.4.0" if minute % 2 else "2.3.9", "log_level": "error",
            "message": f"cannot pay for user {p['account']}: card {p['card']}", "exception_type": "PaymentError" if minute % 2 else None,
            "exception_message": f"{p['name']} has no funds", "exception_stacktrace": f"PaymentError: {p['name']}\n    at pay (/srv/app/pay.js:3:1)",
        }
        for minute in range(60)
    ]  # fmt: skip
    for name, rows in (
        ("x", exchanges),
        ("http_requests", requests),
        ("auth_events", audit),
        ("rollout_events", events),
        ("app_logs", logs),
    ):
        (folder / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "broken.ndjson").write_text(
        "".join(json.dumps(row) + "\n" for row in requests[:5]) + f'{{"time": {p["password"]} {p["account"]}\n'
    )
    (folder / "canary.toml").write_text(CONFIG)


CONFIG = f"""
[release]
service = "checkout"
baseline_version = "2.3.9"
canary_version = "2.4.0"
[window]
start = 2026-03-03T08:30:00Z
end = 2026-03-03T10:40:00Z
[[phase]]
name = "weight-20"
start = 2026-03-03T09:00:00Z
end = 2026-03-03T10:00:00Z
weight = 20
[[cohort]]
cohort = "canary"
column = "service_version"
equals = "2.4.0"
[[cohort]]
cohort = "baseline"
column = "service_version"
equals = "2.3.9"
[[cohort]]
cohort = "canary"
table = "http_requests"
column = "user_id"
in = ["{PLANTED["member"]}", "{PLANTED["account"]}"]
[[cohort]]
cohort = "canary"
table = "http_requests"
column = "client_address"
cidr = "{PLANTED["client"]}/32"
[[cohort]]
cohort = "canary"
table = "http_requests"
column = "session_id"
equals = "{PLANTED["session"]}"
[[route]]
template = "/people/{{id}}"
[[allow]]
destination = "api.payments.example:443"
owner = "{PLANTED["owner"]}"
reason = "{PLANTED["reason"]}"
[[suppress]]
detector = "logs.*"
owner = "{PLANTED["owner"]}"
reason = "{PLANTED["reason"]}"
expires = 2027-01-01
[[suppress]]
detector = "access.*"
owner = "{PLANTED["owner"]}"
reason = "{PLANTED["reason"]}"
expires = 2025-01-01
[[synthetic]]
name = "scanner"
user_agent = "{PLANTED["agent"]}*"
client = "{PLANTED["scanner"]}"
[retention]
days = 30
reason = "{PLANTED["reason"]}"
"""


@pytest.mark.parametrize("keyed", [True, False])
def test_nothing_of_what_is_planted_in_every_column_and_the_configuration(
    keyed: bool, reviewed: Reviewed, tmp_path: Path
) -> None:
    def build(folder: Path) -> None:
        folder.mkdir()
        evidence(folder)
        assert run("review", folder, "--case", folder / "planted.case").code == 3  # a sixth of one file is no record

    source = reviewed.make("planted", build) / "planted.case"
    case = tmp_path / "a.case"
    shutil.copytree(source, case)
    options = ["--key", str(tmp_path / "key")] if keyed else []
    done = run("package", case, tmp_path / "out", *options)
    assert done.code == 0, done.err
    data = tmp_path / "out" / "data"
    cited = {path.stem for path in (data / "evidence").glob("*.csv")}
    assert {"http_requests", "http_exchanges", "auth_events", "rollout_events", "app_logs"} <= cited
    findings = json.loads((data / "report" / "findings.json").read_text())
    assert any(item["suppression"] for item in findings["findings"])
    assert findings["case"]["expired_suppressions"]
    assert json.loads((data / "evidence" / "rejects.json").read_text())["records"] == 1
    blob = unpacked(tmp_path / "out")
    leaked = found_in(blob, PLANTED.values())
    assert leaked == set()
    assert found_in(blob, ["Näslund", "hunter2", "jana.dohnal", "olga.owner", "Olga", "max.muster"]) == set()


def test_what_is_planted_is_in_the_case(tmp_path: Path) -> None:
    """The other side: the same search over the case's own outputs finds people, so that the test above can fail."""
    (tmp_path / "e").mkdir()
    evidence(tmp_path / "e")
    assert run("review", tmp_path / "e", "--case", tmp_path / "a.case").code == 3
    outputs = unpacked(tmp_path / "a.case" / "results") + (tmp_path / "a.case" / "findings.json").read_bytes()
    assert {PLANTED["operator"], PLANTED["owner"], PLANTED["reason"]} <= found_in(outputs, PLANTED.values())
