"""Decisions with what shows them, principals, roles, tenants, tokens, attack labels, and the mapping of account events."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from forensics import views
from forensics.config import parse
from forensics.config.load import check
from forensics.detectors.testing import DEFAULT_CONFIG
from forensics.store import Sandbox, open_memory

T = "2026-03-03T09:30:00"
Row = dict[str, Any]


def built(more: str = "", **tables: list[Row]) -> Sandbox:
    store = open_memory(1)
    views.load_rows(store, tables)
    views.derive(store, parse(DEFAULT_CONFIG + more).config, [], query="access_samples access_events access_matrix")
    return store


def headers(**values: str) -> list[Row]:
    return [{"name": key.replace("_", "-"), "value": value} for key, value in values.items()]


def sample(
    status: int | None = 200, body: str | None = None, sent: Row | None = None, got: Row | None = None, **more: Any
) -> Row:
    return {
        "time": T, "service_version": "2.4.0", "http_request_method": "GET", "url_path": "/a", "http_response_status_code": status,
        "http_request_headers": headers(**({"accept": "*/*"} if sent is None else sent)), "http_response_headers": headers(**(got or {})),
        "http_response_body": body,
    } | more  # fmt: skip


def jwt(claims: Any, header: Any = None) -> str:
    parts = [{"alg": "RS256"} if header is None else header, claims]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + ".c2ln"
    )


GIVEN = sample(200, '{"id": 1, "total": 2}', user_id="u1", service_version="2.3.9")


@pytest.mark.parametrize(
    ("row", "decision", "reason"),
    [
        (sample(200, '{"id": 1}'), "allow", "status"),
        (sample(304), "allow", "status"),
        (sample(401), "deny", "status"),
        (sample(403, '{"error": "x"}'), "deny", "status"),
        (sample(404), "unknown", "status"),
        (sample(500), "unknown", "status"),
        (sample(None), "unknown", None),
        (sample(302, got={"location": "/login?next=/a"}), "deny", "redirection to sign-in"),
        (sample(302, got={"location": "/orders/7"}), "unknown", "status"),
        (sample(302, '{"id": 9, "total": 1}', got={"location": "/login"}), "allow", "privileged body"),
        (sample(403, '{"id": 9, "total": 1}'), "allow", "privileged body"),
        (sample(500, '{"id": 9, "total": 1}'), "unknown", "status"),
        (sample(200, '{"error": "Forbidden"}'), "deny", "error body"),
        (sample(200, '{"code": 401, "message": "token"}'), "deny", "error body"),
        (sample(200, '{"error": "out of stock"}'), "allow", "status"),
        (sample(200, '{"id": 1, "message": "access denied"}'), "allow", "status"),
        (sample(200, '{"data": null, "errors": [{"message": "Not authorized"}]}'), "deny", "graphql errors"),
        (sample(200, '{"errors": [{"message": "x", "extensions": {"code": "UNAUTHENTICATED"}}]}'), "deny", "graphql errors"),
        (sample(200, '{"data": {"a": 1}, "errors": [{"message": "Not authorized"}]}'), "unknown", "graphql errors"),
        (sample(200, '{"errors": [{"message": "timeout"}]}'), "unknown", "graphql errors"),
        (sample(200, '{"data": {"a": null}, "errors": [{"message": "Not authorized"}]}'), "deny", "graphql errors"),
        (sample(200, '{"data": {"a": {"b": 1}}, "errors": [{"message": "timeout"}]}'), "allow", "graphql errors"),
        (sample(200, '{"fehler": "Nicht angemeldet", "id2": 1}'), "unknown", "other body"),
        (sample(200, http_response_body_size=0), "unknown", "empty body"),
        (sample(200, got={"grpc-status": "0"}), "allow", "grpc-status"),
        (sample(200, got={"grpc-status": "7"}), "deny", "grpc-status"),
        (sample(200, got={"grpc-status": "16"}), "deny", "grpc-status"),
        (sample(200, got={"grpc-status": "14"}), "unknown", "grpc-status"),
        (sample(200, http_response_mime_type="application/grpc"), "unknown", "grpc-status"),
        (sample(200, '<form><input type="password"></form>', http_response_mime_type="text/html"), "deny", "sign-in form"),
        (sample(200, "<input type=password>", http_response_mime_type="text/html", url_path="/login"), "allow", "status"),
        (sample(200, response_flags="UAEX"), "deny", "status"),
    ],
)  # fmt: skip
def test_a_decision_and_what_shows_it(row: Row, decision: str, reason: str | None) -> None:
    store = built(http_exchanges=[row, GIVEN])
    assert store.rows("select decision, reason from access_samples where record_no = 1") == [(decision, reason)]


def page(text: str, **more: Any) -> Row:
    return sample(body=f"<html>{text}</html>", http_response_mime_type="text/html", **more)


@pytest.mark.parametrize(
    ("length", "others", "decision"), [(900, 0, "allow"), (300, 0, "deny"), (900, 700, "deny")],
)  # fmt: skip
def test_a_redirection_with_the_page_itself(length: int, others: int, decision: str) -> None:
    rows = [
        page("x" * length, status=302, got={"location": "/login"}),
        page("x" * 1000, user_id="u1", service_version="2.3.9"),
        page("x" * others, status=302, got={"location": "/login"}, service_version="2.3.9"),
    ]
    store = built(http_exchanges=rows)
    assert store.value("select decision from access_samples where record_no = 1") == decision


def test_a_page_for_any_path_lets_nobody_in() -> None:
    """A single-page application answers every path; what the canary alone answers so on three paths is no such page."""
    old = [page("app", url_path=f"/{name}", service_version="2.3.9") for name in "abc"]
    new = [page("secret", url_path=f"/{name}") for name in "abc"]
    rows = [page("app", url_path="/actuator/env"), *old, *new]
    found = built(http_exchanges=rows).rows("select decision, count(*) from access_samples group by all order by all")
    assert found == [("allow", 3), ("unknown", 4)]


@pytest.mark.parametrize(
    ("given", "role", "principal"),
    [
        ({"user_role": "user"}, "user", "user"),
        ({"user_role": "bearer"}, "bearer", "bearer"),
        ({"user_role": "anonymous"}, "anonymous", "role anonymous"),
        ({"user_role": "x (role unknown)"}, "x (role unknown)", "x [role unknown)"),
        ({"user_role": " "}, None, "user (role unknown)"),
        ({"authentication_kind": "anon", "user_id": None}, None, "anonymous"),
        ({"user_id": None}, None, "caller unknown"),
    ],
)
def test_a_role_is_no_kind_of_proof(given: Row, role: str | None, principal: str) -> None:
    row = {
        "time": T,
        "service_version": "2.4.0",
        "url_path": "/a",
        "http_response_status_code": 200,
        "user_id": "u",
    } | given
    assert built(http_requests=[row]).rows("select role, principal from access_events") == [(role, principal)]


def test_a_body_that_the_baseline_sends_with_refusals_is_not_privileged() -> None:
    rows = [
        sample(403, '{"id": 9, "total": 1}'),
        GIVEN,
        sample(403, '{"id": 2, "total": 3}', url_path="/b", service_version="2.3.9"),
    ]
    assert built(http_exchanges=rows).value("select decision from access_samples where record_no = 1") == "deny"


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (sample(), "anonymous"),
        (sample(sent={}), None),
        (sample(sent={}, user_id="u"), "user"),
        (sample(sent={"Authorization": "bearer x"}), "bearer"),
        (sample(sent={"authorization": "Basic dTpw"}), "basic"),
        (sample(sent={"authorization": "Digest username=x"}), "digest"),
        (sample(sent={"authorization": "x"}), "authorization"),
        (sample(sent={"x-api-key": "k"}), "apikey"),
        (sample(url_query="a=1&api_key=2"), "apikey"),
        (sample(sent={"x-forwarded-client-cert": "Hash=1"}), "mtls"),
        (sample(sent={"cookie": "sid=1"}), "cookie"),
        (sample(sent={"cookie": "_ga=1; lang=de"}), "anonymous"),
        (sample(sent={"cookie": "cart=1"}), "cookie"),
        (sample(sent={"cookie": "t=" + jwt({"sub": "a"})}), "bearer"),
        (sample(authentication_kind="NONE", sent={"authorization": "bearer x"}), "anonymous"),
    ],
)
def test_kinds_of_principals(row: Row, kind: str | None) -> None:
    assert built(http_exchanges=[row]).value("select principal_kind from access_samples") == kind


@pytest.mark.parametrize(
    ("claims", "role", "tenant"),
    [
        ({"roles": ["b", "a", "a"], "tenant": "t1"}, "a+b", "t1"),
        ({"role": "admin", "tid": "t2"}, "admin", "t2"),
        ({"realm_access": {"roles": ["x"]}, "tenant_id": "t3"}, "x", "t3"),
        ({"cognito:groups": ["G-1"], "org_id": "t4"}, "guests", "t4"),
        ({"roles": {"a": 1}, "tenant": 5}, None, "5"),
        ({"roles": [1, None, ["x"]]}, None, None),
        ({"grp": "own", "org": "mine", "roles": ["x"]}, "own", "mine"),
    ],
)
def test_role_and_tenant_from_claims(claims: Row, role: str | None, tenant: str | None) -> None:
    more = '[[role]]\nname = "guests"\nequals = ["g-1"]\n[access]\nrole_claim = "grp"\ntenant_claim = "org"\n'
    store = built(more, http_exchanges=[sample(sent={"authorization": f"Bearer {jwt(claims)}"})])
    found = store.rows("select role, tenant from access_samples")
    assert [tenant_found for _, tenant_found in found] == [tenant]
    assert role is None or found[0][0] == role


def test_record_claim_event_and_setting_in_this_order() -> None:
    more = '[access]\ntenant_header = "X-Org"\n'
    rows = [
        sample(
            sent={"authorization": f"Bearer {jwt({'sub': 's', 'role': 'claimed'})}", "x-org": "north"}, user_role="told"
        ),
        sample(sent={"authorization": f"Bearer {jwt({'sub': 's', 'role': 'claimed'})}"}),
        sample(sent={"cookie": "sid=1"}, user_id="eve"),
    ]
    events = [
        {
            "time": T,
            "observer": "idp",
            "service_version": "2.4.0",
            "event_action": "login",
            "user_name": "eve",
            "user_roles": ["clerk"],
        }
    ]
    store = built(more, http_exchanges=rows, auth_events=events)
    assert store.rows("select role, tenant, principal from access_samples order by record_no") == [
        ("told", "north", "told"), ("claimed", None, "claimed"), ("clerk", None, "clerk"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("token", "state"),
    [
        (jwt({"sub": "a"}), "decoded"),
        (jwt({"sub": "a"}) + " x", "decoded"),
        (jwt({"sub": "a"}).rpartition(".")[0], "decoded"),
        ("opaque-token", "opaque"),
        ("a.b.c", "opaque"),
        ("eyJhbGciOiJub25lIn0.%%%.x", "malformed"),
        ("eyJ" + "A" * 20_000, "too long"),
        (jwt([[[]]] * 40), "too deep"),
        (jwt({"a": "x"}).rpartition(".")[0] + ".a.b.c", "encrypted"),
        ("eyJ_w.eyJ_w.x", "malformed"),
    ],
)
def test_malformed_tokens_are_data(token: str, state: str) -> None:
    store = built(http_exchanges=[sample(sent={"authorization": f"Bearer {token}"})])
    assert store.rows("select state from dims.tokens") == [(state,)]


def test_no_table_keeps_a_token() -> None:
    token = jwt({"sub": "a"})
    store = built(http_exchanges=[sample(sent={"authorization": f"Bearer {token}"})])
    tables = store.rows(
        "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema <> 'facts'"
    )
    for schema, table in tables:
        assert token not in str(store.rows(f'select * from "{schema}"."{table}"')), table


@pytest.mark.parametrize(
    ("row", "attack"),
    [
        ({"url_path": "/a"}, None),
        ({"url_path": "/..%2f..%2fetc/passwd"}, "traversal"),
        ({"url_path": "/a", "url_query": "id=1'%20or%201=1"}, "injection"),
        ({"url_path": "/.env"}, "scanner"),
        ({"url_path": "/a//b"}, "spelling"),
        ({"url_path": "/Orders/7"}, None),
        ({"url_path": "/a", "user_agent_original": "sqlmap/1.8"}, "scanner"),
    ],
)
def test_probing_is_labelled(row: Row, attack: str | None) -> None:
    store = built(http_requests=[{"time": T, "service_version": "2.4.0", "http_response_status_code": 403} | row])
    assert store.value("select attack from access_events") == attack


def test_scanners_are_known_by_what_they_do() -> None:
    """Twenty paths that are not there and four that are: a scanner; nineteen and four: nobody knows."""
    asked = [(client, f"/p{path}", 404) for client, paths in (("a", 20), ("b", 19)) for path in range(paths)]
    asked += [(client, "/ok", 200) for client in "ab" for _ in range(4)]
    rows = [
        {
            "time": T,
            "service_version": "2.4.0",
            "client_address": client,
            "url_path": path,
            "http_response_status_code": status,
        }
        for client, path, status in asked
    ]
    assert built(http_requests=rows).rows("select client_address from dims.scanning_clients") == [("a",)]


def test_the_status_of_grpc_says_nothing() -> None:
    row = {"time": T, "service_version": "2.4.0", "url_path": "/shop.v1.Cart/Get", "http_response_status_code": 200}
    assert built(http_requests=[row]).value("select decision from access_events") == "unknown"


def test_cells_and_matrix_keep_sources_apart() -> None:
    log = {
        "time": T,
        "service_version": "2.4.0",
        "http_request_method": "GET",
        "url_path": "/a",
        "authentication_kind": "anon",
    }
    store = built(
        http_requests=[log | {"http_response_status_code": status} for status in (200, 401, 404)],
        http_exchanges=[sample(401)],
    )
    assert store.rows("select source, canary_allow, canary_deny, canary_unknown from access_matrix order by source") == [
        ("access log", 1, 1, 1), ("samples", 0, 1, 0),
    ]  # fmt: skip


MAPPING = """
[[auth_event]]
name = "keycloak"
logger = "org.keycloak.*"
[auth_event.columns]
event_action = "type"
user_name = "details.username"
user_id = "userId"
client_address = "ipAddress"
user_roles = "roles"
event_reason = "message"
[[auth_event]]
name = "other"
columns = { event_action = "type", event_outcome = "ok", http_response_status_code = "status" }
"""


def test_records_of_applications_become_account_events() -> None:
    def record(logger: str, **attributes: Any) -> Row:
        return {
            "time": T,
            "service_version": "2.4.0",
            "logger_name": logger,
            "message": "m",
            "attributes": json.dumps(attributes),
        }

    rows = [
        record(
            "org.keycloak.events",
            type="LOGIN",
            userId="1",
            details={"username": "ann"},
            ipAddress="203.0.113.9",
            roles=["a", "b"],
        ),
        record("org.keycloak.events", type="LOGIN_ERROR", roles="c"),
        record("app", type="LOGIN", ok="false", status="oops"),
        record("app", kind="nothing"),
    ]
    own = {"time": T, "observer": "idp", "event_action": "logout"}
    store = built(MAPPING, app_logs=rows, auth_events=[own])
    assert store.rows(
        "select observer, event_action, event_outcome, user_name, user_id, client_address, user_roles, event_reason, http_response_status_code, record_id, cohort "
        "from observed.auth_events order by observer, record_id"
    ) == [
        ("idp", "logout", None, None, None, None, None, None, None, "test:1", "unknown"),
        ("keycloak", "LOGIN", "success", "ann", "1", "203.0.113.9", ["a", "b"], "m", None, "test:1", "canary"),
        ("keycloak", "LOGIN_ERROR", "failure", None, None, None, ["c"], "m", None, "test:2", "canary"),
        ("other", "LOGIN", "failure", None, None, None, None, None, None, "test:3", "canary"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("event_action = 'a', who = 'b'", "`who` is not a column of auth_events"),
        ("user_id = 'a'", "names where `event_action` stands"),
    ],
)
def test_mappings_are_checked(columns: str, problem: str) -> None:
    _, problems = check(f"[[auth_event]]\nname = 'x'\ncolumns = {{ {columns} }}\n")
    assert problem in problems[0].message
