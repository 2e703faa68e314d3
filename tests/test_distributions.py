"""Releases of distributions as bills of materials and advisories write them."""

from __future__ import annotations

import pytest

from forensics.distributions import agree, qualifier, release, release_of


@pytest.mark.parametrize(
    ("ecosystem", "distro", "agrees"),
    [
        ("Debian:12", "debian-12", True),
        ("Debian:12", "debian-12.4", True),
        ("Debian:12", "bookworm", True),
        ("Debian:12", "debian-11", False),
        ("Debian:12", "sid", False),
        ("Debian:12", "", True),
        ("Debian", "debian-11", True),
        ("Ubuntu:22.04:LTS", "ubuntu-22.04", True),
        ("Ubuntu:Pro:18.04:LTS", "bionic", True),
        ("Ubuntu:22.04:LTS", "ubuntu-22.10", False),
        ("Alpine:v3.18", "alpine-3.18.4", True),
        ("Alpine:v3.18", "3.19.0", False),
        ("Alpine:v3.1", "alpine-3.18", False),
        ("Alpine:v3.18", "alpine-edge", False),
        ("Red Hat:enterprise_linux:9::baseos", "rhel-9.2", True),
        ("Red Hat:enterprise_linux:9::baseos", "redhat-8.6", False),
        ("Red Hat:rhel_eus:8.4::appstream", "rhel-8.6", False),
        ("Red Hat:openshift:4.12::el8", "rhel-8.6", True),
        ("Red Hat:openshift:4.12::el8", "rhel-9.2", False),
        ("Red Hat:quay:3", "rhel-9.2", True),
        ("Red Hat:9", "rhel-9.2", True),
        ("AlmaLinux:9", "almalinux-9.3", True),
        ("Rocky Linux:8", "rocky-9.3", False),
        ("SUSE:Linux Enterprise Server 15 SP5", "sles-15.5", True),
        ("SUSE:Linux Enterprise Server 15 SP5", "SUSE Linux Enterprise Server 15 SP4", False),
        ("openSUSE:Leap 15.5", "opensuse-leap-15.5", True),
        ("openSUSE:Tumbleweed", "opensuse-tumbleweed-20230801", True),
        ("openSUSE:Tumbleweed", "opensuse-leap-15.5", False),
        ("Wolfi", "wolfi-20230201", True),
        ("Photon OS:3.0", "photon-3.0", True),
        ("Photon OS:3.0", "photon-4.0", False),
        ("Debian:12", "a name that nobody knows", True),
        ("npm", "debian-12", True),
        ("", "", True),
    ],
)
def test_releases_agree_where_each_part_that_both_have_is_equal(ecosystem: str, distro: str, agrees: bool) -> None:
    assert agree(release(distro), release_of(ecosystem)) is agrees


def test_numbers_and_names_of_releases() -> None:
    assert release("jammy") == release("ubuntu-22.04") == ("22", "4")
    assert release("15 SP5") == ("15", "5")
    assert release("sid") == ("sid",)
    assert release("debian") == ()


def test_qualifiers_of_a_purl_are_decoded() -> None:
    purl = "pkg:rpm/suse/a@1?arch=x86_64&distro=SUSE%20Linux%20Enterprise%20Server%2015%20SP5#sub"
    assert qualifier(purl, "distro") == "SUSE Linux Enterprise Server 15 SP5"
    assert (qualifier(purl, "epoch"), qualifier("pkg:npm/a@1", "distro"), qualifier("", "distro")) == ("", "", "")
