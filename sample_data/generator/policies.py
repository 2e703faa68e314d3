"""Gates that would have been there: our own policy and what metrics of Prometheus count, for the compromised rollout."""

from __future__ import annotations

from sample_data.generator.model import World

POLICY = '''\
# Gates of our own for this rollout: canary-forensics replay run CASE policy/policy.toml --binding policy/bindings.toml

kind = "policy"
name = "checkout-security"

# Who is refused by the baseline and let in by the canary. What the baseline does is taken as known up to the tick.
[[gate]]
name = "nobody-gets-in-who-was-refused"
window = "5m"
success = "result[0] == 0"
sql = """
select count(*) as value, count(*) as n
from access_events c
where c.source = 'access log' and c.cohort = 'canary' and c.decision = 'allow' and c.principal_kind = 'anonymous' and c.time > $window_start and c.time <= $tick
    and exists (
        select 1 from access_events b
        where b.cohort in ('prior', 'baseline') and b.source = c.source and b.route = c.route and b.principal_kind = 'anonymous' and b.time <= $tick
        having count(*) filter (where b.decision = 'deny') >= 5 and count(*) filter (where b.decision = 'allow') = 0)
"""

[[gate]]
name = "no-new-destination"
window = "5m"
success = "result[0] == 0"
sql = """
select count(*) as value, count(*) as n
from outbound c
where c.cohort = 'canary' and coalesce(c.destination_zone_kind, 'external') = 'external' and c.time > $window_start and c.time <= $tick
    and not exists (
        select 1 from outbound b
        where b.cohort in ('prior', 'baseline') and b.destination = c.destination and b.destination_port = c.destination_port and b.time <= $tick)
"""

# Refusals are compared with the baseline, two-sided: a canary that refuses less often is a finding too.
[[gate]]
name = "refusals-as-usual"
window = "30m"
min_samples = 20
compare = { statistic = "fisher", alpha = 0.001, direction = "two_sided", minimum_difference = 0.05 }
sql = """
select count(*) filter (where cohort = 'canary') as n,
    count(*) filter (where cohort = 'canary' and http_response_status_code in (401, 403)) as k,
    count(*) filter (where cohort = 'baseline') as baseline_n,
    count(*) filter (where cohort = 'baseline' and http_response_status_code in (401, 403)) as baseline_k
from requests
where not is_synthetic and in_phase and time > $window_start and time <= $tick
"""

# A window of ten minutes at ticks of one holds each failure ten times, so ten failures in a row are tolerated.
[[gate]]
name = "errors-below-15-percent"
success = "result[0] < 0.15"
consecutive_failure_limit = 10
min_samples = 40
initial_delay = "10m"
query = """
sum(rate(requests_total{version="canary", status=~"5.."}[10m])) / sum(rate(requests_total{version="canary"}[10m]))
"""
'''
BINDINGS = """\
# Which rows of the case the metrics of policies count.

[[metric]]
name = "requests_total"
table = "requests"
where = "not is_synthetic"
labels = { version = "cohort", status = "http_response_status_code" }

[[metric]]
name = "auth_failures_total"
table = "requests"
where = "http_response_status_code = 401 and not is_synthetic"
labels = { version = "cohort" }

[[metric]]
name = "network_connections_total"
table = "outbound"
labels = { version = "cohort", destination = "destination" }

[scrape]
interval = "15s"
"""


def files(world: World) -> dict[str, bytes]:
    """Return the policy and the bindings; the other rollouts have none."""
    if world.scenario.name != "checkout-compromised":
        return {}
    return {"policy/policy.toml": POLICY.encode(), "policy/bindings.toml": BINDINGS.encode()}
