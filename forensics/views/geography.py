"""Country and network operator of addresses from MaxMind DB files that `[enrich]` of canary.toml names; nothing is fetched.

The files are copied into the case when its configuration is written, so that a case gives the same answer wherever it is opened.
Format: MaxMind DB File Format Specification 2.0; fields as in GeoLite2 Country, City and ASN, and the files that follow them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from forensics.case import Case, file_sha256
from forensics.config import FILE_NAME, Enrich, Loaded
from forensics.errors import ConfigError, Location
from forensics.networks import canonical, version_of

FOLDER = "enrichment"
_KINDS = {"country_file": ("country", "city", "enterprise"), "asn_file": ("asn", "isp", "enterprise")}


class Place(NamedTuple):
    """What is known of an address: ISO 3166-1 alpha-2 code, autonomous system number and the name of its holder."""

    country: str | None = None
    asn: int | None = None
    organization: str | None = None


def keep_databases(case: Case, loaded: Loaded) -> None:
    """Copy the files that `[enrich]` names into the case and record their hashes; call it where the configuration is written.

    Raises:
        ConfigError: a file is not there or cannot be read as a database.

    """
    kept = {_copy(case, key, source.name): source for key, source in check_databases(loaded).items()}
    if kept:
        files = {target.relative_to(case.folder).as_posix(): source.read_bytes() for target, source in kept.items()}
        case.commit("enrichment", files)


def check_databases(loaded: Loaded) -> dict[str, Path]:
    """Return the files that `[enrich]` names by key; relative paths start at the folder of canary.toml.

    Raises:
        ConfigError: a file is not there or cannot be read as a database, or the reader is not installed.

    """
    folder = loaded.path.parent if loaded.path else Path()
    files = {key: folder / file for key, file in _named(loaded.config.enrich).items()}
    for key, path in files.items():
        with _reader(key, path, Location(loaded.path or Path(FILE_NAME), key=f"enrich.{key}")):
            pass
    return files


def databases_of(case: Case) -> dict[str, Path]:
    """Return the files of the case's `[enrich]` by key: the case's own copy, else the file beside the case's canary.toml."""
    named = _named(case.config().config.enrich)
    return {
        key: copy if (copy := _copy(case, key, file)).is_file() else _beside(case, file) for key, file in named.items()
    }


def _beside(case: Case, file: str) -> Path:
    """Return a file of the case folder; a case that came from someone else names no file outside of it."""
    path = case.folder / file
    inside = path.resolve().is_relative_to(case.folder.resolve())
    return path if inside else case.folder / FOLDER / Path(file).name


def digests_of(case: Case) -> dict[str, str]:
    """Return the SHA-256 of the files of `[enrich]` by key; a file that is missing has an empty one."""
    return {key: file_sha256(path) if path.is_file() else "" for key, path in databases_of(case).items()}


def _named(enrich: Enrich) -> dict[str, str]:
    return {key: file for key in _KINDS if (file := getattr(enrich, key))}


def _copy(case: Case, key: str, file: str) -> Path:
    return case.folder / FOLDER / f"{key.removesuffix('_file')}-{Path(file).name}"


def locate(keys: Sequence[bytes], databases: Mapping[str, Path]) -> pa.Table:
    """Return country, asn and as_organization of address keys that are sorted; without files the table is empty.

    Raises:
        ConfigError: a file is missing, damaged or of the wrong kind, or maxminddb is not installed.

    """
    found = {key: _places(key, path, keys) for key, path in databases.items()}
    kept = keys if found else []
    countries = found.get("country_file") or [Place()] * len(kept)
    networks = found.get("asn_file") or [Place()] * len(kept)
    return pa.table({
        "address_key": pa.array(kept, pa.binary()),
        "country": pa.array([place.country for place in countries], pa.string()),
        "asn": pa.array([place.asn for place in networks], pa.int64()),
        "as_organization": pa.array([place.organization for place in networks], pa.string()),
    })  # fmt: skip


def _places(key: str, path: Path, keys: Iterable[bytes]) -> list[Place]:
    location = Location(path, key=f"enrich.{key}")
    with _reader(key, path, location) as reader:
        try:
            return list(_lookups(reader, keys))
        except Exception as error:
            raise _unreadable(path, error, location) from error


def _lookups(reader: Any, keys: Iterable[bytes]) -> Iterable[Place]:
    """Yield the place of each key; neighbours inside one network of the database share a lookup."""
    place, held_to = Place(), b""
    only_four = reader.metadata().ip_version == 4
    for key in keys:
        if only_four and version_of(key) == 6:
            yield Place()
            continue
        if key > held_to:
            record, length = reader.get_with_prefix_len(canonical(key))
            place, held_to = _place(record), _last(key, length)
        yield place


def _last(key: bytes, length: int) -> bytes:
    """Return the last key of the network of `length` bits around an address."""
    bits = (32 if version_of(key) == 4 else 128) - length
    return (int.from_bytes(key) | ((1 << bits) - 1)).to_bytes(16)


def _place(record: Any) -> Place:
    record = record if isinstance(record, dict) else {}
    country = record.get("country") or record.get("registered_country")
    code = country.get("iso_code") if isinstance(country, dict) else None
    number, holder = record.get("autonomous_system_number"), record.get("autonomous_system_organization")
    return Place(
        code if isinstance(code, str) and len(code) == 2 else None,
        number if isinstance(number, int) and 0 <= number < 1 << 32 else None,
        holder if isinstance(holder, str) else None,
    )


def _reader(key: str, path: Path, location: Location) -> Any:
    try:
        import maxminddb
    except ImportError as error:
        raise ConfigError(
            "[enrich] names a MaxMind DB file, but the reader for it is not installed.",
            hint="Install it with: pip install 'canary-forensics[geo]'.",
            location=location,
        ) from error
    if not path.is_file():
        raise ConfigError(
            f"{path} is not there.", hint=f"Correct {key} of [enrich], or take the line out.", location=location
        )
    try:
        reader = maxminddb.open_database(path)
        kind = str(reader.metadata().database_type)
    except Exception as error:
        raise _unreadable(path, error, location) from error
    if not any(word in kind.lower() for word in _KINDS[key]):
        reader.close()
        raise ConfigError(
            f"{path} is a database of type {kind[:60]!a}, not one for {key}.",
            hint=f"Name a file of one of the types: {', '.join(_KINDS[key])}.",
            location=location,
        )
    return reader


def _unreadable(path: Path, error: Exception, location: Location) -> ConfigError:
    return ConfigError(
        f"{path} cannot be read as a MaxMind DB file: {str(error)[:200]!a}.",
        hint="Fetch the file again, or take the line out of [enrich].",
        location=location,
    )
