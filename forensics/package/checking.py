"""Check a package against itself and, with a signer's key, against who sealed it.

Each check yields failures; all of them run, so that everything that is wrong is told. What this tool writes has one form: manifests, tag files and
signatures are compared with what would be written, so that any other byte is a change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import msgspec

from forensics import custody
from forensics.errors import IntegrityError
from forensics.package import signing, sshsig
from forensics.package.bag import (
    ALGORITHMS,
    BAGIT,
    INFO,
    PAYLOAD,
    SEAL,
    SIGNATURES,
    SUFFIX,
    TAG_MANIFESTS,
    TAGS,
    declaration,
    is_name,
    manifest,
    manifest_name,
    parse_info,
)
from forensics.package.contents import SMALL, Contents, Digest, Failure, contents, digest, small

CUSTODY, PROVENANCE = f"{PAYLOAD}custody/custody.jsonl", f"{PAYLOAD}run/provenance.json"
_LINE = re.compile(rb"([0-9a-f]{64}|[0-9a-f]{128})  (.+)")
_TOP = (*TAGS, *TAG_MANIFESTS)
_MOST = 100  # odd lines of one manifest that are told
_UNSIGNED = "unsigned: detects accident, not an attacker, who would write the manifests anew"
_ALWAYS = (
    "that the logs were whole and true before they were exported, and that nothing was left out: see coverage and sources",
    "when it was packed: there is no time stamp of a third party",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What failed, in order of the files; what was shown and what was not, in words."""

    failures: list[Failure]
    shown: list[str] = field(default_factory=list)
    not_shown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Package:
    """The files found with their hashes, and the small files that are looked into."""

    found: Contents
    digests: Mapping[str, Digest]
    texts: Mapping[str, bytes]


def verify(path: Path, signer: Path | None = None) -> Checked:
    """Return what is wrong with a package, and what its being whole shows.

    Raises:
        UsageError: there is no package, the signer's file names no key, or signatures are to be checked without the extra `seal`.

    """
    if signer is not None:
        signing.require_library()
    wanted = signing.signers(signer) if signer is not None else None
    found = contents(path)
    if not found.sizes and found.failures:  # a zip that is none, or a folder that cannot be read
        return Checked(found.failures)
    package, unread = _read(found)
    checks = (
        _names(package),
        _tags(package),
        _manifests(package),
        _info(package),
        _custody(package),
        _outputs(package),
    )
    failures = [*package.found.failures, *unread, *(failure for check in checks for failure in check)]
    failures += _signature(package, wanted)
    ordered = sorted(set(failures), key=lambda item: (item.file, item.what))
    return Checked(ordered) if ordered else _summary(package, wanted)


def _read(found: Contents) -> tuple[_Package, list[Failure]]:
    """Hash what belongs to a package; what does not, or is too large for its place, is told by name and not read."""
    looked_into = (*_TOP, *signing.FILES, CUSTODY, PROVENANCE)
    texts = {name: small(found, name) for name in looked_into if name in found.sizes}
    most = _declared_bytes(texts.get(INFO, b""))
    digests: dict[str, Digest] = {}
    failures = []
    for name in sorted(name for name in found.sizes if name.startswith(PAYLOAD) or name in texts):
        limit = SMALL if name in texts else most
        if found.sizes[name] > limit:
            failures.append(Failure(name, f"is larger than {limit:,} bytes, as large as it may be"))
        elif is_name(name):
            made = digest(found, name)
            if isinstance(made, Digest):
                digests[name] = made
            else:
                failures.append(made)
    return _Package(found, digests, texts), failures


def _declared_bytes(info: bytes) -> int:
    """Return the size of the whole payload by bag-info.txt; no file of it can be larger."""
    octets = (parse_info(info) or {}).get("Payload-Oxum", "").partition(".")[0]
    return int(octets) if re.fullmatch(r"[0-9]{1,15}", octets) else SMALL


def _names(package: _Package) -> Iterator[Failure]:
    """Refuse names that a package never has, names that are one on other systems, and files that do not belong."""
    seen: dict[str, str] = {}
    for name in sorted(package.found.sizes):
        if not is_name(name):
            yield Failure(name, "has a name that no file of a package has")
        elif name.lower() in seen:
            yield Failure(name, f"is the same as {seen[name.lower()]} where case does not count")
        elif not name.startswith(PAYLOAD) and name not in (*_TOP, *signing.FILES):
            yield Failure(name, "does not belong to the package: added")
        seen.setdefault(name.lower(), name)


def _tags(package: _Package) -> Iterator[Failure]:
    """Compare the tag files with both tag manifests."""
    for name in _TOP:
        if name not in package.found.sizes:
            yield Failure(name, "is missing")
    if package.texts.get(BAGIT, declaration()) != declaration():
        yield Failure(BAGIT, "does not declare BagIt 1.0")
    yield from _compared(package, TAGS, tags=True)


def _manifests(package: _Package) -> Iterator[Failure]:
    """Compare the payload with both manifests."""
    payload = [name for name in package.digests if name.startswith(PAYLOAD)]
    yield from _compared(package, payload, tags=False)


def _compared(package: _Package, names: Sequence[str], *, tags: bool) -> Iterator[Failure]:
    """Compare files with the lines about them; where all lines are right, the manifest must be what would be written."""
    manifests = {manifest_name(algorithm, tags=tags): algorithm for algorithm in ALGORITHMS}
    read = {title: _lines(package.texts[title]) for title in manifests if title in package.found.sizes}
    hashes = {title: _hashes(package, names, manifests[title]) for title in read}
    fitting = {
        name
        for title, (listed, _) in read.items()
        for name, digest in hashes[title].items()
        if listed.get(name) == digest
    }
    for title, (listed, odd) in read.items():
        wrong = [*odd, *_differences(title, listed, hashes[title], package.found.sizes, fitting)]
        if not wrong and manifest(hashes[title]) != package.texts[title]:
            wrong = [Failure(title, "is not in the form in which it is written: changed")]
        yield from (Failure(failure.file or title, failure.what) for failure in wrong)


def _hashes(package: _Package, names: Sequence[str], algorithm: str) -> dict[str, str]:
    return {name: getattr(package.digests[name], algorithm) for name in names if name in package.digests}


def _lines(data: bytes) -> tuple[dict[str, str], list[Failure]]:
    """Return the digests of a manifest by name, and what is wrong with its lines; names that lead elsewhere are never looked up."""
    listed: dict[str, str] = {}
    odd: list[Failure] = []
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n") if data else [], 1):
        parts = _LINE.fullmatch(line)
        name = parts[2].decode("ascii", "replace") if parts else ""
        if not parts or not is_name(name) or name in listed:
            odd.append(Failure("", f"line {number:,} is not as this tool writes it"))
            if len(odd) == _MOST:
                break
        else:
            listed[name] = parts[1].decode()
    return listed, odd


def _differences(
    title: str, listed: Mapping[str, str], actual: Mapping[str, str], sizes: Mapping[str, int], fitting: set[str]
) -> Iterator[Failure]:
    """Yield what a manifest and the files do not agree on; a file that fits another manifest is not what was changed."""
    for name in sorted({*listed, *actual}):
        if name not in listed:
            yield Failure(name, f"is not in {title}: added, or its line was removed")
        elif name not in sizes:
            yield Failure(name, f"is missing; {title} names it")
        elif name not in actual:
            yield Failure(name, f"is in {title} and does not belong there")
        elif actual[name] != listed[name] and name in fitting:
            yield Failure(title, f"its line about {name} was changed: the file fits the other manifest")
        elif actual[name] != listed[name]:
            yield Failure(name, f"was changed: its hash is not the one in {title}")


def _info(package: _Package) -> Iterator[Failure]:
    """Compare bag-info.txt with the payload and, in a zip, with the folder."""
    if INFO not in package.texts:
        return
    info = parse_info(package.texts[INFO])
    if info is None:
        yield Failure(INFO, "is not in the form in which it is written: changed")
        return
    sizes = [size for name, size in package.found.sizes.items() if name.startswith(PAYLOAD)]
    oxum = f"{sum(sizes)}.{len(sizes)}"
    if info.get("Payload-Oxum") != oxum:
        yield Failure(INFO, f"says Payload-Oxum {info.get('Payload-Oxum')}, found {oxum} (bytes.files)")
    top = f"{info.get('External-Identifier')}{SUFFIX}"
    if package.found.top not in (None, top):
        yield Failure(INFO, f"is of {top}, the folder in the zip is {package.found.top}")


def _custody(package: _Package) -> Iterator[Failure]:
    """Check the chain, and that its end is the one that bag-info.txt pins."""
    if CUSTODY not in package.found.sizes:
        yield Failure(CUSTODY, "is missing")
        return
    try:
        chain = custody.verify_bytes(package.texts[CUSTODY], Path(PurePosixPath(CUSTODY).name))
    except IntegrityError as error:
        yield Failure(
            CUSTODY, f"line {error.location.line if error.location else '?'} does not hold the hash of the line before"
        )
        return
    info = parse_info(package.texts.get(INFO, b"")) or {}
    if chain.torn:
        yield Failure(CUSTODY, "its last line is cut")
    if info and info.get("Custody-Lines") != str(chain.length):
        yield Failure(CUSTODY, f"has {chain.length:,} lines, {INFO} pins {info.get('Custody-Lines')}")
    if info and info.get("Custody-Head") != chain.head:
        yield Failure(CUSTODY, f"does not end with the line that {INFO} pins")


class _Output(msgspec.Struct):
    name: str
    file: str
    masked: bool


def _outputs(package: _Package) -> Iterator[Failure]:
    """Compare findings and results that lie here as in the case with what the custody log of the case pins."""
    pinned = custody.pinned_in(package.texts.get(CUSTODY, b""))
    try:
        outputs = _outputs_of(package.texts.get(PROVENANCE, b""))
    except (msgspec.DecodeError, LookupError, TypeError, RecursionError):
        yield Failure(PROVENANCE, "is missing, or not what this tool writes")
        return
    for output in outputs:
        found = package.digests.get(f"{PAYLOAD}{output.file}")
        if not output.masked and found is not None and found.sha256 != pinned.get(output.name):
            yield Failure(f"{PAYLOAD}{output.file}", "is not what the custody log pins")


def _outputs_of(data: bytes) -> list[_Output]:
    statement = msgspec.json.decode(data)
    listed = statement["predicate"]["buildDefinition"]["internalParameters"]["outputs_of_the_case"]
    return msgspec.convert(listed, list[_Output])


def _signature(package: _Package, wanted: Sequence[bytes] | None) -> Iterator[Failure]:
    """Check the signature, where there is one or has to be one."""
    present = [name for name in signing.FILES if name in package.found.sizes]
    if not present:
        if wanted is not None:
            yield Failure(SIGNATURES, "is missing: the package is not signed")
        return
    if len(present) < len(signing.FILES):
        yield from (Failure(name, "is missing") for name in signing.FILES if name not in present)
        return
    if signing.has_library():
        yield from (Failure(*item) for item in signing.check(package.texts, package.texts.get(SEAL, b""), wanted))


def _summary(package: _Package, wanted: Sequence[bytes] | None) -> Checked:
    """Say what a package without a failure shows, and what it does not."""
    info = parse_info(package.texts[INFO]) or {}
    payload = sum(name.startswith(PAYLOAD) for name in package.digests)
    shown = [
        f"whole: {payload:,} files are as they were packed, none was added (SHA-256 and SHA-512)",
        f"custody log: {info['Custody-Lines']} lines, chain whole, head {info['Custody-Head'][:16]} as pinned",
    ]
    decoded = sshsig.decode(package.texts.get(signing.SSH, b""))
    if decoded is None:
        return Checked([], shown, [_UNSIGNED, *_ALWAYS])
    told = sshsig.fingerprint(decoded[0])
    if not signing.has_library():
        return Checked([], shown, [f"the signature by {told}: not checked, install canary-forensics[seal]", *_ALWAYS])
    if wanted is None:
        who = f"who signed: the key {told} came with the package; give the signer's own with --signer"
        return Checked([], [*shown, f"signature: fits the key {told}"], [who, *_ALWAYS])
    return Checked([], [*shown, f"signature: by the signer given, {told}"], list(_ALWAYS))
