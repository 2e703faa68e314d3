"""Every number of the Article 33 draft of the compromised sample: the truth of the sample, and its own query through the sandbox."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, run, truth
from tests.gdpr.given import FULL, made, notification, numbers

NAME = "checkout-compromised"
FOLDER = SAMPLES / NAME
EMAIL, OPEN, UPLOAD = "disclosure.email_property", "access.anonymous_allow_flip", "outbound.upload_volume"
Json = dict[str, Any]


def lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()


def access() -> list[Json]:
    """Requests of the access logs that the canary answered."""
    found = [json.loads(line) for path in sorted((FOLDER / "access").iterdir()) for line in lines(path)]
    return [entry for entry in found if "|canary|" in (entry["upstream_cluster"] or "")]


def samples() -> list[Json]:
    """Sampled exchanges of the canary."""
    found = [json.loads(line) for line in lines(FOLDER / "samples" / "exchanges.ndjson")]
    return [entry for entry in found if entry["version"] == "2.4.0"]


def orders(entries: Iterable[Json]) -> list[Json]:
    return [e for e in entries if e["method"] == "GET" and re.fullmatch(r"/orders/o-\d+", e["path"].partition("?")[0])]


def people(entries: Iterable[Json]) -> dict[str, int]:
    """Count people as the law of the documents says: account, else session, else address."""
    told = list(entries)
    sessions = {e["session_id"] for e in told if not e["user_id"] and e["session_id"]}
    addresses = {e["x_forwarded_for"] for e in told if not e["user_id"] and not e["session_id"]}
    return {
        "user_ids": len({e["user_id"] for e in told if e["user_id"]}), "sessions": len(sessions), "client_addresses": len(addresses), "nameless_requests": 0,
    }  # fmt: skip


def contacts() -> list[str]:
    """E-mail addresses that sampled answers of the orders carried in the new property."""
    bodies = [e["response"]["body"] for e in samples() if "/orders/" in e["request"]["url"] and e["response"]["body"]]
    return [found["customerContact"]["email"] for found in map(json.loads, bodies) if "customerContact" in found]


def end_of_uploads() -> datetime:
    fields = next(line for line in lines(FOLDER / "network" / "conn.log") if line.startswith(b"#fields"))
    names = fields.decode().split("\t")[1:]
    rows = [dict(zip(names, line.decode().split("\t"), strict=True)) for line in lines(FOLDER / "network" / "conn.log") if line[:1] != b"#"]  # fmt: skip
    sent = [row for row in rows if row["id.resp_h"] == "203.0.113.77"]
    assert sum(int(row["orig_bytes"]) for row in sent) == 100_300
    return max(datetime.fromtimestamp(float(r["ts"]), UTC) + timedelta(seconds=float(r["duration"])) for r in sent)


def expected() -> dict[tuple[str, str, str, str], tuple[Any, dict[str, int] | None]]:
    """Return value and parts by detector, measure, bound and class: from expected.toml where it tells, else from the raw evidence."""
    planted, logged = truth(NAME)["planted"], access()
    mail, reports, home = planted["order_contact_email"], planted["open_admin_reports"], planted["phone_home"]
    pinned = truth(NAME)["pinning"]["users_on_canary"]
    answered = [e for e in orders(logged) if e["response_code"] == 200]
    pod, end = f"{home['pod_address']}:", end_of_uploads()
    # a request that names no pod may have been answered by any
    before = [
        e
        for e in logged
        if (e["upstream_host"] or pod).startswith(pod) and datetime.fromisoformat(e["start_time"]) <= end
    ]
    handled, served = people(before), people(logged)
    assert people(answered)["user_ids"] == mail["canary_users"]
    assert served["user_ids"] == pinned
    assert len(set(contacts())) == mail["distinct_emails_in_exchanges"]
    shown = len({e["user"] for e in samples() if "customerContact" in (e["response"]["body"] or "")})
    users = {"user_ids": shown, "sessions": 0, "client_addresses": 0, "nameless_requests": 0}
    none: tuple[None, None] = (None, None)
    return {
        (OPEN, "people", "lower", ""): none,
        (OPEN, "people", "upper", ""): none,
        (OPEN, "records", "lower", ""): none,
        (OPEN, "records", "upper", ""): (reports["canary_answered_200"], {}),
        (OPEN, "answers that should have been refused", "exact", ""): (reports["canary_answered_200"], {}),
        (OPEN, "callers who got these answers", "exact", ""): (reports["canary_clients"], {"user_ids": 0, "sessions": 0, "client_addresses": reports["canary_clients"], "nameless_requests": 0}),
        (OPEN, "sampled share", "exact", ""): (reports["canary_exchanges"] / reports["canary_answered_200"], {"sampled": reports["canary_exchanges"], "answers": reports["canary_answered_200"]}),
        (EMAIL, "people", "lower", ""): (shown, users),
        (EMAIL, "people", "upper", ""): (mail["canary_users"], users | {"user_ids": mail["canary_users"]}),
        (EMAIL, "records", "lower", ""): (mail["canary_exchanges"], {}),
        (EMAIL, "records", "upper", ""): (mail["canary_requests"], {}),
        (EMAIL, "distinct values", "lower", "E-mail address"): (mail["distinct_emails_in_exchanges"], {"answers": mail["canary_exchanges"]}),
        (EMAIL, "sampled share", "exact", ""): (mail["canary_exchanges"] / mail["canary_requests"], {"sampled": mail["canary_exchanges"], "answers": mail["canary_requests"]}),
        (UPLOAD, "people", "lower", ""): none,
        (UPLOAD, "people", "upper", ""): (sum(handled.values()), handled),
        (UPLOAD, "records", "lower", ""): none,
        (UPLOAD, "records", "upper", ""): none,
        (UPLOAD, "bytes sent", "exact", ""): (home["bytes_up"], {"connections": home["connections"]}),
        ("total", "people", "lower", ""): (shown, users),
        ("total", "people", "upper", ""): none,
        ("total", "records", "lower", ""): (mail["canary_exchanges"], {}),
        ("total", "records", "upper", ""): none,
        ("total", "distinct values", "lower", "E-mail address"): (mail["distinct_emails_in_exchanges"], {"answers": mail["canary_exchanges"]}),
        ("total", "people served by the canary", "upper", ""): (sum(served.values()), served),
    }  # fmt: skip


def test_every_number_equals_the_truth_and_there_is_no_other(reviewed: Reviewed) -> None:
    found, wanted = numbers(reviewed.case(NAME)), expected()
    assert found.keys() == wanted.keys()
    for key, (value, by) in wanted.items():
        told = found[key]
        if value is None:
            assert (told["value"], told["state"], told["query"]) == (None, "unknown", ""), key
            assert told["reason"], key
        else:
            assert told["value"] == pytest.approx(value, rel=1e-8), key
            assert told["by"] == by, key
            assert (told["state"], told["reason"]) == ("known", ""), key
            assert told["method"], key


@pytest.mark.parametrize("text", ["", FULL])
def test_every_number_comes_out_of_its_query_through_the_sandbox(text: str, reviewed: Reviewed) -> None:
    case = reviewed.case(NAME)
    known = [number for number in notification(case, text)["numbers"] if number["state"] == "known"]
    assert len(known) == (21 if text else 16)  # 24 numbers, 8 of them unknown; five of people are told by category too
    for number in known:
        done = run("sql", case, number["query"], "--json")
        assert done.code == 0, done.err
        (row,) = json.loads(done.out)
        assert list(row.values()) == pytest.approx([number["value"], *number["by"].values()], rel=1e-8), number["id"]


def test_actions_of_the_log_come_out_of_their_query(reviewed: Reviewed) -> None:
    case = reviewed.case(NAME)
    measures = notification(case)["measures"]
    rows = json.loads(run("sql", case, measures["by_the_log_query"], "--json").out)
    assert [(row["event_kind"], row["canary_weight"]) for row in rows] == [
        (row["action"], row["weight"]) for row in measures["by_the_log"]
    ]
    assert {row["time"] for row in measures["by_the_log"] if row["action"] == "aborted"} == {"2026-03-03T10:10:00Z"}


def test_accounts_by_category_are_those_of_the_access_log(reviewed: Reviewed) -> None:
    found = numbers(reviewed.case(NAME), FULL)
    logged = access()
    admins = {e["user_id"] for e in logged if e["user_id"] and e["role"] == "admin"}
    others = {e["user_id"] for e in logged if e["user_id"]} - admins
    told = found["total", "people served by the canary by category", "upper", ""]
    assert admins
    assert told["by"] == {"administrators": len(admins), "customers": len(others), "no category": 0}
    callers = {e["user_id"]: e["role"] for e in orders(logged) if e["response_code"] == 200}
    told = found[EMAIL, "people by category", "upper", ""]
    assert told["by"]["administrators"] == sum(role == "admin" for role in callers.values())
    assert sum(told["by"].values()) == told["value"] == truth(NAME)["planted"]["order_contact_email"]["canary_users"]


class Cells(HTMLParser):
    """Collect the cells of rows of four and more."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in {"th", "td"} or (self.inside and tag != "tr")
        if tag in {"th", "td"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in {"th", "td"}

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def test_markdown_and_html_show_the_numbers_of_the_json(reviewed: Reviewed) -> None:
    files = made(reviewed.case(NAME))
    told = {n["id"]: n for n in json.loads(files["art33-notification.json"])["numbers"]}
    markdown = [line.strip("| ").split(" | ") for line in files["art33-notification.md"].decode().splitlines() if re.match(r"\| N\d", line)]  # fmt: skip
    html = [row for row in Cells(files["art33-notification.html"].decode()).rows if re.fullmatch(r"N\d+", row[0])]
    for rows in (markdown, html):
        assert {row[0] for row in rows} == told.keys()
        for name, _, bound, amount, _ in rows:
            value = told[name]["value"]
            shown = "unknown" if value is None else f"{value * 100:.1f} %" if isinstance(value, float) else f"{value:,}"
            assert (bound, amount) == ({"lower": "at least", "upper": "at most", "exact": "exactly"}[told[name]["bound"]], shown)  # fmt: skip
    register = json.loads(files["breach-register-entry.json"])["effects"]["numbers"]
    counts = json.loads(files["data-subject-counts.json"])["numbers"]
    assert register == [n for n in told.values() if n["about"] == "total"]
    assert counts == list(told.values())


def test_unknown_is_never_zero(reviewed: Reviewed) -> None:
    for name in (NAME, "checkout-clean", "checkout-thin", "checkout-careless"):
        for number in notification(reviewed.case(name), FULL)["numbers"]:
            assert number["value"] != 0, number
            assert (number["value"] is None) == bool(number["reason"]), number


def test_the_numbers_of_the_page_are_those_of_the_sample(reviewed: Reviewed) -> None:
    page = " ".join((SAMPLES.parent / "docs" / "gdpr.md").read_text(encoding="utf-8").split())
    n = {key[:3]: number["value"] for key, number in numbers(reviewed.case(NAME)).items()}
    assert (
        f"at least {n['total', 'people', 'lower']} people and at least {n['total', 'records', 'lower']} records; the new e-mail property "
        f"concerns at most {n[EMAIL, 'people', 'upper']} people in {n[EMAIL, 'records', 'upper']} answers, of which "
        f"{n[EMAIL, 'sampled share', 'exact']:.1%} were sampled; {n[OPEN, 'answers that should have been refused', 'exact']} open answers went to "
        f"{n[OPEN, 'callers who got these answers', 'exact']} addresses; {n[UPLOAD, 'bytes sent', 'exact']:,} bytes were sent, of at most "
        f"{n[UPLOAD, 'people', 'upper']} people; the canary answered at most {n['total', 'people served by the canary', 'upper']} people."
    ).replace("%", " %") in page
