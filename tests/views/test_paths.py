"""Normal forms of paths, derived by hand from RFC 3986 (2.3, 5.2.4) and Envoy's path options; docs/paths.md is checked against them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from forensics import views
from forensics.config import parse
from forensics.store import Sandbox, open_memory

T = "2026-03-03T09:30:00"
# raw: merged, decoded, dots, lower
FORMS = {
    "/admin": ("/admin", "/admin", "/admin", "/admin"),
    "//admin": ("/admin", "//admin", "/admin", "/admin"),
    "/%2fadmin": ("/%2fadmin", "//admin", "/admin", "/admin"),
    "/%5cadmin": ("/%5cadmin", "//admin", "/admin", "/admin"),
    "/a\\admin": ("/a\\admin", "/a/admin", "/a/admin", "/a/admin"),
    "/%61dmin": ("/%61dmin", "/admin", "/admin", "/admin"),
    "/ADMIN": ("/ADMIN", "/ADMIN", "/ADMIN", "/admin"),
    "/%41dmin": ("/%41dmin", "/Admin", "/Admin", "/admin"),
    "/./admin": ("/./admin", "/./admin", "/admin", "/admin"),
    "/admin/.": ("/admin/.", "/admin/.", "/admin/", "/admin"),
    "/a/%2e%2e/admin": ("/a/%2e%2e/admin", "/a/../admin", "/admin", "/admin"),
    "/a//../admin": ("/a/../admin", "/a//../admin", "/a/admin", "/a/admin"),
    "/../../admin": ("/../../admin", "/../../admin", "/admin", "/admin"),
    "/admin/..;/x": ("/admin/..;/x", "/admin/..;/x", "/admin/..;/x", "/x"),
    "/admin;a=1/x%3bb": ("/admin;a=1/x%3bb", "/admin;a=1/x%3bb", "/admin;a=1/x%3bb", "/admin/x"),
    "/admin%00.js": ("/admin%00.js", "/admin%00.js", "/admin%00.js", "/admin"),
    "/admin#x": ("/admin#x", "/admin#x", "/admin#x", "/admin"),
    "/admin%23x": ("/admin%23x", "/admin%23x", "/admin%23x", "/admin"),
    "/admin%20": ("/admin%20", "/admin%20", "/admin%20", "/admin"),
    "/admin./": ("/admin./", "/admin./", "/admin./", "/admin"),
    "/%252fadmin": ("/%252fadmin", "/%252fadmin", "/%252fadmin", "/admin"),
    "/%c0%afadmin": ("/%c0%afadmin", "/%c0%afadmin", "/%c0%afadmin", "/admin"),
    "/a/%c0%ae%c0%ae/admin": ("/a/%c0%ae%c0%ae/admin", "/a/%c0%ae%c0%ae/admin", "/a/%c0%ae%c0%ae/admin", "/admin"),
    "/100%": ("/100%", "/100%", "/100%", "/100%"),
    "/%zz/%4": ("/%zz/%4", "/%zz/%4", "/%zz/%4", "/%zz/%4"),
    "/%ff%fe": ("/%ff%fe", "/%ff%fe", "/%ff%fe", "/%ff%fe"),
    "/caf%C3%A9": ("/caf%C3%A9", "/caf%C3%A9", "/caf%C3%A9", "/caf%c3%a9"),
    "/É": ("/É", "/É", "/É", "/é"),
    "/": ("/", "/", "/", "/"),
    "//": ("/", "//", "/", "/"),
    "*": ("*", "*", "*", "*"),
    "": ("", "", "", ""),
}  # fmt: skip


def built(*paths: str | None, toml: str = "", **more: Any) -> Sandbox:
    store = open_memory(1)
    rows = [{"time": T, "observer": "o", "url_path": path} for path in paths]
    views.load_rows(store, {"http_requests": rows, **more})
    views.derive(store, parse(toml).config, [], query="requests")
    return store


def test_forms_of_known_spellings() -> None:
    found = built(*FORMS).rows("select * from dims.paths")
    assert {row[0]: row[1:] for row in found} == FORMS


@pytest.mark.parametrize("path", FORMS)
def test_macros_say_the_same_as_the_table(path: str) -> None:
    store = built()
    macros = "path_merged($p), path_decoded($p), path_dots($p), path_lower($p)"
    assert store.rows(f"select {macros}", {"p": path}) == [FORMS[path]]


def test_null_stays_null_and_makes_no_row() -> None:
    store = built(None)
    assert store.rows("select * from dims.paths") == []
    null = "null::varchar"
    assert store.rows(
        f"select path_merged({null}), path_decoded({null}), path_dots({null}), path_lower({null}), route_of({null})"
    ) == [(None,) * 5]


# RFC 3986, 5.4.1 and 5.4.2: references against /b/c/d;p, as absolute paths.
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/b/c/.", "/b/c/"),
        ("/b/c/./", "/b/c/"),
        ("/b/c/..", "/b/"),
        ("/b/c/../g", "/b/g"),
        ("/b/c/../..", "/"),
        ("/b/c/../../g", "/g"),
        ("/b/c/../../../../g", "/g"),
        ("/b/c/g.", "/b/c/g."),
        ("/b/c/..g", "/b/c/..g"),
        ("/b/c/./g/.", "/b/c/g/"),
        ("/b/c/g/../h", "/b/c/h"),
        ("/a/b/c/./../../g", "/a/g"),
    ],
)
def test_dot_segments_as_the_rfc_removes_them(path: str, expected: str) -> None:
    assert built().value("select path_without_dots($p)", {"p": path}) == expected


@pytest.mark.parametrize(
    "path", ["/" + "%" * 10_000, "/../" * 2_000, "/\x00\x01\x7f", "/%2", "/\ufffd", "/" + ";" * 9_999, "/%25" * 999, "/\n"]
)  # fmt: skip
def test_hostile_paths_have_a_row(path: str) -> None:
    store = built(path)
    assert store.rows("select url_path from dims.paths") == [(path,)]
    assert store.rows("select count(*) from requests where route is not null") == [(1,)]


def test_the_page_shows_what_is_so() -> None:
    text = (Path(__file__).parents[2] / "docs" / "paths.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| `(.+?)` \| `(.+?)` \| `(.+?)` \|$", text, re.MULTILINE)
    assert len(rows) > 15
    for raw, *forms in rows:
        assert FORMS[raw] == tuple(forms)
