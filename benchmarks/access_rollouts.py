"""Recall of the detectors of access, and their false alarms: generated rollouts with the truth known.

    python benchmarks/access_rollouts.py [--seeds 100] [--only NAME] [--write]

Each bypass is injected alone, with one to five requests where that shows it, into a healthy rollout of benchmarks/access_traffic.py; recall is the
share of seeds in which its detector has a finding that the baseline does not show. A false alarm is a finding of family `access`, medium or above,
in a rollout without any injection. Tables stay in memory: a rollout takes a second and a half.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.access_traffic import (
    ALLOWED,
    BASELINE,
    CANARY,
    PROTECTED,
    Caller,
    Rollout,
    Row,
    body,
    headers,
    healthy,
    request,
    sample,
    stamp,
    token,
)
from benchmarks.quality_page import write_access
from forensics import views
from forensics.config import parse
from forensics.detectors import Context, by_id, load, run
from forensics.detectors.testing import DEFAULT_CONFIG
from forensics.findings import Finding, level
from forensics.schema import TABLES
from forensics.store import Sandbox, lock, name, open_memory

CONFIG = parse(DEFAULT_CONFIG).config
DETECTORS = [detector for detector in load() if detector.family == "access"]
DAY = date(2026, 3, 3)
Extra = Callable[["Injection"], None]
INJECTIONS: dict[str, Extra] = {}


_INTRODUCTION = """Made by `python benchmarks/access_rollouts.py --seeds 100 --write`. A healthy rollout has 40 routes, six roles, three tenants, about 11,000 requests, of which
the canary takes a tenth, samples of a quarter, sign-ins and an audit log; sessions expire, bots and a scanner come by, clients retry, the upstream fails, one route is new,
one is renamed, one partner sends much. Each bypass is added to it alone, with one to five requests; found is a new finding of its detector.
"""
_EXPLAINED = """
What was missed is not in the evidence, or not strongly enough: `role_allow_flip` asks for five refusals of that role by the baseline on the route, the six seeds have four each; `challenge_gone` asks for three
challenges by the baseline, its eight seeds have one or two; `denial_rate_lower` compares callers within a phase, and in its eight seeds the baseline refused so few there that the smallest p it could reach lies above
its limit; `anonymous_allow_flip` finds the same bypass in all eight."""


class Injection:
    """The rows that one bypass adds to a healthy rollout."""

    def __init__(self, base: Rollout, seed: int) -> None:
        """Begin with nothing; all chance comes from the seed."""
        self.base, self.chance, self.rows = base, random.Random(seed), Rollout()
        self.count = self.chance.randint(1, 5)

    def second(self) -> float:
        """Return a moment while the canary runs."""
        return self.chance.uniform(3700, 7100)

    def caller(self, role: str | None = None, kind: str | None = None) -> Caller:
        """Return a caller of the canary."""
        fitting = [
            one
            for one in self.base.callers
            if one.version == CANARY and role in (None, one.role) and kind in (None, one.kind)
        ]
        known = [one for one in fitting if role or one.role != "anonymous"]
        return (
            self.chance.choice(known)
            if known
            else Caller("acct-9999", role or "customer", "north", "203.0.114.250", CANARY, kind or "bearer")
        )

    def known(self, role: str) -> Caller:
        """Return a caller whom the baseline has signed in before the canary began."""
        names = {
            row["user_id"]
            for row in self.base.auth_events
            if row["observer"] == "idp" and row["time"] < stamp(3600) and row["event_outcome"] == "success"
        }
        return self.chance.choice([one for one in self.base.callers if one.role == role and one.name in names])

    def protected(self, role: str) -> str:
        """Return a route that this role may not have; those without a number in the path, which stand for one decision each."""
        return self.chance.choice([route for route in PROTECTED if role not in ALLOWED[route] and "{" not in route])

    def put(
        self,
        caller: Caller,
        route: str,
        status: int = 200,
        content: str | None = None,
        second: float | None = None,
        sent: Row | None = None,
        **row: Any,
    ) -> None:
        """Log and sample one request."""
        at = self.second() if second is None else second
        logged = request(caller, route, at, status, 7, **row)
        self.rows.http_requests.append(logged)
        told = body(route, Caller("x", "", "", "", "", ""), 7) if content is None else content
        self.rows.http_exchanges.append(sample(logged, caller, at, told, sent=sent or {}))


def injection(detector: str) -> Callable[[Extra], Extra]:
    """Name the detector that an injection is for."""

    def keep(extra: Extra) -> Extra:
        INJECTIONS[f"{detector} {extra.__name__}"] = extra
        return extra

    return keep


@injection("anonymous_allow_flip")
def anonymous_answered(it: Injection) -> None:
    """Somebody who has not signed in is answered."""
    route = it.protected("anonymous")
    for _ in range(it.count):
        it.put(it.caller("anonymous"), route)


@injection("anonymous_allow_flip")
def seen_twice(it: Injection) -> None:
    """Answer an anonymous caller twice only."""
    route = it.protected("anonymous")
    for _ in range(2):
        it.put(it.caller("anonymous"), route)


@injection("denial_rate_lower")
def nobody_refused(it: Injection) -> None:
    """Refuse nobody on one route: thirty anonymous clients of the canary are answered."""
    route = it.protected("anonymous")
    for number in range(30):
        it.put(Caller("", "anonymous", "", f"203.0.115.{number}", CANARY, "anon"), route)


@injection("role_allow_flip")
def role_answered(it: Injection) -> None:
    """One role of six may what it may not."""
    role = it.chance.choice(["customer", "support", "auditor", "manager"])
    route = it.protected(role)
    for _ in range(it.count):
        it.put(it.caller(role), route)


@injection("body_on_denial")
def redirected_with_body(it: Injection) -> None:
    """302 to the sign-in, with the object in the body."""
    route = it.protected("anonymous")
    for _ in range(it.count):
        it.put(it.caller("anonymous"), route, 302)


@injection("new_scheme_accepted")
def basic(it: Injection) -> None:
    """Accept a password in the request."""
    caller, route = it.caller(kind="bearer"), it.chance.choice(["/profile", "/checkout", "/tickets", "/queue"])
    for _ in range(it.count):
        it.put(caller, route, sent={"Authorization": "Basic dTpw"}, authentication_kind="basic")


@injection("challenge_gone")
def no_challenge(it: Injection) -> None:
    """401 without WWW-Authenticate."""
    route = it.protected("anonymous")
    for _ in range(it.count):
        it.put(it.caller("anonymous"), route, 401, "")
        it.rows.http_exchanges[-1]["http_response_headers"] = []


@injection("path_confusion")
def odd_spelling(it: Injection) -> None:
    """One of nine spellings of a refused path."""
    route = it.protected("anonymous")
    odd = it.chance.choice(["/" + route, route.upper(), route + ";x=1", route + "%00", route + "%23", "/x/.." + route, route + ".", "/%2e" + route, route.replace("/", "%2f", 2)])  # fmt: skip
    for _ in range(it.count):
        it.put(it.caller("anonymous"), route, url_path=odd)


@injection("rewrite_header")
def rewritten(it: Injection) -> None:
    """X-Original-URL names the refused path."""
    route = it.protected("anonymous")
    for _ in range(it.count):
        it.put(it.caller("anonymous"), "/help", content=body(route, it.caller(), 7), sent={"X-Original-URL": route})


@injection("method_override")
def other_verb(it: Injection) -> None:
    """HEAD is not checked."""
    route = it.protected("anonymous")
    for _ in range(it.count):
        it.put(it.caller("anonymous"), route, content="", http_request_method="HEAD")


@injection("forwarded_address")
def inner_address(it: Injection) -> None:
    """Believe a client that says it is the loopback."""
    route = it.protected("anonymous")
    for _ in range(it.count):
        it.put(it.caller("anonymous"), route, sent={"X-Forwarded-For": "127.0.0.1"})


@injection("ambiguous_identity")
def host_in_upper_case(it: Injection) -> None:
    """Compare the host with case."""
    route = it.protected("anonymous")
    for _ in range(it.count):
        it.put(it.caller("anonymous"), route, sent={"Host": "SHOP.example"})
        it.rows.http_exchanges[-1]["http_request_headers"] = headers({"Host": "SHOP.example", "Accept": "*/*"})


def with_token(it: Injection, made: Callable[[Row], str]) -> None:
    """Let a caller in with a token that is not what it should be."""
    caller = it.caller(kind="bearer")
    for _ in range(it.count):
        at = it.second()
        it.put(caller, "/profile", second=at, sent={"Authorization": f"Bearer {made(caller.claims(at))}"})


@injection("token_unsigned")
def no_signature(it: Injection) -> None:
    """Accept the algorithm none."""
    with_token(it, lambda claims: token({"alg": "none"}, claims, ""))


@injection("token_not_valid")
def expired(it: Injection) -> None:
    """Accept a token that ended an hour ago."""
    with_token(it, lambda claims: token({}, claims | {"exp": claims["iat"] - 3000}))


@injection("token_not_valid")
def other_issuer(it: Injection) -> None:
    """Accept a token of another issuer."""
    with_token(it, lambda claims: token({}, claims | {"iss": "https://id.other.example"}))


@injection("token_key_confusion")
def shared_secret(it: Injection) -> None:
    """RS256 became HS256."""
    with_token(it, lambda claims: token({"alg": "HS256"}, claims))


@injection("token_trailing_text")
def trailing(it: Injection) -> None:
    """Text behind the token."""
    with_token(it, lambda claims: token({}, claims) + " x")


@injection("credential_not_rotated")
def old_token(it: Injection) -> None:
    """Accept a token of last month."""
    with_token(it, lambda claims: token({}, claims | {"iat": claims["iat"] - 30 * 86400}))


@injection("foreign_object")
def order_of_another(it: Injection) -> None:
    """Give a customer the order of another one."""
    owners = [row for row in it.base.http_requests if row["url_path"].startswith("/orders/") and row["http_response_status_code"] == 200 and row["service_version"] == BASELINE]  # fmt: skip
    seen = Counter(row["url_path"] for row in owners)
    wanted = it.chance.choice([row for row in owners if seen[row["url_path"]] > 1 and row["user_role"] == "customer"])
    for _ in range(it.count):
        it.put(
            it.caller("customer"),
            "/orders/{id}",
            url_path=wanted["url_path"],
            content=body("/orders/{id}", Caller(wanted["user_id"], "", "", "", "", ""), 7),
        )


@injection("sequential_ids")
def walk(it: Injection) -> None:
    """Thirty orders in a row."""
    caller = it.caller("customer")
    for number in range(30):
        it.put(caller, "/orders/{id}", url_path=f"/orders/{500 + number}", content="")


@injection("tenant_changed")
def of_another_tenant(it: Injection) -> None:
    """Let in an account of the baseline whose token names another tenant."""
    seen = Counter(row.get("user_id") for row in it.base.http_exchanges if row["service_version"] == BASELINE and row["http_response_status_code"] == 200)  # fmt: skip
    known = [one for one in it.base.callers if one.version == BASELINE and one.kind == "bearer" and seen[one.name] > 1]
    caller = replace(it.chance.choice(known), version=CANARY)
    for _ in range(it.count):
        at = it.second()
        sent = {"Authorization": f"Bearer {token({}, caller.claims(at) | {'tenant': 'elsewhere'})}"}
        it.put(caller, "/profile", second=at, sent=sent)


@injection("shared_session")
def mixed_up(it: Injection) -> None:
    """Two accounts in one session."""
    for _ in range(2):
        caller = it.caller("customer", "cookie")
        it.put(caller, "/profile", session_id="s-mixed")
    it.put(Caller("acct-x", "customer", "north", "203.0.114.9", CANARY, "cookie"), "/profile", session_id="s-mixed")


@injection("session_fixation")
def kept_session(it: Injection) -> None:
    """Keep the session from before the sign-in."""
    at = it.second()
    it.put(Caller("", "anonymous", "", "203.0.114.9", CANARY, "cookie"), "/help", second=at, session_id="s-kept")
    it.put(
        Caller("acct-x", "customer", "north", "203.0.114.9", CANARY, "cookie"),
        "/profile",
        second=at + 60,
        session_id="s-kept",
    )


@injection("session_after_logout")
def after_logout(it: Injection) -> None:
    """Answer a session after it was ended."""
    caller, at = Caller("acct-x", "customer", "north", "203.0.114.9", CANARY, "cookie"), it.second()
    it.put(caller, "/logout", 204, "", second=at, session_id="s-ended")
    for number in range(it.count):
        it.put(caller, "/profile", second=at + 60 + number, session_id="s-ended")


@injection("session_outlives")
def endless_session(it: Injection) -> None:
    """Sessions of the baseline last ten minutes; one of the canary lasts 50."""
    for minute in (0, 50):
        it.put(
            Caller("acct-x", "customer", "north", "203.0.114.9", CANARY, "cookie"),
            "/profile",
            second=3700.0 + 60 * minute,
            session_id="s-long",
        )


@injection("fail_open")
def passed_without_decision(it: Injection) -> None:
    """Let requests through without a decision."""
    for _ in range(it.count):
        it.put(it.caller(), "/profile", sent={"x-envoy-auth-failure-mode-allowed": "true"})


@injection("open_administrative_route")
def actuator(it: Injection) -> None:
    """Open a console that only the canary has."""
    for _ in range(it.count):
        it.put(it.caller("anonymous"), "/actuator/env")


@injection("brute_force_brake_lost")
def guessing(it: Injection) -> None:
    """Stop callers of the baseline after five failures, and nobody on the canary who fails fifteen times."""
    for number, version, failures in [*((n, BASELINE, 5) for n in range(6)), (9, CANARY, 15)]:
        caller = Caller("", "anonymous", "", f"198.51.100.{number + 20}", version, "anon")
        for step in range(failures):
            it.put(caller, "/login", 401, "", second=4000.0 + step)
        if version == BASELINE:
            it.put(caller, "/login", 429, "", second=4010.0)


@injection("confirmation_lost")
def no_forgery_check(it: Injection) -> None:
    """Make a change without a token; the baseline refuses three such."""
    for version, status in [(BASELINE, 403)] * 3 + [(CANARY, 200)] * it.count:
        at = it.second()
        logged = request(
            Caller("acct-x", "customer", "north", "203.0.114.9", version, "cookie"),
            "/refund-requests",
            at,
            status,
            http_request_method="POST",
        )
        it.rows.http_exchanges.append(
            sample(logged, Caller("", "", "", "", version, "none"), at, "{}", sent={"Cookie": "sessionid=s-x"})
        )


def event(it: Injection, action: str = "login", **more: Any) -> None:
    """Add one event of the identity provider on the canary."""
    it.rows.auth_events.append({
        "time": stamp(it.second()), "observer": "idp", "service_version": CANARY, "event_action": action, "event_outcome": "success",
        "authentication_kind": "password+otp", "client_address": "203.0.114.9",
    } | more)  # fmt: skip


@injection("role_gained")
def promoted(it: Injection) -> None:
    """Name a customer administrator."""
    one = it.known("customer")
    event(it, user_id=one.name, user_name=one.name, user_roles=["admin"])


@injection("new_administrator")
def unknown_administrator(it: Injection) -> None:
    """Sign in an administrator whom nobody knew."""
    event(it, user_id="acct-evil", user_name="acct-evil", user_roles=["admin"])


@injection("second_factor_lost")
def password_only(it: Injection) -> None:
    """Staff sign in without the second factor."""
    one = it.known("support")
    event(it, user_id=one.name, user_name=one.name, user_roles=["support"], authentication_kind="password")


@injection("default_account")
def admin_admin(it: Injection) -> None:
    """Let the account `admin` in."""
    event(it, user_id="1", user_name="admin", user_roles=["customer"])


@injection("account_impersonated")
def acts_as(it: Injection) -> None:
    """Support acts as a customer."""
    one = it.caller("support")
    event(it, "impersonate", user_id=one.name, user_name=one.name)


@injection("sign_in_refusals_higher")
def locked_out(it: Injection) -> None:
    """Half of the callers fail to sign in."""
    for number in range(40):
        event(
            it, user_id=f"new-{number}", event_outcome="failure" if number % 2 else "success", authentication_kind=None
        )


def audit(it: Injection, **more: Any) -> None:
    """Add one event of the cluster's audit log."""
    it.rows.auth_events.append({
        "time": stamp(it.second()), "observer": "kubernetes.audit", "event_action": "get", "event_outcome": "success",
        "user_name": "system:serviceaccount:shop:checkout", "client_address": "10.1.2.3", "resource_kind": "secrets",
    } | more)  # fmt: skip


@injection("cluster_reach")
def reads_secrets(it: Injection) -> None:
    """Read secrets by the service account."""
    audit(it)


@injection("service_account_elsewhere")
def token_carried_away(it: Injection) -> None:
    """Use the token of the service account from outside."""
    audit(it, client_address="198.51.100.200", resource_kind="configmaps")


@contextmanager
def case(*parts: Rollout, query: str | None = None) -> Iterator[Sandbox]:
    """Open the tables of a rollout in memory, with all views or those that a query needs."""
    with closing(open_memory(1)) as store:
        store.execute("create schema facts; create schema dims; create schema observed")
        for table in TABLES.values():
            rows = [row for one in parts for row in getattr(one, table.name, ())]
            keys = sorted({key for row in rows for key in row} & table.types.keys())
            columns = {key: [row.get(key) for row in rows] for key in keys}
            store.register(
                "incoming", pa.table({"record_no": pa.array(range(1, len(rows) + 1), pa.int64()), **columns})
            )
            given = {"evidence_id": "'made'", "record_no": "record_no", **{key: name(key) for key in keys}}
            selected = ", ".join(
                f"({given.get(key, 'null')})::{kind} as {name(key)}" for key, kind in table.types.items()
            )
            store.execute(
                f"create table facts.{table.name} as select {selected}, '{table.name}:' || record_no as record_id from incoming"
            )
            store.unregister("incoming")
        views.derive(store, CONFIG, [], query=query)
        lock(store)
        yield store


def findings(store: Sandbox, only: str = "") -> list[Finding]:
    """Return the findings of one detector, or of all; a detector that fails ends the run."""
    found: list[Finding] = []
    for detector in [by_id(DETECTORS, only)] if only else DETECTORS:
        outcome = run(store, detector, Context(CONFIG, DAY))
        if outcome.state.state == "error":
            raise SystemExit(f"{detector.id}: {outcome.state.reason}")
        found += outcome.findings
    return found


def is_found(base: Rollout, seed: int, title: str) -> bool:
    """Tell whether the detector has a new finding where its bypass is added to a healthy rollout."""
    extra = Injection(base, seed)
    INJECTIONS[title](extra)
    detector = by_id(DETECTORS, f"access.{title.split(maxsplit=1)[0]}")
    with case(base, extra.rows, query=detector.query) as store:
        return any(item.novelty != "pre_existing" for item in findings(store, detector.id))


def alarms(seeds: int) -> Counter[str]:
    """Return the findings of medium or above in healthy rollouts, by detector."""
    counts: Counter[str] = Counter()
    for seed in range(seeds):
        with case(healthy(10_000 + seed)) as store:
            counts.update(item.detector for item in findings(store) if level(item.severity) >= level("medium"))
    return counts


def healthy_lines(seeds: int) -> Iterator[str]:
    """Yield what detectors say of healthy rollouts."""
    counts = alarms(seeds)
    yield f"Healthy rollouts: {seeds}; findings of medium or above: {counts.total()}, {counts.total() / seeds:.3f} a rollout."
    yield from (f"- {detector}: {count}" for detector, count in sorted(counts.items()))


def table(missed: dict[str, list[int]], seeds: int) -> Iterator[str]:
    """Yield the lines of the table of recall."""
    yield "| detector | injected | found | recall | seeds without |\n|---|---|---|---|---|"
    for title, without in missed.items():
        detector, _, injected = title.partition(" ")
        found, names = seeds - len(without), " ".join(map(str, without))
        yield f"| `access.{detector}` | {injected.replace('_', ' ')} | {found} of {seeds} | {found / seeds:.2f} | {names} |"


def main() -> None:
    """Print the table; write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="a part of the name of an injection; `healthy` for none")
    parser.add_argument("--write", action="store_true", help="put the table into docs/detection-quality.md")
    given = parser.parse_args()
    begin = time.monotonic()
    lines = [*healthy_lines(given.seeds), ""] if given.only in ("", "healthy") else []
    print("\n".join(lines), flush=True)
    missed: dict[str, list[int]] = {title: [] for title in INJECTIONS if given.only in title}
    for seed in range(given.seeds if missed else 0):
        base = healthy(seed)
        for title, without in missed.items():
            if not is_found(base, seed, title):
                without.append(seed)
        told = [
            *lines,
            *table(missed, seed + 1),
            *([_EXPLAINED] if seed + 1 == 100 else []),
        ]  # looked at for these seeds
        if given.write:  # after each seed: what was counted is not lost where the run is cut
            write_access("\n".join([_INTRODUCTION, *told]))
        print(f"seed {seed}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    print("\n".join(table(missed, given.seeds)) if missed else "")


if __name__ == "__main__":
    main()
