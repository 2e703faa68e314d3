"""canary.toml of unknown origin: bounds with one sentence, and every text that becomes SQL stays a value."""

from __future__ import annotations

import json
import time
from contextlib import closing

import pytest

from forensics.config import check, parse
from forensics.detectors.testing import fill
from forensics.store import open_memory

RULE = '[[cohort]]\ncohort = "canary"\ncolumn = "service_version"\n'
BOMBS = {
    "nested lists": "x = " + "[" * 100_000 + "]" * 100_000,
    "nested tables": "x = " + "{a = " * 5000 + "1" + "}" * 5000,
    "dotted key": ".".join("a" * 50_000) + " = 1",
    "huge number": "[ingest]\nmax_reject_share = " + "9" * 5000,
    "10 MB": '[release]\nservice = "' + "x" * 10_000_000 + '"',
    "100,000 rules": (RULE + 'equals = "1"\n') * 100_000,
    "rules within the size": '[[cohort]]\ncohort="canary"\nevidence="a"\n' * 2000,
    "zones within the size": '[[zone]]\nname="a"\ncidrs=[]\nkind="internal"\n' * 2000,
    "unknown keys": "".join(f"k{number} = 1\n" for number in range(20_000)),
    "long pattern": RULE + f're2 = "{"a" * 20_000}"',
    "pattern that grows": RULE + 're2 = "((a{1000}){1000}){1000}"',
    "network that is none": '[[allow]]\ndestination = "/* x"\nowner = "a"\nreason = "b"',
    "date out of range": "[window]\nstart = 9999-12-31T23:59:59-23:59",
    "date below range": "[window]\nstart = 0001-01-01T00:00:00+23:59",
    "share that is no number": "[ingest]\nmax_reject_share = nan",
    "NUL": '[release]\nservice = "a\\u0000b"',
    "time zone as path": '[display]\ntime_zone = "../../etc/passwd"',
}


@pytest.mark.parametrize("name", BOMBS)
def test_bounds_are_told(name: str) -> None:
    started = time.monotonic()
    _, problems = check(BOMBS[name])
    assert problems
    assert len(problems) <= 100
    assert all("\n" not in problem.message for problem in problems)
    assert time.monotonic() - started < 60


EVIL = (
    "'; drop view main.http_requests; --",
    "' or 1 = 1 --",
    "'' || (select 1) || ''",
    "\\'; x",
    '"; drop',
    "$1 $x {} %s",
    "<script>\x1b[2J\u202e",
    "*" * 500 + "[!]",
    "/* \n -- ",
)


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_of_the_configuration_becomes_sql(evil: str) -> None:
    quoted = json.dumps(evil)
    column = '[[cohort]]\ncohort = "canary"\ncolumn = "user_agent_original"\n'
    rules = [f"{column}equals = {quoted}", f"{column}in = [{quoted}]", f"{column}glob = {quoted}"]
    rules += [
        f'[[cohort]]\ncohort = "canary"\nflag = {quoted}\nequals = {quoted}',
        f'[[cohort]]\ncohort = "canary"\nevidence = {quoted}',
    ]
    rules += [f"[[phase]]\nname = {quoted}\nstart = 2026-03-03T09:00:00Z\nend = 2026-03-03T10:00:00Z\nweight = 10"]
    rules += [
        f'[[zone]]\nname = {quoted}\ncidrs = ["10.0.0.0/8"]\nkind = "internal"',
        f"[[route]]\ntemplate = {quoted}",
    ]
    rules += [f"[release]\nservice = {quoted}\ncanary_version = {quoted}"]
    rules += [f'[[identity]]\naddress = "10.0.0.1"\npod = {quoted}\nversion = {quoted}']
    unblanked = json.dumps("".join(evil.split()))
    rules += (
        []
        if "/" in evil or not evil.isprintable()
        else [f"[[allow]]\ndestination = {unblanked}\nowner = {quoted}\nreason = {quoted}"]
    )
    rules += [
        f"[[suppress]]\ndetector = {quoted}\nentity = {quoted}\nowner = {quoted}\nreason = {quoted}\nexpires = 2026-03-31"
    ]
    config = parse("\n".join(rules)).config
    rows = [
        {"time": "2026-03-03 09:10:00", "user_agent_original": evil, "url_path": "/a", "user_id": "u"},
        {"time": "2026-03-03 09:10:00", "url_path": "/b"},
    ]
    with closing(open_memory(1)) as sandbox:
        fill(sandbox, config, {"http_requests": rows})
        found = sandbox.select("select url_path, cohort, phase from http_requests order by url_path")
        assert [row["cohort"] for row in found] == ["canary", "unknown"]
        assert found[0]["phase"] == evil
        assert sandbox.select("select service from dims.release") == [{"service": evil}]


@pytest.mark.parametrize("key", ["table", "column"])
def test_names_come_from_the_schema_only(key: str) -> None:
    given = {"table": "*", "column": "service_version"} | {key: 'x"; drop view main.http_requests; --'}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
    _, problems = check(f'[[cohort]]\ncohort = "canary"\n{lines}equals = "1"\n')
    assert [problem.key for problem in problems] == [f"cohort[0].{key}"]
