"""Every table and column, once: DDL, Arrow schemas, documentation and masking follow from this list.

Names are OpenTelemetry semantic conventions with dots as underscores (`otel`), the Elastic Common Schema where OpenTelemetry has
none (`ecs`), else this project's own (`own`). Types are DuckDB's. Times are TIMESTAMP, UTC, microseconds.
Personal-data class: `none`, `indirect` (identifies with other data), `direct`, `content` (may hold anything).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PersonalData = Literal["none", "indirect", "direct", "content"]
Origin = Literal["otel", "ecs", "own"]

HEADERS = "STRUCT(name VARCHAR, value VARCHAR)[]"
ANSWERS = "STRUCT(type VARCHAR, data VARCHAR, ttl DOUBLE)[]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `type` is a DuckDB type, `personal` drives masking."""

    name: str
    type: str
    meaning: str
    origin: Origin = "own"
    personal: PersonalData = "none"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of facts; `columns` leave out the common ones."""

    name: str
    meaning: str
    own_columns: tuple[Column, ...]
    has_common: bool = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns in the order of the Parquet file."""
        return (*PROVENANCE, *COMMON, *self.own_columns) if self.has_common else (*PROVENANCE, *self.own_columns)

    @property
    def types(self) -> dict[str, str]:
        """Column name to DuckDB type, in order."""
        return {column.name: column.type for column in self.columns}


def _c(name: str, kind: str, origin: Origin, personal: PersonalData, meaning: str) -> Column:
    return Column(name, kind, meaning, origin, personal)


PROVENANCE = (
    _c(
        "evidence_id",
        "VARCHAR",
        "own",
        "none",
        "the evidence file: first 16 hex digits of the SHA-256 of its decompressed bytes",
    ),
    _c("record_no", "BIGINT", "own", "none", "1-based physical line (blank lines count), or entry index in a document"),
    _c("record_offset", "BIGINT", "own", "none", "byte offset of the record in the decompressed bytes, where cheap"),
)

COMMON = (
    _c(
        "observer",
        "VARCHAR",
        "own",
        "none",
        "what saw the event: envoy, nginx, zeek.conn, har ...; rates never pool observers",
    ),
    _c("time", "TIMESTAMP", "own", "none", "when it happened, UTC"),
    _c("time_raw", "VARCHAR", "own", "none", "the stamp as written in the record"),
    _c("service_name", "VARCHAR", "otel", "none", "logical name of the service"),
    _c("service_version", "VARCHAR", "otel", "none", "version of the service that acted"),
    _c("k8s_namespace_name", "VARCHAR", "otel", "none", "Kubernetes namespace"),
    _c("k8s_pod_name", "VARCHAR", "otel", "none", "Kubernetes pod that acted"),
    _c("trace_id", "VARCHAR", "otel", "indirect", "trace the event belongs to"),
    _c(
        "attributes",
        "JSON",
        "own",
        "content",
        "what the importer does not map; `_invalid` holds values of the wrong type",
    ),
)

_REQUEST = (
    _c("http_request_id", "VARCHAR", "ecs", "indirect", "request id given by the proxy"),
    _c("http_request_method", "VARCHAR", "otel", "none", "method, upper case as sent"),
    _c("url_scheme", "VARCHAR", "otel", "none", "http or https"),
    _c("url_path", "VARCHAR", "otel", "indirect", "raw path without query"),
    _c("url_query", "VARCHAR", "otel", "content", "raw query without the question mark"),
    _c("server_address", "VARCHAR", "otel", "none", "host the client asked for"),
    _c("server_port", "INTEGER", "otel", "none", "port the client asked for"),
    _c("http_response_status_code", "INTEGER", "otel", "none", "status; NULL where no response was seen"),
    _c("http_request_body_size", "BIGINT", "otel", "none", "bytes of the request body"),
    _c("http_response_body_size", "BIGINT", "otel", "none", "bytes of the response body"),
    _c("duration_ms", "DOUBLE", "own", "none", "milliseconds from request to end of response"),
    _c("network_protocol_name", "VARCHAR", "otel", "none", "http"),
    _c("network_protocol_version", "VARCHAR", "otel", "none", "1.1, 2, 3"),
    _c("client_address", "VARCHAR", "otel", "indirect", "address of the client, first hop believed"),
    _c("client_port", "INTEGER", "otel", "none", "port of the client"),
    _c("network_peer_address", "VARCHAR", "otel", "indirect", "address of the direct peer"),
    _c("network_peer_port", "INTEGER", "otel", "none", "port of the direct peer"),
    _c("upstream_address", "VARCHAR", "own", "none", "address of the instance that answered"),
    _c("upstream_port", "INTEGER", "own", "none", "port of the instance that answered"),
    _c("upstream_cluster", "VARCHAR", "own", "none", "cluster, subset or pool that was chosen"),
    _c("http_route", "VARCHAR", "otel", "none", "route template as the source names it"),
    _c("user_agent_original", "VARCHAR", "otel", "indirect", "User-Agent as sent"),
    _c("http_request_header_referer", "VARCHAR", "otel", "content", "Referer as sent"),
    _c("user_id", "VARCHAR", "otel", "direct", "account that the source names"),
    _c("user_role", "VARCHAR", "own", "none", "role that the source names"),
    _c("session_id", "VARCHAR", "otel", "direct", "session that the source names"),
    _c(
        "authentication_kind",
        "VARCHAR",
        "own",
        "none",
        "anon, cookie, bearer, basic, mtls, apikey where the source says it",
    ),
    _c("error_type", "VARCHAR", "otel", "none", "error class the source gives"),
    _c("response_flags", "VARCHAR", "own", "none", "proxy flags (Envoy response flags, termination state)"),
    _c("tls_protocol_version", "VARCHAR", "otel", "none", "TLS version"),
    _c("tls_client_server_name", "VARCHAR", "otel", "none", "SNI"),
    _c("connection_uid", "VARCHAR", "own", "none", "id that joins records of one connection at one sensor (Zeek uid)"),
)

_EXCHANGE = (
    _c("http_request_headers", HEADERS, "own", "content", "request headers in order, repeats kept"),
    _c("http_request_body", "VARCHAR", "own", "content", "decoded request body"),
    _c("http_request_body_state", "VARCHAR", "own", "none", "full, truncated, undecodable, omitted"),
    _c("http_response_headers", HEADERS, "own", "content", "response headers in order, repeats kept"),
    _c("http_response_body", "VARCHAR", "own", "content", "decoded response body"),
    _c("http_response_body_state", "VARCHAR", "own", "none", "full, truncated, undecodable, omitted"),
    _c("http_response_mime_type", "VARCHAR", "ecs", "none", "media type of the response, without parameters"),
    _c("sample_rate", "DOUBLE", "own", "none", "share of exchanges that were sampled, 0 to 1"),
)

_CONNECTION = (
    _c("connection_uid", "VARCHAR", "own", "none", "id that joins records of one connection at one sensor (Zeek uid)"),
    _c("end_time", "TIMESTAMP", "own", "none", "when it ended"),
    _c("duration_ms", "DOUBLE", "own", "none", "milliseconds; NULL while open"),
    _c("source_address", "VARCHAR", "otel", "indirect", "address that opened the connection"),
    _c("source_port", "INTEGER", "otel", "none", "port that opened the connection"),
    _c("destination_address", "VARCHAR", "otel", "none", "address that was contacted"),
    _c("destination_port", "INTEGER", "otel", "none", "port that was contacted"),
    _c("destination_domain", "VARCHAR", "ecs", "none", "name the source gives for the destination"),
    _c("network_transport", "VARCHAR", "otel", "none", "tcp, udp, icmp"),
    _c("network_protocol_name", "VARCHAR", "otel", "none", "application protocol the source found"),
    _c("network_direction", "VARCHAR", "ecs", "none", "outbound, inbound, internal, external where the source says it"),
    _c("source_bytes", "BIGINT", "ecs", "none", "payload bytes from the opener"),
    _c("destination_bytes", "BIGINT", "ecs", "none", "payload bytes to the opener"),
    _c("source_packets", "BIGINT", "ecs", "none", "packets from the opener"),
    _c("destination_packets", "BIGINT", "ecs", "none", "packets to the opener"),
    _c("source_ip_bytes", "BIGINT", "own", "none", "bytes from the opener with the headers of IP and above"),
    _c("connection_state", "VARCHAR", "own", "none", "state as the source writes it (Zeek: SF, S0, REJ ...)"),
    _c("is_established", "BOOLEAN", "own", "none", "whether both sides spoke; NULL where the source cannot say"),
    _c("tls_protocol_version", "VARCHAR", "otel", "none", "TLS version"),
    _c("tls_client_server_name", "VARCHAR", "otel", "none", "SNI"),
    _c("tls_client_ja3", "VARCHAR", "otel", "none", "TLS client fingerprint"),
    _c("tls_server_subject", "VARCHAR", "otel", "none", "subject of the server certificate"),
    _c("tls_server_issuer", "VARCHAR", "otel", "none", "issuer of the server certificate"),
    _c("process_executable_path", "VARCHAR", "otel", "none", "program that opened the connection"),
    _c("container_id", "VARCHAR", "otel", "none", "container that opened the connection"),
    _c("sample_rate", "DOUBLE", "own", "none", "share of connections that were sampled"),
    _c(
        "is_aggregated",
        "BOOLEAN",
        "own",
        "none",
        "whether the record sums up a stretch of time, so that `time` is not when a connection began",
    ),
)

_DNS = (
    _c("connection_uid", "VARCHAR", "own", "none", "id that joins records of one connection at one sensor"),
    _c("dns_question_name", "VARCHAR", "otel", "none", "name asked for, lower case, no trailing dot"),
    _c("dns_question_type", "VARCHAR", "ecs", "none", "A, AAAA, TXT ..."),
    _c("dns_question_class", "VARCHAR", "ecs", "none", "IN"),
    _c("dns_response_code", "VARCHAR", "ecs", "none", "NOERROR, NXDOMAIN ..."),
    _c("dns_answers", ANSWERS, "otel", "none", "answers in order; ttl in seconds"),
    _c("dns_id", "VARCHAR", "ecs", "none", "transaction id"),
    _c("client_address", "VARCHAR", "otel", "indirect", "address that asked"),
    _c("client_port", "INTEGER", "otel", "none", "port that asked"),
    _c("server_address", "VARCHAR", "otel", "none", "resolver"),
    _c("server_port", "INTEGER", "otel", "none", "port of the resolver"),
    _c("network_transport", "VARCHAR", "otel", "none", "udp or tcp"),
    _c("duration_ms", "DOUBLE", "own", "none", "milliseconds from question to answer"),
)

_AUTH = (
    _c("event_action", "VARCHAR", "ecs", "none", "login, token_issue, authorise, impersonate ..."),
    _c("event_outcome", "VARCHAR", "ecs", "none", "success, failure, unknown"),
    _c("event_reason", "VARCHAR", "ecs", "content", "reason the source gives"),
    _c("user_id", "VARCHAR", "otel", "direct", "account id"),
    _c("user_name", "VARCHAR", "ecs", "direct", "account name"),
    _c("user_roles", "VARCHAR[]", "otel", "none", "roles of the account"),
    _c("authentication_kind", "VARCHAR", "own", "none", "how the account proved itself"),
    _c("session_id", "VARCHAR", "otel", "direct", "session"),
    _c("client_address", "VARCHAR", "otel", "indirect", "address of the client"),
    _c("user_agent_original", "VARCHAR", "otel", "indirect", "User-Agent as sent"),
    _c("url_path", "VARCHAR", "otel", "indirect", "path that was asked for"),
    _c("http_response_status_code", "INTEGER", "otel", "none", "status of the answer"),
    _c("resource_kind", "VARCHAR", "own", "none", "kind of the resource"),
    _c("resource_name", "VARCHAR", "own", "indirect", "name of the resource"),
    _c("authorization_decision", "VARCHAR", "own", "none", "allow or forbid"),
)

_APP_LOG = (
    _c("log_level", "VARCHAR", "ecs", "none", "severity text"),
    _c("logger_name", "VARCHAR", "own", "none", "logger"),
    _c("message", "VARCHAR", "ecs", "content", "message"),
    _c("exception_type", "VARCHAR", "otel", "none", "type of the exception"),
    _c("exception_message", "VARCHAR", "otel", "content", "message of the exception"),
    _c("exception_stacktrace", "VARCHAR", "otel", "content", "stack trace"),
)

_ROLLOUT = (
    _c("rollout_name", "VARCHAR", "own", "none", "name of the rollout"),
    _c(
        "event_kind",
        "VARCHAR",
        "own",
        "none",
        "started, weight_set, paused, resumed, analysis_started, analysis_passed, analysis_failed, "
        "analysis_inconclusive, measurement, promoted, aborted, rolled_back, completed, state, note",
    ),
    _c("canary_weight", "DOUBLE", "own", "none", "percent of the traffic from here on"),
    _c("step_index", "INTEGER", "own", "none", "step of the rollout"),
    _c("canary_revision", "VARCHAR", "own", "none", "revision or template hash of the canary"),
    _c("baseline_revision", "VARCHAR", "own", "none", "revision or template hash of the baseline"),
    _c("reason", "VARCHAR", "own", "none", "the controller's own word"),
    _c("message", "VARCHAR", "own", "content", "message of the controller"),
    _c("actor", "VARCHAR", "own", "indirect", "who or what acted"),
)

_COMPONENT = (
    _c("bom_ref", "VARCHAR", "own", "none", "reference inside the document"),
    _c("component_type", "VARCHAR", "own", "none", "library, framework, operating-system ..."),
    _c("component_group", "VARCHAR", "own", "none", "group or scope"),
    _c("component_name", "VARCHAR", "own", "none", "name"),
    _c("component_version", "VARCHAR", "own", "none", "version"),
    _c("purl", "VARCHAR", "own", "none", "package URL"),
    _c("licenses", "VARCHAR[]", "own", "none", "licence ids or names"),
    _c("hashes", "STRUCT(alg VARCHAR, value VARCHAR)[]", "own", "none", "digests"),
    _c("supplier", "VARCHAR", "own", "none", "supplier, publisher or author"),
    _c("scope", "VARCHAR", "own", "none", "required, optional, excluded"),
    _c(
        "is_direct",
        "BOOLEAN",
        "own",
        "none",
        "whether the product itself depends on it; NULL where the document does not say",
    ),
    _c("source_document", "VARCHAR", "own", "none", "serial number of the document"),
)

_VULNERABILITY = (
    _c("vulnerability_id", "VARCHAR", "ecs", "none", "id of the advisory"),
    _c("aliases", "VARCHAR[]", "own", "none", "other ids of the same vulnerability"),
    _c("summary", "VARCHAR", "own", "none", "what the advisory says in one line"),
    _c(
        "severity",
        "VARCHAR",
        "ecs",
        "none",
        "low, medium, high, critical by CVSS 3 base score, or as the database says",
    ),
    _c("severity_score", "DOUBLE", "own", "none", "CVSS 3 base score, 0 to 10"),
    _c("is_withdrawn", "BOOLEAN", "own", "none", "whether the advisory was withdrawn"),
    _c("package_ecosystem", "VARCHAR", "own", "none", "ecosystem as OSV names it"),
    _c("package_name", "VARCHAR", "own", "none", "package as the ecosystem names it"),
    _c("package_purl", "VARCHAR", "own", "none", "package URL without version"),
    _c("affected_ranges", "JSON", "own", "none", "ranges of versions: OSV events"),
    _c("affected_versions", "VARCHAR[]", "own", "none", "versions named one by one"),
)

_ALERT = (
    _c("rule_name", "VARCHAR", "ecs", "none", "rule that fired"),
    _c("priority", "VARCHAR", "own", "none", "priority the source gives"),
    _c(
        "event_action", "VARCHAR", "ecs", "none", "blocked, detected (would have been blocked) where the source says it"
    ),
    _c("message", "VARCHAR", "ecs", "content", "message"),
    _c("client_address", "VARCHAR", "otel", "indirect", "address of the client whose request it is about"),
    _c("server_address", "VARCHAR", "otel", "none", "address of the instance that the sensor stood before"),
    _c("url_path", "VARCHAR", "otel", "indirect", "path that was asked for"),
    _c("process_executable_path", "VARCHAR", "otel", "none", "program"),
    _c("container_id", "VARCHAR", "otel", "none", "container"),
)

_METRIC = (
    _c("metric_name", "VARCHAR", "own", "none", "name"),
    _c("metric_value", "DOUBLE", "own", "none", "value"),
    _c("metric_unit", "VARCHAR", "own", "none", "unit"),
    _c("labels", "JSON", "own", "none", "labels"),
)

_CONFIGURATION = (
    _c("configuration_key", "VARCHAR", "own", "none", "dotted key"),
    _c("configuration_value", "VARCHAR", "own", "content", "value"),
    _c("source_document", "VARCHAR", "own", "none", "where the snapshot comes from"),
)

_FLAG = (
    _c("feature_flag_key", "VARCHAR", "otel", "none", "flag"),
    _c("feature_flag_variant", "VARCHAR", "otel", "none", "variant served"),
    _c("user_id", "VARCHAR", "otel", "direct", "account"),
)

_EXTERNAL = (
    _c("tool_name", "VARCHAR", "own", "none", "tool that found it"),
    _c("rule_id", "VARCHAR", "own", "none", "rule of that tool"),
    _c("severity", "VARCHAR", "own", "none", "severity of that tool"),
    _c("message", "VARCHAR", "own", "content", "message"),
    _c("url_path", "VARCHAR", "otel", "indirect", "path"),
)

_IDENTITY = (
    _c("address", "VARCHAR", "own", "none", "address of the instance"),
    _c("image", "VARCHAR", "own", "none", "container image as named"),
    _c("image_digest", "VARCHAR", "own", "none", "digest of the container image"),
    _c("revision", "VARCHAR", "own", "none", "pod template hash or revision"),
    _c("valid_from", "TIMESTAMP", "own", "none", "first moment it held the address; NULL = always"),
    _c("valid_to", "TIMESTAMP", "own", "none", "first moment it no longer held the address; NULL = still"),
    _c("labels", "JSON", "own", "none", "labels"),
)

_MATCH = (
    _c("part", "VARCHAR", "own", "none", "response_body or response_header"),
    _c("pattern", "VARCHAR", "own", "none", "id of the pattern"),
    _c("pattern_class", "VARCHAR", "own", "none", "class of the pattern"),
    _c("json_path", "VARCHAR", "own", "none", "property that holds it (array indices as []), or the header's name"),
    _c("match_count", "INTEGER", "own", "none", "how often this value stands in this part"),
    _c("match_offset", "BIGINT", "own", "none", "characters before the first match"),
    _c("match_length", "INTEGER", "own", "none", "characters of the first match"),
    _c("value_ordinal", "INTEGER", "own", "none", "number of the distinct value in this evidence, by first appearance"),
)

_VERDICT = (
    _c("header", "VARCHAR", "own", "none", "header, lower case"),
    _c("subject", "VARCHAR", "own", "none", "the cookie it is about, where the header sets one"),
    _c("verdict", "VARCHAR", "own", "none", "what the header does, as MDN's HTTP Observatory names it"),
    _c("verdict_rank", "INTEGER", "own", "none", "higher is safer, 0 = absent; comparable within header and subject"),
    _c(
        "verdict_detail",
        "VARCHAR",
        "own",
        "none",
        "properties of a cookie, origins, sources of scripts, separated by blanks",
    ),
)

_REJECT = (
    _c("reason", "VARCHAR", "own", "none", "why the record was not parsed"),
    _c("record_length", "BIGINT", "own", "none", "bytes of the record"),
    _c("raw", "BLOB", "own", "content", "the record as it stands, at most 64 KiB"),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("http_requests", "one row per access-log entry", _REQUEST),
        Table(
            "http_exchanges",
            "verbose request/response samples; never part of rates of http_requests",
            (*_REQUEST, *_EXCHANGE),
        ),
        Table("connections", "one row per flow and observer", _CONNECTION),
        Table("dns_queries", "one row per question", _DNS),
        Table("auth_events", "authentication and authorisation audit", _AUTH),
        Table("app_logs", "application log records", _APP_LOG),
        Table("rollout_events", "what the rollout controller and people did", _ROLLOUT),
        Table("components", "what is inside a release (SBOM)", _COMPONENT),
        Table("vulnerabilities", "advisories the user supplies, one row an affected package", _VULNERABILITY),
        Table("runtime_alerts", "alerts of runtime sensors", _ALERT),
        Table("metrics", "exported metric samples", _METRIC),
        Table("configuration", "configuration snapshots", _CONFIGURATION),
        Table("flag_events", "feature flag evaluations", _FLAG),
        Table("external_findings", "results of other tools, as context", _EXTERNAL),
        Table("identities", "which pod and version held an address, from when to when", _IDENTITY),
        Table("content_matches", "patterns found in responses; never the value", _MATCH, has_common=False),
        Table("header_verdicts", "what each security header of a response does", _VERDICT, has_common=False),
        Table("rejects", "records that could not be parsed", _REJECT, has_common=False),
    )
}

# Tables an exporter can feed directly in the native format.
NATIVE_TABLES = tuple(name for name, table in TABLES.items() if table.has_common)
