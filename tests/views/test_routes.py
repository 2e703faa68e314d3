"""Where the route of a path comes from: canary.toml, its own records, templates that other records taught, shape."""

from __future__ import annotations

from typing import Any

import pytest

from forensics import views
from forensics.config import parse
from forensics.errors import ConfigError
from forensics.store import Sandbox, open_memory
from forensics.views.templates import Templates, learnable, observed_pattern, specificity

T = "2026-03-03T09:30:00"


def built(*rows: tuple[str | None, str | None], toml: str = "") -> Sandbox:
    """Make the views over requests given as (path, http_route)."""
    store = open_memory(1)
    facts: list[dict[str, Any]] = [
        {"time": T, "observer": "o", "url_path": path, "http_route": route} for path, route in rows
    ]
    views.load_rows(store, {"http_requests": facts})
    views.derive(store, parse(toml).config, [], query="requests")
    return store


def routes(*rows: tuple[str | None, str | None], toml: str = "") -> dict[str, tuple[str, str]]:
    found = built(*rows, toml=toml).rows("select url_path, route, route_source from dims.routes")
    return {path: (route, source) for path, route, source in found}


def test_a_template_of_one_observer_names_the_paths_of_another() -> None:
    found = routes(("/users/alice", "/users/{name}"), ("/users/bob", None), ("/users/bob/pets", None), ("/usersx/bob", None))  # fmt: skip
    assert found == {
        "/users/alice": ("/users/{name}", "observed"),
        "/users/bob": ("/users/{name}", "learned"),
        "/users/bob/pets": ("/users/bob/pets", "shape"),
        "/usersx/bob": ("/usersx/bob", "shape"),
    }


@pytest.mark.parametrize("template", ["/u/{id}/x", "/u/:id/x", "/u/<int:id>/x", "/u/[id]/x", "/u/{id:[0-9]{2}}/x"])
def test_templates_of_several_frameworks(template: str) -> None:
    assert routes(("/u/al/x", template), ("/u/bo/x", None))["/u/bo/x"] == (template, "learned")


@pytest.mark.parametrize(
    "template", ["/{rest}", "/*", "/u/*", "/u/{path:path}", "/u/{*rest}", "/u/{rest...}", "/u/{proxy+}", "u/{id}", "default", "/", "/u", "/{a}/{b}", "/" + "x" * 600 + "/{id}"]
)  # fmt: skip
def test_what_teaches_nothing(template: str) -> None:
    assert not learnable(template)
    assert routes(("/u/al", template), ("/u/bo", None))["/u/bo"] == ("/u/bo", "shape")


def test_a_route_that_does_not_match_its_own_paths_teaches_nothing() -> None:
    found = routes(("/api/users/al", "/users/{id}"), ("/users/bo", None))
    assert found == {"/api/users/al": ("/api/users/al", "shape"), "/users/bo": ("/users/bo", "shape")}


def test_the_most_specific_wins_from_the_left() -> None:
    taught = [("/a/1x/c", "/a/{x}/c"), ("/a/b/1y", "/a/b/{y}"), ("/a/1x/1y", "/a/{x}/{y}"), ("/a/me.js", "/a/{f}.js"), ("/a/me", "/a/{f}")]  # fmt: skip
    found = routes(*taught, ("/a/b/c", None), ("/a/z/c", None), ("/a/z/z", None), ("/a/q.js", None))
    assert found["/a/b/c"] == ("/a/b/{y}", "learned")
    assert found["/a/z/c"] == ("/a/{x}/c", "learned")
    assert found["/a/z/z"] == ("/a/{x}/{y}", "learned")
    assert found["/a/q.js"] == ("/a/{f}.js", "learned")


def test_of_several_routes_of_one_path_most_records_win_then_the_text() -> None:
    assert routes(("/a/b", "/a/{x}"), ("/a/b", "/a/{y}"), ("/a/b", "/a/{y}"))["/a/b"] == ("/a/{y}", "observed")
    assert routes(("/a/b", "/a/{y}"), ("/a/b", "/a/{x}"))["/a/b"] == ("/a/{x}", "observed")


def test_canary_toml_comes_first_also_over_the_record() -> None:
    toml = '[[route]]\ntemplate = "/u/{id}"\n'
    store = built(("/u/al", "/u/{name}"), ("/v/al", "/v/{name}"), toml=toml)
    assert store.rows("select url_path, route from requests order by record_no") == [("/u/al", "/u/{id}"), ("/v/al", "/v/{name}")]  # fmt: skip
    assert store.value("select route_source from dims.routes where url_path = '/u/al'") == "configured"


def test_characters_of_patterns_in_a_route_are_literal() -> None:
    evil = r"/a.(b|c)*+?^$\[/{id}"
    matches = Templates([observed_pattern(evil.replace("*", ""))]).matches
    assert matches(r"/a.(b|c)+?^$\[/7") == [0]
    assert matches("/axb/7") == []
    assert matches("/a.(b|c)+?^$\\[/7/8") == []


def test_specificity_is_total() -> None:
    templates = ["/a/{x}", "/a/{y}", "/{x}/a", "/a/x{y}", "/a/b"]
    assert sorted(templates, key=specificity) == ["/a/b", "/a/x{y}", "/a/{x}", "/a/{y}", "/{x}/a"]


def test_more_templates_than_are_applied_are_listed() -> None:
    rows = [(f"/r{number:04}/al", f"/r{number:04}/{{id}}") for number in range(2003)]
    store = built(*rows[:2003], ("/r0001/al", "/r0001/{id}"))
    assert store.rows("select is_applied, count(*) from dims.route_templates group by all order by all") == [(False, 3), (True, 2000)]  # fmt: skip
    assert store.rows("select template from dims.route_templates where not is_applied order by all") == [("/r2000/{id}",), ("/r2001/{id}",), ("/r2002/{id}",)]  # fmt: skip


def test_long_hostile_templates_fit() -> None:
    """2,000 templates of 500 characters: the set compiles or fewer are applied, but nothing raises."""
    rows = [(f"/{n:04}" + "/abc" * 40 + "/q", f"/{n:04}" + "/{a}bc" * 40 + "/q") for n in range(2000)]
    assert routes(*rows)[rows[7][0]][1] == "observed"


def test_templates_that_do_not_fit_one_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that records teach are halved, those of canary.toml are an error in one sentence."""
    monkeypatch.setattr("forensics.views.templates._MEMORY", 30_000)
    rows = [(f"/r{number:03}/al", f"/r{number:03}/{{id}}") for number in range(200)]
    store = built(*rows, ("/r150/al", "/r150/{id}"))
    applied = [row[0] for row in store.rows("select template from dims.route_templates where is_applied order by all")]
    assert 1 < len(applied) < 200
    assert "/r150/{id}" in applied
    toml = "".join(f'[[route]]\ntemplate = "{route}"\n' for _, route in rows)
    with pytest.raises(ConfigError, match="more than can be matched"):
        built(*rows, toml=toml)


SHAPES = {
    "/images/8f14e45fceea167a.png": "/images/{id}.png",
    "/orders/7.json": "/orders/{id}.json",
    "/static/app.js": "/static/app.js",
    "/v1/users/7": "/v1/users/{id}",
    "/r/01ARZ3NDEKTSV4RRFFQ69G5FAV": "/r/{id}",
    "/r/01arz3ndektsv4rrffq69g5fav/x": "/r/{id}/x",
    "/r/2026-03-03T09:30:00Z": "/r/{id}",
    "/customers/cus_NffrFeUfNV2Hib": "/customers/{id}",
    "/t/dGhpcyBpcyBhIHRva2VuMQ==": "/t/{id}",
    "/t/V1StGXR8_Z5jdHi6B-myT": "/t/{id}",
    "/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln": "/t/{id}",
    "/o/ord-123e4567-e89b-12d3-a456-426614174000": "/o/{id}",
    "/blog/how-to-make-a-very-good-cake-in-ten-minutes": "/blog/how-to-make-a-very-good-cake-in-ten-minutes",
    "/internationalization/settings": "/internationalization/settings",
    "/users/alice": "/users/alice",
    "/p/jane@shop.example": "/p/{id}",
}


def test_shapes() -> None:
    found = routes(*((path, None) for path in SHAPES))
    assert found == {path: (route, "shape") for path, route in SHAPES.items()}


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/p/AKIAQ3EGRXWL7TP4NMVB/orders", "/p/{id}/orders"),
        ("/bot6852147093:AAFq3hVzR8kLmNwPxYtBcDeGhJsUvWq9ZaE/send", "/{value}/send"),
        ("/call/+493090182044", "/call/{id}"),
        ("/call/%2B493090182044", "/call/{id}"),
        ("/call/00493090182044", "/call/{id}"),
        ("/r/AsFoyh7Zt4", "/r/{id}"),
        ("/r/9f86d081", "/r/{id}"),
        ("/card/4012888888881881/x", "/card/{id}/x"),
        ("/card/4012-8888-8888-1881/x", "/card/{value}/x"),
        ("/iban/DE89370400440532013000", "/iban/{id}"),
        # names stay
        ("/oauth2/callback", "/oauth2/callback"),
        ("/api/v2beta1/checkout", "/api/v2beta1/checkout"),
        ("/getUserByName", "/getUserByName"),
        ("/Base64Encoder", "/Base64Encoder"),
        ("/deadbeef", "/deadbeef"),
        ("/HEALTHZ", "/HEALTHZ"),
        ("/assets/jquery-3.7.1.min.js", "/assets/jquery-3.7.1.min.js"),
    ],
)  # fmt: skip
def test_secrets_and_numbers_of_people_are_no_routes(path: str, route: str) -> None:
    """A route stands in findings and packages: tokens are told by shape, the rest by the patterns of secrets and personal data."""
    assert routes((path, None))[path] == (route, "shape")


def test_names_that_people_gave_are_left() -> None:
    """A template of a record is no value, whatever it looks like."""
    assert (
        routes(("/p/AKIAQ3EGRXWL7TP4NMVB", "/p/AKIAQ3EGRXWL7TP4NMVB"))["/p/AKIAQ3EGRXWL7TP4NMVB"][0]
        == "/p/AKIAQ3EGRXWL7TP4NMVB"
    )
