"""Names and versions of packages as purl-spec, the ecosystems and OSV define them."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.versions import compare, fixed_in, full_version, is_affected, package_in, package_of, type_of


@pytest.mark.parametrize(
    ("purl", "package"),
    [
        ("pkg:npm/%40angular/animation@12.3.1", ("npm", "@angular/animation")),
        ("pkg:npm/@scope/name", ("npm", "@scope/name")),
        (
            "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?packaging=sources",
            ("maven", "org.apache.xmlgraphics:batik-anim"),
        ),
        ("pkg:golang/google.golang.org/genproto@v0#googleapis/api", ("golang", "google.golang.org/genproto")),
        ("pkg:PyPI/Django_Rest.framework@1.11", ("pypi", "django-rest-framework")),
        ("pkg:deb/debian/curl@7.50.3-1?arch=i386", ("deb", "debian/curl")),
        ("pkg:deb/debian/debpk@1%3A1.0-2?distro=debian-12", ("deb", "debian/debpk")),
        ("pkg:rpm/rhel/openssl@1.1.1k-9.el8", ("rpm", "redhat/openssl")),
        ("pkg:rpm/opensuse.leap/Mesa@1", ("rpm", "opensuse/Mesa")),
        ("pkg://npm/x@1", ("npm", "x")),
        ("npm/x@1", ("", "")),
        ("pkg:npm/", ("", "")),
        ("pkg:npm", ("", "")),
        ("", ("", "")),
        ("pkg:npm/%ff%fe@1", ("npm", "\ufffd\ufffd")),
    ],
)
def test_package_of_a_purl(purl: str, package: tuple[str, str]) -> None:
    assert package_of(purl) == package


@pytest.mark.parametrize(
    ("ecosystem", "kind"),
    [
        ("npm", "npm"),
        ("PyPI", "pypi"),
        ("Go", "golang"),
        ("crates.io", "cargo"),
        ("Debian:12", "deb"),
        ("Red Hat:9", "rpm"),
        ("New", "new"),
    ],
)
def test_ecosystems(ecosystem: str, kind: str) -> None:
    assert type_of(ecosystem) == kind


@pytest.mark.parametrize(
    ("ecosystem", "name", "package"),
    [
        ("Debian:12", "debpk", ("deb", "debian/debpk")),
        ("Ubuntu:22.04:LTS", "curl", ("deb", "ubuntu/curl")),
        ("Alpine:v3.18", "openssl", ("apk", "alpine/openssl")),
        ("Red Hat:enterprise_linux:9::baseos", "openssl", ("rpm", "redhat/openssl")),
        ("AlmaLinux:9", "openssl", ("rpm", "almalinux/openssl")),
        ("Rocky Linux:9", "openssl", ("rpm", "rocky/openssl")),
        ("SUSE:Linux Enterprise Server 15 SP5", "Mesa", ("rpm", "suse/Mesa")),
        ("openSUSE:Leap 15.5", "Mesa", ("rpm", "opensuse/Mesa")),
        ("Wolfi", "openssl", ("apk", "wolfi/openssl")),
        ("Chainguard", "openssl", ("apk", "chainguard/openssl")),
        ("Photon OS:3.0", "openssl", ("rpm", "photon/openssl")),
        ("npm", "@scope/sc", ("npm", "@scope/sc")),
        ("Maven", "org.example:lib", ("maven", "org.example:lib")),
        ("", "", ("", "")),
    ],
)
def test_packages_that_advisories_name_by_ecosystem(ecosystem: str, name: str, package: tuple[str, str]) -> None:
    assert package_in(ecosystem, name) == package


@pytest.mark.parametrize(
    ("kind", "version", "purl", "full"),
    [
        ("rpm", "1.0-1", "pkg:rpm/redhat/a@1.0-1?arch=x86_64&epoch=2", "2:1.0-1"),
        ("rpm", "3:1.0-1", "pkg:rpm/redhat/a@1.0-1?epoch=2", "3:1.0-1"),
        ("deb", "1.0-1", "pkg:deb/debian/a@1.0-1?epoch=1", "1:1.0-1"),
        ("rpm", "1.0-1", "pkg:rpm/redhat/a@1.0-1", "1.0-1"),
        ("rpm", "1.0-1", "pkg:rpm/redhat/a@1.0-1?epoch=x", "1.0-1"),
        ("npm", "1.0.0", "pkg:npm/a@1.0.0?epoch=1", "1.0.0"),
    ],
)
def test_an_epoch_may_stand_beside_the_version(kind: str, version: str, purl: str, full: str) -> None:
    assert full_version(kind, version, purl) == full


@pytest.mark.parametrize(
    ("kind", "first", "second", "side"),
    [
        ("npm", "1.2.3", "1.10.0", -1),
        ("npm", "2.0.0-rc.1", "2.0.0", -1),
        ("pypi", "1.0rc1", "1.0", -1),
        ("pypi", "1!0.1", "2.0", 1),
        ("pypi", "1.0", "1.0.0", 0),
        ("maven", "1.0-alpha", "1.0", -1),
        ("maven", "1.0", "1.0-sp", -1),
        ("golang", "v1.2.3", "v1.2.10", -1),
        ("golang", "v0.0.0-20191016112426-3962a5ea8da1", "v0.0.0-20201016112426-3962a5ea8da1", -1),
        ("deb", "1:1.0-1", "2.0-1", 1),
        ("deb", "1.0~rc1-1", "1.0-1", -1),
        ("rpm", "1.0-1.el9", "1.0-2.el9", -1),
        ("rpm", "1:1.0-1", "9.0-1", 1),
        ("rpm", "1.0~rc1-1", "1.0-1", -1),
        ("apk", "3.1.0-r4", "3.1.0-r10", -1),
        ("apk", "1.0_rc1-r0", "1.0-r0", -1),
        ("unheard-of", "1.2.3", "1.2.4", -1),
        ("npm", "x", "x", 0),
        ("npm", "banana", "1.0.0", None),
        ("npm", "1" * 129, "1.0.0", None),
    ],
)
def test_order_of_versions(kind: str, first: str, second: str, side: int | None) -> None:
    assert compare(kind, first, second) == side
    assert compare(kind, second, first) == (None if side is None else -side)


RANGE = [
    {
        "type": "SEMVER",
        "events": [{"introduced": "1.0.0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"last_affected": "2.3.0"}],
    }
]


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("0.9.9", False),
        ("1.0.0", True),
        ("1.1.9", True),
        ("1.2.0", False),
        ("1.9.0", False),
        ("2.0.0", True),
        ("2.3.0", True),
        ("2.3.1", False),
    ],
)
def test_ranges(version: str, affected: bool) -> None:
    assert is_affected("npm", version, RANGE, []) is affected


@pytest.mark.parametrize(
    "ranges",
    [
        [{"type": "GIT", "events": [{"introduced": "0"}]}],
        [{"type": "SEMVER"}],
        [{"type": "SEMVER", "events": "0"}],
        [{"type": "SEMVER", "events": [5, None, {"introduced": []}]}],
        [{"type": "SEMVER", "events": [{"introduced": "banana"}]}],
    ],
)
def test_odd_advisories_name_nothing(ranges: Any) -> None:
    assert not is_affected("npm", "1.0.0", ranges, [])


def test_versions_named_one_by_one_and_everything() -> None:
    assert is_affected("npm", "odd one", [], ["odd one"])
    assert is_affected("npm", "0.0.1", [{"type": "SEMVER", "events": [{"introduced": "0"}]}], [])


@pytest.mark.parametrize(
    ("version", "events", "fixed"),
    [
        ("1.0.0", [{"introduced": "0"}, {"fixed": "1.2.0"}], "1.2.0"),
        ("1.0.0", [{"introduced": "0"}, {"fixed": "0.9.0"}, {"introduced": "1.0.0"}, {"fixed": "1.10.0"}, {"fixed": "1.9.0"}], "1.9.0"),
        ("1.0.0", [{"introduced": "0"}, {"last_affected": "1.2.0"}], None),
        ("1.0.0", [{"introduced": "0"}, {"fixed": "banana"}], None),
        ("1.0.0", [{"introduced": "0"}, {"fixed": {"x": []}}], None),
        ("1.0.0", "no list", None),
    ],
)  # fmt: skip
def test_the_next_fixed_version(version: str, events: Any, fixed: str | None) -> None:
    assert fixed_in("npm", version, [{"type": "SEMVER", "events": events}]) == fixed


def test_a_commit_is_no_fixed_version() -> None:
    assert fixed_in("npm", "1.0.0", [{"type": "GIT", "events": [{"fixed": "9" * 40}]}]) is None
