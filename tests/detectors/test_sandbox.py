"""What a detector of unknown origin cannot do: read files, the environment or Python, write, attach, or change settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from forensics.config import parse as parse_config
from forensics.detectors import Context, by_id, load, run
from forensics.detectors.testing import DAY, DEFAULT_CONFIG, fill
from forensics.errors import QueryError
from forensics.review import Options, review
from forensics.store import Sandbox, open_memory
from tests.detectors.test_front import FRONT, pack, text

SAMPLE = Path(__file__).parents[2] / "sample_data" / "checkout-thin"
secret_frame = pa.table({"secret": ["hunter2"]})
READS = {
    "file": "select * from read_text('/etc/passwd')",
    "blob": "select * from read_blob('/etc/passwd')",
    "csv": "select * from read_csv('/etc/passwd')",
    "json": "select * from read_json('/proc/self/environ')",
    "parquet": "select * from read_parquet('/etc/passwd')",
    "implicit file": "select * from '/etc/passwd.csv'",
    "listing": "select * from glob('/etc/*')",
    "own binary": "select * from read_text('/proc/self/cmdline')",
    "environment": "select getenv('PATH')",
    "python variable": "select * from secret_frame",
    "network": "select * from read_csv('https://example.com/x.csv')",
    "sniff": "select * from sniff_csv('/etc/passwd')",
    "extension": "select * from sqlite_scan('/etc/passwd', 'x')",
    "prepared query": "select * from query('copy (select 1) to ''/tmp/canary-forensics-escape''')",
}
WRITES = {
    "copy": "copy (select 1) to '/tmp/canary-forensics-escape'",
    "attach": "attach '/tmp/canary-forensics-escape' as x",
    "create": "create table x as select 1",
    "drop": "drop table facts.connections",
    "delete": "delete from facts.connections",
    "insert": "insert into facts.connections (record_no) values (1)",
    "export": "export database '/tmp/canary-forensics-escape'",
    "install": "install httpfs",
    "load": "load httpfs",
    "set": "set enable_external_access = true",
    "reset": "reset lock_configuration",
    "pragma": "pragma enable_profiling",
    "call": "call pragma_version()",
    "two": "select 1; copy (select 1) to '/tmp/canary-forensics-escape'",
    "prepare": "prepare x as select 1",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    store = open_memory(1)
    fill(
        store,
        parse_config(DEFAULT_CONFIG).config,
        {"http_requests": [{"url_path": "/a", "service_version": "2.4.0"}, {"service_version": "2.3.9"}]},
    )
    yield store
    store.close()


@pytest.mark.parametrize("sql", READS.values(), ids=READS)
def test_reads_fail(sandbox: Sandbox, sql: str) -> None:
    with pytest.raises(QueryError):
        sandbox.select(sql)


@pytest.mark.parametrize("sql", WRITES.values(), ids=WRITES)
def test_writes_are_refused_before_they_run(sandbox: Sandbox, sql: str) -> None:
    with pytest.raises(QueryError):
        sandbox.select(sql)
    assert not Path("/tmp/canary-forensics-escape").exists()  # noqa: S108 - the name that the statements above would write
    assert sandbox.value("select count(*) from facts.http_requests") == 2


def test_the_configuration_stays_locked(sandbox: Sandbox) -> None:
    assert sandbox.value("select current_setting('enable_external_access')") in (False, "false")
    assert sandbox.value("select current_setting('lock_configuration')") in (True, "true")


def hostile_pack(folder: Path, sql: str) -> None:
    columns = "1 as canary_n, 1 as canary_total, 0 as baseline_n, 0 as baseline_total, 0 as prior_n"
    pack(
        folder,
        "mine",
        "reader",
        text(FRONT.replace("least = 1\n", ""), f"select content as route, {columns} from ({sql}) order by route"),
    )


def test_a_detector_that_reads_a_file_is_in_error_and_finds_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    hostile_pack(tmp_path, "select content from read_text('/etc/passwd')")
    outcome = run(sandbox, by_id(load([tmp_path]), "mine.reader"), Context(parse_config(DEFAULT_CONFIG).config, DAY))
    assert outcome.state.state == "error"
    assert outcome.findings == []
    assert "root:" not in outcome.state.reason


def test_in_a_real_case_too(tmp_path: Path) -> None:
    hostile_pack(tmp_path / "pack", "select content from read_text('/etc/passwd')")
    pack(
        tmp_path / "pack",
        "mine",
        "python",
        text(FRONT.replace("least = 1\n", ""), "select secret as route from secret_frame order by route"),
    )
    pack(tmp_path / "pack", "outbound", "beacon", text(FRONT, "select route, 1 as canary_n, 1 as canary_total, 0 as baseline_n, 0 as baseline_total, 0 as prior_n "
                                                            "from requests where route is not null and 1 >= $least group by route order by route"))  # fmt: skip
    _, result = review([SAMPLE], None, tmp_path / "case", Options(queries=[tmp_path / "pack"], threads=1))
    states = {state.id: state.state for state in result.detectors}
    assert states["mine.reader"] == "error"
    assert states["mine.python"] == "error"
    assert states["outbound.beacon"] == "finding", "the pack's detector stands in the place of the built-in one"
    assert {finding.detector for finding in result.findings} & {"mine.reader", "mine.python"} == set()
