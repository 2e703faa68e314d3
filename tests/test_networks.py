"""Addresses by RFC 4291 and 5952, classes by the IANA special-purpose registries, flattened networks."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forensics.networks import ADDRESS_PATTERN, Networks, address_classes, canonical, key_of


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("10.0.0.1", "::ffff:10.0.0.1", "::FFFF:a00:1", "0:0:0:0:0:ffff:10.0.0.1"), "10.0.0.1"),
        (("2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:0db8::0001", "[2001:db8::1]", "2001:db8::1%eth0"), "2001:db8::1"),
        (("2001:db8:0:1:1:1:1:1",), "2001:db8:0:1:1:1:1:1"),  # RFC 5952, 4.2.2: one zero field is not shortened
        (("2001:0:0:1:0:0:0:1",), "2001:0:0:1::1"),  # RFC 5952, 4.2.3: the longest run
        (("::",), "::"),
        (("255.255.255.255",), "255.255.255.255"),
    ],
)  # fmt: skip
def test_every_spelling_has_one_key(texts: tuple[str, ...], expected: str) -> None:
    keys = {key_of(text) for text in texts}
    assert len(keys) == 1
    key = keys.pop()
    assert key is not None
    assert canonical(key) == expected


@pytest.mark.parametrize(
    "text",
    ["", "-", "10.0.0", "010.0.0.1", "10.0.0.256", "10.0.0.1:80", "10.0.0.1/8", "1.2.3.4\x00", "::1::", "shop.example", "0x7f000001", "\ud800", "[::1", "é" * 10_000, ":" * 10_000],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert key_of(text) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", "public"),
        ("10.255.255.255", "private"),
        ("11.0.0.0", "public"),
        ("172.15.255.255", "public"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", "public"),
        ("192.168.1.1", "private"),
        ("100.63.255.255", "public"),
        ("100.64.0.0", "carrier_nat"),
        ("100.127.255.255", "carrier_nat"),
        ("100.128.0.0", "public"),
        ("100.100.100.200", "metadata"),
        ("127.0.0.53", "loopback"),
        ("169.254.0.1", "link_local"),
        ("169.254.169.254", "metadata"),
        ("169.254.170.2", "metadata"),
        ("192.0.0.8", "reserved"),
        ("192.0.0.9", "public"),
        ("192.0.2.1", "documentation"),
        ("198.18.0.1", "benchmarking"),
        ("198.20.0.0", "public"),
        ("203.0.113.9", "documentation"),
        ("223.255.255.255", "public"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 - an address to judge
        ("0.0.0.1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:8.8.8.8", "public"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "reserved"),
        ("64:ff9b::808:808", "public"),
        ("64:ff9b:1::1", "private"),
        ("100::1", "reserved"),
        ("2001::1", "transition"),
        ("2001:1::1", "public"),
        ("2001:1::4", "reserved"),
        ("2001:2::1", "benchmarking"),
        ("2001:20::1", "public"),
        ("2001:200::1", "public"),
        ("2001:db8::1", "documentation"),
        ("2002:a00:1::", "transition"),
        ("2606:4700::1", "public"),
        ("3fff:fff::1", "documentation"),
        ("3fff:1000::1", "public"),
        ("4000::", "reserved"),
        ("5f00::1", "reserved"),
        ("fc00::1", "unique_local"),
        ("fd00:ec2::254", "metadata"),
        ("fe80::1%eth0", "link_local"),
        ("fec0::1", "reserved"),
        ("ff02::1", "multicast"),
    ],
)
def test_classes(address: str, expected: str) -> None:
    assert address_classes().find(address) == expected


def test_mapped_networks_are_those_of_version_4() -> None:
    networks = Networks([("::ffff:10.0.0.0/104", "mapped"), ("::/0", "all of version 6")])
    assert networks.find("10.9.9.9") == "mapped"
    assert networks.find("11.0.0.1") is None
    assert networks.find("::1") == "all of version 6"


def test_ranges_are_disjoint_and_in_order() -> None:
    networks = Networks([("10.1.0.0/16", "a"), ("10.0.0.0/8", "b"), ("10.1.2.0/24", "never")])
    assert [label for _, _, label in networks.ranges()] == ["b", "a", "b", None]
    starts = [start for _, start, _ in networks.ranges()]
    assert starts == sorted(set(starts))


def test_a_hundred_thousand_networks_are_flattened_in_seconds() -> None:
    labelled = [(f"10.{n >> 8 & 255}.{n & 255}.{n >> 16 << 4}/{20 + n % 13}", n) for n in range(100_000)]
    start = time.process_time()
    networks = Networks([*labelled, ("0.0.0.0/0", -1)])
    assert time.process_time() - start < 20
    assert networks.find("11.0.0.1") == -1
    assert networks.find("10.0.0.0") == 0


@given(st.text("0123456789af:.[]%g", max_size=24) | st.ip_addresses().map(str))
@example("1:2:3:4:5:6:1.2.3.4")
@example("1:2:3:4:5::1.2.3.4")
@example("1::2:3:4:5:6:1.2.3.4")
@example("fe80::1%eth0")
@example("::ffff:1.2.3.4")
@example("999.1.1.1")
def test_the_pattern_reads_what_key_of_reads(text: str) -> None:
    if "%" not in text and "[" not in text and "]" not in text:
        assert bool(re.fullmatch(ADDRESS_PATTERN, text)) == (key_of(text) is not None)
