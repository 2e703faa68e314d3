"""SQL of unknown origin against a real case: nothing is written, nothing but the case's tables is read, limits hold."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from forensics import background, views
from forensics.case import open_case
from forensics.detectors import load
from forensics.errors import QueryError
from forensics.selects import require_select
from forensics.store import Sandbox
from tests.conftest import Reviewed
from tests.end_to_end.harness import ROOT, run


@pytest.fixture(scope="module")
def case(reviewed: Reviewed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reviewed.copy("checkout-thin", tmp_path_factory.mktemp("attacked") / "a.case")


@pytest.fixture(scope="module")
def sandbox(case: Path) -> Iterator[Sandbox]:
    with views.opened(open_case(case), 1) as opened:
        yield opened


def state(*folders: Path) -> dict[str, str]:
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


COPY = "copy (select 1 as hacked) to 'FILE' (format parquet, use_tmp_file false)"
WRITES = {
    "copy": COPY,
    "mixed case": COPY.replace("copy", "CoPy").replace("to", "tO"),
    "comments": COPY.replace("copy", "/* a */ copy -- b\n /* c */"),
    "behind a comment": f"/* select 1 */ {COPY}",
    "unicode space": COPY.replace("copy ", "copy\u00a0"),
    "wide space": COPY.replace("copy ", "copy\u2003"),
    "byte order mark": f"\ufeff{COPY}",
    "table": "copy connections to 'FILE'",
    "from": "copy dims.phases from 'FILE'",
    "in a CTE": f"with x as ({COPY}) select * from x",
    "in a materialized CTE": f"with x as materialized ({COPY}) from x",
    "in a nested CTE": f"select * from (with x as ({COPY}) select * from x)",
    "in a CTE of a subquery": f"select (with x as ({COPY}) select count(*) from x)",
    "in a CTE of a set operation": f"select 1 union all (with x as ({COPY}) select 1 from x)",
    "in an unused CTE": f"with x as ({COPY}) select 1",
    "insert in a CTE": "with x as (insert into dims.release values ('a', 'b', 'c') returning 1) from x",
    "update in a CTE": "with x as (update dims.release set service = 'a' returning 1) from x",
    "delete in a CTE": "with x as (delete from dims.release returning 1) from x",
    "explain": f"explain {COPY}",
    "explain analyze": f"explain analyze {COPY}",
    "explain a select": "explain select 1",
    "prepare": f"prepare x as {COPY}",
    "execute": "execute x",
    "second statement": f"select 1; {COPY}",
    "second behind a comment": f"select 1 /* ; */ ; {COPY}",
    "macro": f"create macro m() as table ({COPY})",
    "temp macro": "create temp macro m() as 1",
    "temp table": "create temp table t as select 1",
    "export": "export database 'FILE'",
    "import": "import database 'FILE'",
    "attach": "attach 'FILE' as x",
    "detach": "detach x",
    "use": "use facts",
    "install": "install httpfs",
    "load": "load json",
    "set": "set memory_limit = '1TB'",
    "set variable": "set variable x = 1",
    "reset": "reset allowed_paths",
    "pragma": "pragma database_list",
    "pragma call": "pragma enable_profiling='json'",
    "call": "call checkpoint()",
    "checkpoint": "checkpoint",
    "vacuum": "vacuum",
    "create": "create view x as select 1",
    "alter": "alter table dims.release add column x int",
    "drop": "drop view facts.connections",
    "insert": "insert into dims.release select 'a', 'b', 'c'",
    "update": "update dims.release set service = 'a'",
    "delete": "delete from dims.release",
    "merge": "merge into dims.release r using dims.release s on true when matched then delete",
    "truncate": "truncate dims.release",
    "begin": "begin",
    "comment on": "comment on table dims.release is 'x'",
    "query": "from query('copy (select 1) to ''FILE''')",
    "serialized": "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "pivot without list": "pivot (select 1 a, 2 b) on a using sum(b)",
}


@pytest.mark.parametrize("attack", WRITES)
def test_nothing_is_written(
    attack: str, sandbox: Sandbox, case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = state(case, tmp_path)
    table = next((case / "tables" / "connections").glob("*.parquet"))
    for target in (table, case / "tmp" / "escape", case / "case.duckdb.wal.recovery", tmp_path / "escape"):
        with pytest.raises(QueryError):
            sandbox.select(WRITES[attack].replace("FILE", str(target)))
    assert state(case, tmp_path) == before


READERS = (
    "read_text", "read_blob", "read_csv", "read_csv_auto", "read_json", "read_json_auto", "read_json_objects", "read_ndjson", "read_parquet",
    "parquet_scan", "parquet_metadata", "parquet_schema", "parquet_file_metadata", "parquet_kv_metadata", "parquet_full_metadata",
    "glob", "sniff_csv", "read_duckdb", "sqlite_scan",
)  # fmt: skip
FILES = (
    "/etc/passwd",
    "/proc/self/environ",
    "/dev/stdin",
    "https://example.com/x",
    "s3://a/b",
    "LINK",
    "CWD",
    "UP",
    "TABLE",
)


@pytest.mark.parametrize("reader", READERS)
def test_no_file_is_read(reader: str, sandbox: Sandbox, case: Path, tmp_path: Path) -> None:
    """Not even the case's own table files: they are read through the views only."""
    table = next((case / "tables" / "connections").glob("*.parquet"))
    link = tmp_path / "link"
    link.symlink_to("/etc/passwd")
    places = {
        "LINK": str(link),
        "CWD": f"/proc/self/cwd/{os.path.relpath(table)}",
        "UP": f"{case}/../{case.name}/tables/connections/{table.name}",
        "TABLE": str(table),
    }
    for file in FILES:
        with pytest.raises(QueryError):
            sandbox.select(f"select * from {reader}('{places.get(file, file)}')")


ABOUT = {
    "settings": "from duckdb_settings()", "settings view": "from pg_settings", "qualified": "from system.pg_catalog.pg_settings",
    "quoted": 'from "DuckDB_Views"', "summarize": "summarize duckdb_databases", "describe": "describe duckdb_settings", "views": "select sql from duckdb_views()",
    "master": "from sqlite_master", "definitions": "from pg_catalog.pg_views", "view definition": "select pg_get_viewdef(1)", "secrets": "from duckdb_secrets()",
    "which secret": "from which_secret('s3://x', 's3')", "extensions": "from duckdb_extensions()", "logs": "from duckdb_logs", "log function": "from duckdb_logs()",
    "write log": "select write_log('x')", "logging": "from enable_logging()", "profiling": "from enable_profiling(save_location := '/tmp/x')",
    "setting": "select current_setting('allowed_paths')", "as method": "select 'home_directory'.current_setting()",
    "by schema": "select system.main.current_setting('threads')", "environment": "select getenv('PATH')", "complete": "from sql_auto_complete('sel')",
    "table by name": "from query_table('pg_settings')", "macro over a table": "from histogram('pg_settings', 'name')", "implicit file": "from '/etc/passwd.csv'",
    "implicit glob": "from '*.csv'", "implicit url": "from 'https://example.com/a.parquet'", "python": "from secret_frame", "pointer": "from arrow_scan(1, 2, 3)",
    "sleep": "select sleep_ms(60000)", "databases": "show databases", "temporary files": "from duckdb_temporary_files()",
}  # fmt: skip


@pytest.mark.parametrize("attack", ABOUT)
def test_nothing_about_this_machine_is_told(attack: str, sandbox: Sandbox) -> None:
    with pytest.raises(QueryError):
        sandbox.select(ABOUT[attack])


def test_every_table_function_of_the_engine_but_six_is_refused(sandbox: Sandbox) -> None:
    names = {
        row[0]
        for row in duckdb.execute(
            "select function_name from duckdb_functions() where function_type in ('table', 'table_macro')"
        ).fetchall()
    }
    for name in sorted(names - {"unnest", "range", "generate_series", "repeat", "json_each", "json_tree"}):
        with pytest.raises(QueryError, match="no table of the case"):
            sandbox.select(f"select * from {name}('x')")


def test_what_users_need_works(sandbox: Sandbox) -> None:
    for sql in (
        "show tables",
        "describe requests",
        "summarize select route from requests",
        "from information_schema.columns limit 1",
        "select count(*) from range(10)",
        "with tables as (select 1 as a) from tables",
        "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r",
        "select 1 as a -- comment",
        "select list_transform([1, 2], lambda x: x + 1)",
        "select * from (values (1), (2)) v(a) order by a;",
    ):
        assert sandbox.select(sql)


@pytest.mark.parametrize("detector", load(), ids=lambda item: item.id)
def test_every_detector_passes_the_guard(detector: object, sandbox: Sandbox) -> None:
    from forensics.detectors import Detector

    assert isinstance(detector, Detector)
    sandbox.select(detector.sql, detector.parameters or None)


BOMBS = {
    "endless recursion": "with recursive r as (select 1 as a union all select a + 1 from r) select count(*) from r",
    "cross join": "select count(*) from range(1000000) a, range(1000000) b, range(1000) c",
    "endless rows counted": "select count(*) from range(1000000000000) where random() > 2",
    "text": "select length(string_agg(repeat('x', 1000000), '')) from range(10000000)",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_end_with_a_sentence(bomb: str, sandbox: Sandbox) -> None:
    started = time.monotonic()
    with pytest.raises(QueryError):
        sandbox.select(BOMBS[bomb], seconds=0.5)
    assert time.monotonic() - started < 60
    assert sandbox.select("select 1 as a") == [{"a": 1}]


def test_a_result_larger_than_memory_costs_what_is_shown(sandbox: Sandbox) -> None:
    columns, rows = sandbox.select_rows(
        "select range as n, repeat('x', 1000) from range(1000000000000)", limit=5, seconds=30
    )
    assert columns[0] == "n"
    assert [row[0] for row in rows] == [0, 1, 2, 3, 4]
    assert sandbox.select("select 1 as a") == [{"a": 1}]


def test_the_command_says_that_rows_were_left_out(reviewed: Reviewed, tmp_path: Path) -> None:
    done = run(
        "sql",
        reviewed.copy("checkout-thin", tmp_path / "b.case"),
        "select * from range(1000000000)",
        "--limit",
        "3",
        "--json",
    )
    assert done.code == 0
    assert done.out.count("range") == 3
    assert "3 of 4 or more" in done.err


BROKEN = {
    "long": "select " + "1," * 60_000 + "1", "deep brackets": "select " + "(" * 5000 + "1" + ")" * 5000, "deep lists": "select " + "[" * 400 + "1" + "]" * 400,
    "NUL": "select 1 -- \x00 ; copy x to 'y'", "surrogate": "select '\ud800'",
    "unterminated comment": "select 1 /* x", "unterminated text": "select 'x", "unterminated dollar": "select $$x", "unterminated name": 'select "x',
    "only a comment": "-- select 1", "nothing": "", "semicolons": ";;;", "regular expression": "select regexp_matches('a', '((a{1000}){1000}){1000}')",
}  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
def test_broken_texts_are_refused_with_one_sentence(text: str, sandbox: Sandbox) -> None:
    with pytest.raises(QueryError) as error:
        sandbox.select(BROKEN[text], seconds=20)
    assert "\n" not in error.value.message
    assert len(error.value.message) <= 1100


def test_copy_in_a_cte_is_refused_before_it_can_be_stored_as_a_detector() -> None:
    with pytest.raises(QueryError, match="holds COPY"):
        require_select("with x as (copy (select 1) to '/tmp/x') select * from x")


def test_patience_is_short() -> None:
    assert background._PATIENCE <= 5


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_signal_ends_a_running_query(sent: signal.Signals, case: Path) -> None:
    sql = "select count(*) from range(100000000) a, range(100000000) b"
    command = [sys.executable, "-m", "forensics", "sql", str(case), sql]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    time.sleep(3)
    process.send_signal(sent)
    out, err = process.communicate(timeout=40)
    assert process.returncode == 130
    assert out == b""
    assert err.decode().split("\n", 1)[-1].splitlines() == ["Interrupted; what was written so far is kept."]


LARGE = {
    "one text": "select length(repeat('x', 4000000000) || repeat('y', 4000000000))",
    "a padded text": "select length(rpad('x', 9000000000, 'y'))",
    "a list": "select array_to_string(range(2000000000)::varchar[], 'x')",
    "a bit string": "select bit_length(bitstring('1', 40000000000))",
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel does not count")
@pytest.mark.parametrize(
    "name",
    ["a list", *(pytest.param(name, marks=pytest.mark.slow) for name in ("one text", "a padded text", "a bit string"))],
)
def test_one_value_larger_than_memory_ends_with_a_sentence(name: str, case: Path) -> None:
    """The engine's own limit does not hold for a single value: repeat() took 7.9 GB beside it."""
    code = (
        "import resource, sys; from forensics.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, end.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "sql", str(case), LARGE[name], "--seconds", "20"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    peak, code_of_exit = done.stdout.split()[-2:]
    assert code_of_exit == "2", done.stderr
    assert int(peak) < 6_500_000, "kilobytes"
    assert "Traceback" not in done.stderr
