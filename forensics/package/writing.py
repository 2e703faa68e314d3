"""Make a package of a case: checked first, assembled in memory, written beside its place and moved there when it is whole."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from forensics import __version__, custody
from forensics.case import Case, exclusive
from forensics.errors import CaseError, IntegrityError, UsageError
from forensics.investigate.status import inspect
from forensics.package import archive, signing, sshsig
from forensics.package.bag import SEAL, SUFFIX, bag
from forensics.package.payload import assemble
from forensics.package.pseudonyms import make_key, read_key
from forensics.results import material

_ODD = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Options:
    """Where the pseudonym key and the signing key lie, how to ask for a passphrase, and folders of detectors that judged."""

    key: Path | None = None
    sign: Path | None = None
    passphrase: signing.Passphrase = bytes
    queries: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: payload files and bytes, hash of the sealed manifest, fingerprint of the signer, and what is to be told."""

    files: int
    bytes: int
    sealed_sha256: str
    signed_by: str
    stand_ins: dict[str, str]
    new_key: bool = False
    missing_rules: list[str] = field(default_factory=list)


def create(case: Case, out: Path, options: Options) -> Made:
    """Write the package of a case to a new folder, or to a zip where `out` ends in .zip; the access log of the case notes it.

    Raises:
        UsageError: the place is taken or inside the case, a key is not usable, or detection has not run. IntegrityError: the case is not
            what was recorded. CaseError: the place cannot be written.

    """
    _require_places(case, out, options)
    signer = _signer(options)
    with exclusive(case):
        _require_whole(case)
        material(case)  # before a key is made for nothing
        key, is_new = _key(options.key)
        payload, stand_ins, missing = assemble(case, key, options.queries)
        labels = dict(_labels(case, payload, stand_ins))
        files = bag(payload, labels.items())
        signatures = signing.sign(files[SEAL], signer) if signer else {}
        sealed = hashlib.sha256(files[SEAL]).hexdigest()
        signed_by = sshsig.fingerprint(signer.public_key().public_bytes_raw()) if signer else ""
        case.log_access("package", tagmanifest_sha256=sealed, stand_ins=stand_ins, signed_by=signed_by)
        _write(out, f"{labels['External-Identifier']}{SUFFIX}", files | signatures)
    return Made(len(payload), sum(map(len, payload.values())), sealed, signed_by, stand_ins, is_new, missing)


def _require_places(case: Case, out: Path, options: Options) -> None:
    inside = case.folder.resolve()
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} exists.", hint="Name another place: a package is written once and not changed.")
    if not out.parent.is_dir():
        raise UsageError(f"There is no folder {out.parent}.", hint="Make it, or name another place.")
    if out.resolve().is_relative_to(inside):
        raise UsageError(f"{out} lies in the case.", hint="Name a place outside of it.")
    for what, path in (("pseudonym", options.key), ("signing", options.sign)):
        if path is not None and (path.resolve().is_relative_to(inside) or path.resolve().is_relative_to(out.resolve())):
            raise UsageError(
                f"The {what} key {path} lies in the case or in the package.",
                hint="Keep it apart from both: who has the case must not have it.",
            )


def _signer(options: Options) -> Any:
    if options.sign is None:
        return None
    signing.require_library()
    return signing.private_key(options.sign, options.passphrase)


def _require_whole(case: Case) -> None:
    """Refuse to seal what is not as it was recorded; raises `IntegrityError`."""
    problems = inspect(case).problems
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise IntegrityError(
            f"The case is not what was recorded: {problems[0]}{more}.",
            hint="See everything with: canary-forensics status CASE. A package of it would say that it is whole.",
        )


def _key(path: Path | None) -> tuple[bytes | None, bool]:
    """Return the pseudonym key, made where the file that was named is not there, and whether it was made."""
    if path is None:
        return None, False
    return (read_key(path), False) if os.path.lexists(path) else (make_key(path), True)


def _labels(case: Case, payload: Mapping[str, bytes], stand_ins: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Yield bag-info.txt but Payload-Oxum; the custody log of the case is pinned here, so that the signature covers its end."""
    about = material(case)[0]["case"]
    data = payload[f"custody/{custody.FILE_NAME}"]
    chain = custody.verify_bytes(data, case.folder / custody.FILE_NAME)
    yield "Bag-Software-Agent", f"canary-forensics {__version__}"
    yield "Bagging-Date", _day(about["window"]).isoformat()
    yield "External-Identifier", _ODD.sub("-", about["name"]).strip("-")[:80] or "case"
    yield "Internal-Sender-Description", "Evidence package of a canary review, tier shareable; see HOWTO-VERIFY.txt"
    yield "Stand-Ins", " ".join(stand_ins.values())
    yield "Custody-Lines", str(chain.length)
    yield "Custody-Head", chain.head


def _day(window: Mapping[str, str]) -> date:
    """Return the day of SOURCE_DATE_EPOCH, else of the case's end: never today, so that two packages of a case are the same."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        if given:
            return datetime.fromtimestamp(int(given), UTC).date()
        return date.fromisoformat((window["end"] or window["start"] or "1970-01-01")[:10])
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{given or window['end']} is no time.", hint="SOURCE_DATE_EPOCH is seconds since 1970."
        ) from error


def _write(out: Path, top: str, files: Mapping[str, bytes]) -> None:
    """Write beside the place, readable by the owner only, then move there: a package is there whole or not at all."""
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        if out.suffix == ".zip":
            _write_zip(partial / "zip", top, files)
            (partial / "zip").rename(out)
        else:
            _write_folder(partial / "folder", files)
            (partial / "folder").rename(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(partial)


def _write_zip(path: Path, top: str, files: Mapping[str, bytes]) -> None:
    try:
        with path.open("xb") as file:
            for data in archive.write(top, files):
                file.write(data)
    except ValueError as error:
        raise CaseError(f"This is not written: {error}.", hint="Name a folder instead of a .zip.") from error


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(mode=0o700)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _unwritable(out: Path, error: OSError) -> CaseError:
    return CaseError(f"{out} cannot be written: {error.strerror}.", hint="Free some space, or name another place.")
