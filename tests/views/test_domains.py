"""Registered domains by the algorithm and test cases of publicsuffix.org, and names that are none."""

from __future__ import annotations

import pytest

from forensics import views
from forensics.config import parse
from forensics.resources import tree
from forensics.store import open_memory
from forensics.views.domains import domain_of, list_version

T = "2026-03-03T09:30:00"


@pytest.mark.parametrize(
    ("name", "registered", "suffix"),
    [
        ("shop.example.com", "example.com", "com"),
        ("SHOP.Example.COM.", "example.com", "com"),
        ("example.co.uk", "example.co.uk", "co.uk"),
        ("a.b.example.co.uk", "example.co.uk", "co.uk"),
        ("com", None, "com"),
        ("co.uk", None, "co.uk"),
        ("b.test.ck", "b.test.ck", "test.ck"),  # *.ck
        ("test.ck", None, "test.ck"),
        ("www.ck", "www.ck", "ck"),  # !www.ck
        ("www.www.ck", "www.ck", "ck"),
        ("user.github.io", "user.github.io", "github.io"),  # the private section counts
        ("github.io", None, "github.io"),
        ("evil.sharepoint.com", "evil.sharepoint.com", "sharepoint.com"),  # shared_suffixes.txt
        (
            "a.evil.table.core.windows.net",
            "evil.table.core.windows.net",
            "table.core.windows.net",
        ),  # the longest counts
        ("sharepoint.com", None, "sharepoint.com"),
        ("notsharepoint.com", "notsharepoint.com", "com"),
        ("login.windows.net", "windows.net", "net"),  # beside the shared ones
        ("b.s3.amazonaws.com", "b.s3.amazonaws.com", "s3.amazonaws.com"),
        ("食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn", "xn--55qx5d.cn"),
        ("xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn", "xn--55qx5d.cn"),
        ("db.prod.corp", "prod.corp", "corp"),  # no rule: the last label
        ("localhost", None, "localhost"),
        ("_dmarc.example.com", "example.com", "com"),
        ("*.example.com", "example.com", "com"),
        ("x\x00y.example.com", "example.com", "com"),
    ],
)
def test_registered_domains(name: str, registered: str | None, suffix: str) -> None:
    assert domain_of(name) == (registered, suffix)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "10.0.0.1", "10.0.0.1.", "1.2", "::1", "[::1]", "fe80::1%a.com", "a..com", ".com", "ev il.com", "e\x00vil.com", "a" * 64 + ".com", "\ud800.com", "é" * 300, "." * 10_000, "xn--.\x7f"],
)  # fmt: skip
def test_what_has_no_domain(name: str) -> None:
    assert domain_of(name) == (None, None)


def test_ten_thousand_labels() -> None:
    assert domain_of("a." * 10_000 + "example.com") == ("example.com", "com")


def test_names_of_all_tables_have_a_row_and_outbound_its_domain() -> None:
    answers = [
        {"type": "CNAME", "data": "edge.cdn.example.net", "ttl": 1.0},
        {"type": "TXT", "data": "v=spf1.example.org", "ttl": 1.0},
        {"type": "A", "data": "203.0.113.5", "ttl": 1.0},
    ]
    common = {"time": T, "observer": "o"}
    store = open_memory(1)
    views.load_rows(
        store,
        {
            "connections": [{**common, "destination_domain": "a.example.com", "destination_address": "203.0.113.5"}, {**common, "tls_client_server_name": "b.example.com"}],
            "http_requests": [{**common, "server_address": "c.example.com"}, {**common, "server_address": "203.0.113.9"}],
            "dns_queries": [{**common, "dns_question_name": "d.example.com", "dns_answers": answers}],
        },
    )  # fmt: skip
    views.derive(store, parse("").config, [])
    assert [row[0] for row in store.rows("select name from dims.domains order by name")] == ["a.example.com", "b.example.com", "c.example.com", "d.example.com", "edge.cdn.example.net"]  # fmt: skip
    assert store.rows("select destination, destination_registered_domain, destination_address_class from outbound order by record_no") == [("a.example.com", "example.com", "documentation"), ("b.example.com", "example.com", None)]  # fmt: skip
    assert "203.0.113.9" in {row[0] for row in store.rows("select address from dims.addresses")}


def test_the_list_has_a_date() -> None:
    assert "20" in list_version()
    assert "undated" not in list_version()


def test_shared_suffixes_are_dated_sorted_and_none_is_known_to_the_public_list() -> None:
    from publicsuffixlist import PublicSuffixList

    lines = (tree("queries") / "lists" / "shared_suffixes.txt").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    assert any(line.startswith("# date: 20") for line in lines)
    assert entries == sorted(set(entries))
    assert [entry for entry in entries if PublicSuffixList().is_public(entry)] == []
