"""Is the test calibrated here? Baseline pods against each other, as if one of them were the canary, by route and phase.

Nothing differs between them, so about as many tests may fall below 0.05 as that number says, fewer for small counts, since exact tests are
conservative. Many more mean that callers are no independent draws, or that pods do different work: then rates of this case are to be read
with care. Callers count once a pod, route and phase.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from forensics import statistics as st
from forensics.results.context import Context

ALPHA = 0.05
MAX_TESTS = 2000
_CUT = f" Only the first {MAX_TESTS:,} tests were made; there are more routes and pods."
_MEASURES = {"5xx answers": "failed", "401 or 403 answers": "refused"}
_SQL = """
with callers as (
    select phase, k8s_pod_name as pod, http_request_method as method, route, coalesce(unit_key, record_id) as caller,
        bool_or(http_response_status_code between 500 and 599) as failed,
        bool_or(http_response_status_code in (401, 403)) as refused
    from requests
    where in_phase and not is_synthetic and cohort = 'baseline' and k8s_pod_name is not null and route is not null
    group by all
)
select method, route, phase, pod, count(*), count(*) filter (where failed), count(*) filter (where refused)
from callers
group by all
order by all
"""
_Pods = dict[str, tuple[int, int]]  # pod -> callers with the event, callers


def build(context: Context) -> dict[str, Any]:
    """Return how many tests between equals fall below 0.05; `tests` is 0 with the reason where there are no two baseline pods."""
    cells: dict[tuple[str, str, str], dict[str, _Pods]] = defaultdict(lambda: defaultdict(dict))
    pods = set()
    for method, route, phase, pod, callers, failed, refused in context.sandbox.rows(_SQL):
        pods.add(pod)
        for measure, events in zip(_MEASURES, (failed, refused), strict=True):
            cells[measure, method or "", route][phase][pod] = (events, callers)
    found = _p_values(record for by_phase in cells.values() for record in _records(by_phase))
    p_values = list(islice(found, MAX_TESTS))
    below = sum(p <= ALPHA for p in p_values)
    told = _told(len(pods), len(p_values), below) + (_CUT if next(found, None) is not None else "")
    share = below / len(p_values) if p_values else None
    return {
        "pods": len(pods),
        "tests": len(p_values),
        "below": below,
        "share": share,
        "nominal": ALPHA,
        "sentence": told,
    }


def _records(by_phase: dict[str, _Pods]) -> Iterator[list[st.Stratum]]:
    """Yield the counts by phase of each pod against the others."""
    for pod in sorted({pod for pods in by_phase.values() for pod in pods}):
        strata = [_stratum(pods, pod) for _, pods in sorted(by_phase.items()) if pod in pods and len(pods) > 1]
        if strata:
            yield strata


def _p_values(records: Iterator[list[st.Stratum]]) -> Iterator[float]:
    """Yield the p-value of each record; where no outcome could have been below 0.05 there is no test. Many at once: one alone takes 2 ms."""
    while part := list(islice(records, MAX_TESTS)):
        tests = st.stratified_tests(part)
        yield from (test.two_sided for test in tests if min(test.attainable_lower, test.attainable_higher) <= ALPHA)


def _stratum(pods: _Pods, pod: str) -> st.Stratum:
    events, callers = pods[pod]
    others = [counts for name, counts in pods.items() if name != pod]
    return st.Stratum(events, callers, sum(k for k, _ in others), sum(n for _, n in others))


def _told(pods: int, tests: int, below: int) -> str:
    if pods < 2:
        return "There are no two baseline pods, so baseline could not be compared with itself."
    if not tests:
        return "No route has enough callers and events on the baseline pods to compare them with each other."
    return f"Baseline pods compared with each other: {below:,} of {tests:,} tests fall below p = {ALPHA:g}; about {ALPHA * tests:.0f} or fewer are expected."
