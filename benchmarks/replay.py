"""Time of a sweep on minute cells and of a backtest over generated rollouts.

    python benchmarks/replay.py [--rollouts 200]

The sweep is a grid of 1,000 policies over 120 minutes, read from a table of cells as a case has it. The rollouts of the backtest are made by the engine
(120 minutes, 20 canary requests a minute, every second one fails more from minute 60 on) and lie in memory: opening a case is not part of the figure.
Beside it stands a plain loop over the same grid, by the definition.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from forensics.replay.backtest import summary
from forensics.replay.labels import Label
from forensics.replay.policies import Gate, Policy, Run
from forensics.replay.promql import Bindings
from forensics.replay.promql.bindings import Metric, Scrape
from forensics.replay.refusal import Place
from forensics.replay.rollout import Episode, Known, Stretch
from forensics.replay.run import outcome
from forensics.replay.sweep import Axes, Minutes, minutes_of, sweep
from forensics.store import Sandbox, lock, open_memory

START = datetime(2026, 3, 3, 9)  # noqa: DTZ001 - table times have no zone
AXES = Axes(tuple(i / 100 for i in range(1, 11)), (1, 2, 5, 10, 15), (1,), (0, 1, 2, 3, 5), (0, 1, 5, 10))
BINDINGS = Bindings(
    {
        "requests_total": Metric(
            "requests_total", "requests", labels={"version": "cohort", "status": "status"}, instance=""
        ),
    },
    Scrape(),
)
QUERY = 'sum(rate(requests_total{version="canary",status=~"5.."}[5m])) / sum(rate(requests_total{version="canary"}[5m])) or vector(0)'
_TABLES = """
create schema dims; create schema facts;
create table facts.identities (k8s_pod_name varchar, valid_to timestamp);
create table dims.phases as select 0 as position, 'weight-5' as phase, timestamp '2026-03-03 09:00:00' as start_time,
    timestamp '2026-03-03 11:00:00' as end_time, 5.0 as weight;
create table requests as
select timestamp '2026-03-03 09:00:00' + to_microseconds(n * 3000000 - 1) as time, 'canary' as cohort, false as is_synthetic,
    case when hash(n + {seed} * 7919) % 100 < (case when {bad} and n > 1200 then 20 else 1 end) then 503 else 200 end as http_response_status_code,
    http_response_status_code as status, 'u' || hash(n + {seed}) % 300 as user_id, null::varchar as session_id, null::varchar as client_address
from range(2400) r(n);
create table minute_cells as select cohort, is_synthetic, date_trunc('minute', time) as minute, case when status >= 500 then '5xx' else 'ok' end as outcome,
    count(*) as requests from requests group by all;
create table access_events (cohort varchar, time timestamp, role varchar, tenant varchar);
create table outbound (cohort varchar, time timestamp, source_bytes bigint, destination varchar, destination_port integer, destination_zone_kind varchar);
create table outbound_cells (cohort varchar, destination varchar, destination_port integer);
create table matches (cohort varchar, time timestamp, record_id varchar, http_request_method varchar, route varchar, json_path varchar, pattern varchar,
    pattern_class varchar, evidence_id varchar, value_ordinal integer);
create table exchanges (cohort varchar, time timestamp, sample_rate double);
"""


def rollout(seed: int) -> Sandbox:
    """Return the tables of one rollout; every second one is bad from minute 60 on."""
    sandbox = open_memory(2)
    sandbox.execute(_TABLES.format(seed=seed, bad="true" if seed % 2 else "false"))
    lock(sandbox)
    return sandbox


def plain(series: Minutes, axes: Axes) -> int:
    """Count the triggers of a grid by a loop over policies and ticks."""
    k, n, found = list(series.k), list(series.n), 0
    for threshold in axes.thresholds:
        for window in axes.windows:
            for limit in axes.limits:
                for delay in axes.delays:
                    failed = 0
                    for tick in range(delay, len(n) + 1):
                        total = sum(n[max(0, tick - window) : tick])
                        failed += not (total and sum(k[max(0, tick - window) : tick]) / total < threshold)
                        if failed > limit:
                            found += 1
                            break
    return found


def main() -> None:
    """Run both and print seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=200)
    _sweep()
    _backtest(parser.parse_args().rollouts)


def _sweep() -> None:
    episode = Episode((Stretch("weight-5", START, START + timedelta(minutes=120), 5.0),), Known())
    sandbox = rollout(1)
    taken = []
    for _ in range(5):
        begin = time.monotonic()
        series = minutes_of(sandbox, episode, "errors")
        rows = sweep(series, AXES, None, None)
        taken.append(time.monotonic() - begin)
    begin = time.monotonic()
    count = plain(series, AXES)
    loop = time.monotonic() - begin
    assert count == sum(bool(row["trigger"]) for row in rows)
    print(
        f"sweep: {AXES.size:,} policies over {len(series.n)} ticks in {sorted(taken)[2]:.3f} s (median of 5); a plain loop {loop:.2f} s"
    )


def _backtest(count: int) -> None:
    gate = Gate(
        "errors", Place(), QUERY, success="result[0] < 0.05", interval=60.0, initial_delay=300.0, failure_limit=3
    )
    policy = Policy("errors", "argo", "AnalysisTemplate", Path("errors.yaml"), (Run("errors", (gate,), Place()),))
    known = Known(START + timedelta(minutes=60), "generated", outcome="promoted")
    taken, found = 0.0, []
    for seed in range(count):
        sandbox = rollout(seed)
        label = Label(str(seed), "bad-other" if seed % 2 else "good", "generator", START.date(), "generated")
        begin = time.monotonic()
        found.append(outcome(sandbox, str(seed), policy, BINDINGS, known, label))
        taken += time.monotonic() - begin
        sandbox.close()
    told = summary("errors", found)
    print(
        f"backtest: {count} rollouts in {taken:.1f} s; {told['true_positives']} of {count // 2} bad ones stopped, {told['false_positives']} false alarms"
    )


if __name__ == "__main__":
    main()
