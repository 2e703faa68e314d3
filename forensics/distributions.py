"""Packages of Linux distributions: whose they are and which release they are of, as package URLs and OSV advisories write it.

Package URLs: github.com/package-url/purl-spec, types deb, rpm and apk (the namespace is the vendor, `distro` the release). Ecosystems:
ossf.github.io/osv-schema, "Defined ecosystems" (`Debian:12`, `Alpine:v3.18`, `Red Hat:enterprise_linux:9::baseos`).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# OSV ecosystem -> purl type and vendor.
ECOSYSTEMS = {
    "debian": ("deb", "debian"), "ubuntu": ("deb", "ubuntu"), "alpine": ("apk", "alpine"), "wolfi": ("apk", "wolfi"),
    "chainguard": ("apk", "chainguard"), "red hat": ("rpm", "redhat"), "rocky linux": ("rpm", "rocky"), "almalinux": ("rpm", "almalinux"),
    "suse": ("rpm", "suse"), "opensuse": ("rpm", "opensuse"), "photon os": ("rpm", "photon"), "mageia": ("rpm", "mageia"),
    "openeuler": ("rpm", "openeuler"), "azure linux": ("rpm", "azurelinux"),
}  # fmt: skip
TYPES = frozenset(kind for kind, _ in ECOSYSTEMS.values())
# How writers of bills of materials name the vendor, where it is not the word above: mostly ID of /etc/os-release.
_VENDORS = {
    "rhel": "redhat", "red-hat": "redhat", "rocky-linux": "rocky", "rockylinux": "rocky", "alma": "almalinux", "sles": "suse", "sled": "suse",
    "opensuse-leap": "opensuse", "opensuse.leap": "opensuse", "opensuse-tumbleweed": "opensuse", "opensuse.tumbleweed": "opensuse",
    "azl": "azurelinux", "azure-linux": "azurelinux", "photon-os": "photon",
}  # fmt: skip
# Code names that stand for a number (debian.org/releases, wiki.ubuntu.com/Releases); names of rolling releases stand for themselves.
_NAMES = {
    "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "trusty": "14.04",
    "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04", "oracular": "24.10", "plucky": "25.04",
    "questing": "25.10", "sid": "sid", "edge": "edge", "tumbleweed": "tumbleweed",
}  # fmt: skip
_QUALIFIER = re.compile(r"[?&]([a-z_]{1,20})=([^&#]{1,200})")
_WORD = re.compile(r"[a-z0-9.]+")
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}")
_SERVICE_PACK = re.compile(r"([0-9]{1,3})[ -]?sp([0-9]{1,3})")
_EL = re.compile(r":el([0-9]{1,3})")

Release = tuple[str, ...]


def vendor_of(namespace: str) -> str:
    """Return one word for the vendor that a purl's namespace names."""
    word = namespace.lower()
    return _VENDORS.get(word, word)


def qualifier(purl: str, key: str) -> str:
    """Return a qualifier of a purl such as `distro` or `epoch`, empty where it has none."""
    return next(
        (unquote(value, errors="replace") for name, value in _QUALIFIER.findall(purl[:2000]) if name == key), ""
    )


def release(text: str) -> Release:
    """Return the parts of a release's number: `debian-12.4` is 12, 4; `v3.18` is 3, 18; `15 SP5` is 15, 5; `jammy` is 22, 4.

    A rolling release is its name. No part where there is neither a number nor a code name that is known here.
    """
    low = text.lower()[:200]
    known = next((_NAMES[word] for word in _WORD.findall(low) if word in _NAMES), "")
    number = _NUMBER.search(known or _SERVICE_PACK.sub(r"\1.\2", low))
    if number:
        return tuple(part.lstrip("0") or "0" for part in number[0].split("."))
    return (known,) if known else ()


def release_of(ecosystem: str) -> Release:
    """Return the release that an OSV ecosystem names after its colon; of Red Hat's products, which count their own way, the `el` they are built for."""
    vendor, _, rest = ecosystem.strip().lower()[:200].partition(":")
    if vendor != "red hat":
        return release(rest) if vendor in ECOSYSTEMS else ()
    built_for = _EL.search(rest)
    if built_for:
        return release(built_for[1])
    return release(rest) if rest.startswith(("enterprise_linux", "rhel", *"123456789")) else ()


def agree(first: Release, second: Release) -> bool:
    """Say whether two releases may be the same: each part that both have is equal (12 and 12.4; not 3.18 and 3.19, nor 12 and `sid`).

    Where one of them is not known nothing is excluded: a bill of materials without a `distro` meets the advisories of every release.
    """
    return all(one == other for one, other in zip(first, second, strict=False))
