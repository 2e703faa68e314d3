"""`dims.identities`, `dims.pods`: who held an address, from when to when."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from forensics import cohort
from forensics.config import Config
from forensics.networks import plain, plain_sql
from forensics.store import Store
from forensics.views.tables import keep_rows

_ALWAYS = datetime(1970, 1, 1)  # noqa: DTZ001 - table times have no zone
# Requests that carry both the address of the instance and its pod, and connections that carry their pod, say who held the address, where they say
# one pod only.
_SEEN_IDENTITIES = f"""
select {plain_sql("upstream_address")} as address, min(k8s_pod_name), min(service_version), min(k8s_namespace_name), null, null::timestamp, null::timestamp
from (
    select upstream_address, k8s_pod_name, service_version, k8s_namespace_name from facts.http_exchanges
    union all select upstream_address, k8s_pod_name, service_version, k8s_namespace_name from facts.http_requests
    union all select source_address, k8s_pod_name, service_version, k8s_namespace_name from facts.connections where network_direction = 'outbound'
)
where upstream_address is not null and k8s_pod_name is not null
group by address
having count(distinct k8s_pod_name) = 1 and count(distinct service_version) <= 1
order by address
"""

# Addresses that one export gives to several pods at one time: pods on the network of their node, or behind one translator. Nobody's then.
# Who has no end holds an address until the next one takes it over.
_GIVEN = f"(select * replace ({plain_sql('address')} as address) from facts.identities)"
_SHARED = f"""
create table dims.shared_addresses as
select a.address, count(distinct b.k8s_pod_name) as pods
from {_GIVEN} a
join {_GIVEN} b on b.evidence_id = a.evidence_id and b.address = a.address and b.k8s_pod_name <> a.k8s_pod_name
    and case
        when coalesce(a.valid_from, timestamp '1970-01-01') < coalesce(b.valid_from, timestamp '1970-01-01') then a.valid_to > b.valid_from
        when coalesce(b.valid_from, timestamp '1970-01-01') < coalesce(a.valid_from, timestamp '1970-01-01') then b.valid_to > a.valid_from
        else true
    end
group by a.address
order by a.address
"""


def identities(store: Store, config: Config) -> None:
    """Keep who held an address: canary.toml wins over exports, those over what requests and connections show; a shared address is nobody's."""
    store.execute(_SHARED)
    facts = store.rows(
        "select address, k8s_pod_name, service_version, k8s_namespace_name, null, valid_from, valid_to "
        f"from {_GIVEN} identities where address is not null and not exists (select 1 from dims.shared_addresses s where s.address = identities.address) group by all order by all"
    )
    shared = {row[0] for row in store.rows("select address from dims.shared_addresses")}
    given = [
        cohort.Span(
            plain(item.address),
            item.pod or None,
            item.version or None,
            None,
            item.cohort,
            _utc(item.start),
            _utc(item.stop),
        )
        for item in config.identity
    ]
    known = {span.address for span in given}
    told = [cohort.Span(*row) for row in facts if row[0] not in known]
    known |= {span.address for span in told}
    seen = [cohort.Span(*row) for row in store.rows(_SEEN_IDENTITIES) if row[0] not in known | shared]
    spans = cohort.disjoint([*given, *told, *seen])
    rows = [
        {
            "address": s.address,
            "pod": s.pod,
            "version": s.version,
            "namespace": s.namespace,
            "cohort": s.cohort,
            "valid_from": s.start or _ALWAYS,
            "valid_to": s.stop,
        }
        for s in spans
    ]
    text, time = pa.string(), pa.timestamp("us")
    keep_rows(
        store, "dims.identities", rows,
        address=text, pod=text, version=text, namespace=text, cohort=text, valid_from=time, valid_to=time,
    )  # fmt: skip
    store.execute(
        "create table dims.pods as select pod, max(version) as version from dims.identities where pod is not null and version is not null "
        "group by pod having count(distinct version) = 1 order by pod"
    )


def _utc(moment: datetime | None) -> datetime | None:
    return cohort.utc(moment) if moment else None
