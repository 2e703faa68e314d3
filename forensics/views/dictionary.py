"""The dimension tables that users and detectors may query: one row per distinct key, with what each column means."""

from __future__ import annotations

from forensics.schema import Column, Table

_ADDRESS = (
    Column("address", "VARCHAR", "the address as written, in any address column of any table", personal="indirect"),
    Column("address_version", "TINYINT", "4 or 6; an IPv4-mapped IPv6 address is 4; NULL = not an address"),
    Column("address_key", "BLOB", "16 bytes, IPv4 as ::ffff:a.b.c.d; one for every spelling", personal="indirect"),
    Column("address_canonical", "VARCHAR", "dotted decimal, or RFC 5952 text of IPv6", personal="indirect"),
    Column(
        "address_class",
        "VARCHAR",
        "public, private, unique_local, loopback, link_local, metadata, carrier_nat, multicast, broadcast, documentation, benchmarking, "
        "transition (6to4, Teredo), unspecified, reserved",
    ),
    Column(
        "zone",
        "VARCHAR",
        "name of the zone: the most specific network of canary.toml and the built-in ones, of equals that of canary.toml; else external",
    ),
    Column("zone_kind", "VARCHAR", "internal, datastore, external, metadata"),
    Column("country", "VARCHAR", "ISO 3166-1 alpha-2 code by the file of [enrich]; NULL without one"),
    Column("asn", "BIGINT", "autonomous system number by the file of [enrich]"),
    Column("as_organization", "VARCHAR", "holder of the autonomous system by the file of [enrich]"),
)
_DOMAIN = (
    Column("name", "VARCHAR", "the name as written: DNS question, CNAME answer, SNI, Host, destination"),
    Column(
        "registered_domain",
        "VARCHAR",
        "public suffix and one label, A-labels, lower case; NULL = none. Suffixes: Public Suffix List with its private section, shared_suffixes.txt",
    ),
    Column("public_suffix", "VARCHAR", "by the Public Suffix List with its private section; NULL = not a host name"),
)
_PATH = (
    Column("url_path", "VARCHAR", "raw path without query", "otel", "indirect"),
    Column("url_path_norm_merged", "VARCHAR", "runs of slashes merged", personal="indirect"),
    Column(
        "url_path_norm_decoded",
        "VARCHAR",
        "unreserved characters, slash and backslash percent-decoded once; backslash is slash",
        personal="indirect",
    ),
    Column("url_path_norm_dots", "VARCHAR", "decoded, dot segments removed, slashes merged", personal="indirect"),
    Column(
        "url_path_norm_lower",
        "VARCHAR",
        "the loosest reading: case, double escapes, parameters, NUL, # and trailing . / and space gone",
        personal="indirect",
    ),
)
_ROUTE = (
    Column("url_path", "VARCHAR", "raw path without query", "otel", "indirect"),
    Column("route", "VARCHAR", "route template of the path"),
    Column("route_source", "VARCHAR", "configured, observed, learned, shape"),
)
_TEMPLATE = (
    Column("template", "VARCHAR", "a route with parameters as records name it"),
    Column("records", "BIGINT", "records that name it"),
    Column("is_applied", "BOOLEAN", "whether paths are matched with it; not beyond the 2,000 with most records"),
)

DIMENSIONS: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "dims.addresses", "one row per distinct address: class, zone, country, operator", _ADDRESS, has_common=False
        ),
        Table("dims.domains", "one row per distinct host name: registered domain", _DOMAIN, has_common=False),
        Table("dims.paths", "one row per distinct path: its normal forms", _PATH, has_common=False),
        Table("dims.routes", "one row per distinct path: its route", _ROUTE, has_common=False),
        Table("dims.route_templates", "routes that records teach for other records", _TEMPLATE, has_common=False),
    )
}
