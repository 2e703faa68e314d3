"""Commands over a case, at a terminal's distance: what is printed, and with which exit code."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from forensics.schema import TABLES
from tests.conftest import Reviewed
from tests.end_to_end.harness import SAMPLES, findings_of, run

NAME = "checkout-compromised"
PHONE_HOME = "outbound.new_destination"


@pytest.fixture
def case(reviewed: Reviewed) -> Path:
    return reviewed.case(NAME)


@pytest.fixture
def own(reviewed: Reviewed, tmp_path: Path) -> Path:
    """Return a case that the test may change."""
    return reviewed.copy(NAME, tmp_path / "own.case")


def finding(case: Path, detector: str = PHONE_HOME) -> dict[str, Any]:
    return dict(next(item for item in findings_of(case)["findings"] if item["detector"] == detector))


def evidence_id(case: Path, name: str) -> str:
    return str(next(entry["id"] for entry in findings_of(case)["evidence"] if entry["name"] == name))


# timeline


def test_timeline_between_two_moments(case: Path) -> None:
    done = run("timeline", case, "--from", "2026-03-03T09:17:42Z", "--to", "2026-03-03T09:17:43Z", "--json")
    rows = json.loads(done.out)
    assert all(row["time"].startswith("2026-03-03T09:17:42") for row in rows)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    texts = [row["text"] for row in rows if row["cohort"] == "canary"]
    assert "asks A collect.pixel-sync.example NOERROR" in texts
    assert "10.42.1.17 -> 203.0.113.77:443 SF 48213 B up 1402 B down" in texts


def test_timeline_masks_what_stands_in_paths(tmp_path: Path) -> None:
    line = (
        '10.0.0.1 - - [03/Mar/2026:09:00:00 +0000] "GET /users/anna.schmidt@mail.example/cart HTTP/1.1" 200 5 "-" "-"\n'
    )
    (tmp_path / "access.log").write_text(line)
    assert run("ingest", tmp_path / "own.case", tmp_path / "access.log").code == 0
    done = run("timeline", tmp_path / "own.case", "--json")
    assert [row["text"] for row in json.loads(done.out)] == ["GET /users/a***@m***.example/cart 200"]


def test_timeline_takes_other_zones(case: Path) -> None:
    utc = run("timeline", case, "--from", "2026-03-03T09:17:42Z", "--to", "2026-03-03T09:17:43Z", "--json")
    local = run("timeline", case, "--from", "2026-03-03T10:17:42+01:00", "--to", "2026-03-03T10:17:43+01:00", "--json")
    assert utc.out == local.out


def test_timeline_around_a_finding_and_a_record(case: Path) -> None:
    found = finding(case)
    done = run("timeline", case, "--around", found["id"], "--minutes", "0", "--limit", "5000", "--json")
    times = [row["time"] for row in json.loads(done.out)]
    assert min(times) >= "2026-03-03T09:17:42" <= max(times) <= "2026-03-03T09:47:43"
    record = f"{evidence_id(case, 'network/conn.log')}:343"
    rows = json.loads(run("timeline", case, "--around", record, "--minutes", "0.01", "--json").out)
    assert record in [row["record"] for row in rows]
    assert {row["time"][:17] for row in rows} == {"2026-03-03T09:17:"}


def test_timeline_says_how_many_are_not_shown(case: Path) -> None:
    done = run("timeline", case, "--limit", "3", "--format", "csv")
    assert done.out.count("\n") == 4
    assert done.err.startswith("3 of ")
    assert " shown; " in done.err


def test_timeline_of_one_cohort_keeps_what_the_controller_did(case: Path) -> None:
    done = run("timeline", case, "--cohort", "canary", "--limit", "100000", "--json")
    rows = json.loads(done.out)
    assert {row["cohort"] for row in rows if row["what"] != "rollout_events"} == {"canary"}
    assert any(row["what"] == "rollout_events" for row in rows)


def test_timeline_shows_the_start_of_phases(case: Path) -> None:
    done = run(
        "timeline", case, "--from", "2026-03-03T09:30:00Z", "--to", "2026-03-03T09:30:00.001Z", "--format", "markdown"
    )
    assert "phase weight-25 begins: 25 %" in done.out


# show


def test_show_prints_what_was_parsed(case: Path) -> None:
    done = run("show", case, f"{evidence_id(case, 'network/conn.log')}:343")
    assert done.code == 0
    for words in (
        "network/conn.log, record 343 of 1,016 (zeek-tsv)",
        "203.0.113.77",
        "48213",
        "checkout-5f6b7d9c84-lc7hs",
        "canary",
    ):
        assert words in done.out
    parsed = json.loads(run("show", case, f"{evidence_id(case, 'network/conn.log')}:343", "--json").out)
    assert parsed["connections"][0]["destination_bytes"] == 1402


@pytest.mark.parametrize(
    ("file", "number"),
    [
        ("samples/exchanges.ndjson", 94),
        ("network/conn.log", 343),
        ("network/conn.log", 1),
        ("access/envoy-istio-ingressgateway-6d8c9f7b5-k2vnx.log.gz", 1004),
    ],
)
def test_show_raw_gives_the_bytes_of_the_line(file: str, number: int, own: Path) -> None:
    path = SAMPLES / NAME / file
    data = gzip.decompress(path.read_bytes()) if file.endswith(".gz") else path.read_bytes()
    done = run("show", own, f"{evidence_id(own, file)}:{number}", "--raw")
    assert done.raw == data.split(b"\n")[number - 1] + b"\n"
    assert (done.code, done.err) == (0, "")


def test_show_raw_is_written_down(own: Path) -> None:
    record = f"{evidence_id(own, 'network/conn.log')}:343"
    assert not (own / "access.jsonl").exists()
    run("show", own, record, "--raw")
    entries = [json.loads(line) for line in (own / "access.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(item["action"], item["details"]["record"]) for item in entries] == [("show_raw", record)]
    assert run("status", own).code == 0


def test_show_context_marks_the_line(own: Path) -> None:
    done = run("show", own, f"{evidence_id(own, 'network/conn.log')}:343", "--raw", "--context", "2")
    numbers = [line.split()[1] if line.startswith(">") else line.split()[0] for line in done.out.splitlines()]
    assert numbers == ["341", "342", "343", "344", "345"]
    assert [line.split()[1] for line in done.out.splitlines() if line.startswith(">")] == ["343"]
    assert "\t" not in done.out


def test_show_raw_of_a_document_gives_the_entry(own: Path) -> None:
    path = SAMPLES / NAME / "sbom" / "checkout-2.4.0.cdx.json"
    index = [item["name"] for item in json.loads(path.read_text(encoding="utf-8"))["components"]].index(
        "cdn-metrics-helper"
    ) + 1
    done = run("show", own, f"{evidence_id(own, 'sbom/checkout-2.4.0.cdx.json')}:{index}", "--raw")
    assert json.loads(done.out)["purl"] == "pkg:npm/cdn-metrics-helper@1.0.3"


def reviewed_lines(tmp_path: Path, lines: list[dict[str, Any]]) -> tuple[Path, Path]:
    """Return a case of a few exchanges and its evidence file."""
    file = tmp_path / "evidence" / "samples.ndjson"
    file.parent.mkdir()
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert run("review", file.parent, "--case", tmp_path / "few.case").code == 0
    return tmp_path / "few.case", file


def exchange(body: str) -> dict[str, Any]:
    response = {"status": 200, "headers": [["content-type", "text/plain"]], "body": body}
    return {
        "time": "2026-03-03T09:00:00Z",
        "request": {"method": "GET", "url": "https://shop.example/", "headers": []},
        "response": response,
    }


def test_show_raw_does_not_cut_a_long_line(tmp_path: Path) -> None:
    case, file = reviewed_lines(tmp_path, [exchange("y"), exchange("x" * 200_000)])
    done = run("show", case, f"{findings_of(case)['evidence'][0]['id']}:2", "--raw")
    assert done.raw == file.read_bytes().split(b"\n")[1] + b"\n"


def test_show_several_records_and_ranges(own: Path) -> None:
    """By evidence in the order named, within it in the order of the file, each once."""
    conn, dns = evidence_id(own, "network/conn.log"), evidence_id(own, "network/dns.log")
    files = {name: (SAMPLES / NAME / "network" / f"{name}.log").read_bytes().split(b"\n") for name in ("conn", "dns")}
    done = run("show", own, f"{dns}:30-32", f"{conn}:343", f"{dns}:31", f"{conn}:20-21", "--raw")
    expected = [files["dns"][number - 1] for number in (30, 31, 32)] + [
        files["conn"][number - 1] for number in (20, 21, 343)
    ]
    assert done.raw == b"".join(line + b"\n" for line in expected)
    entries = [json.loads(line) for line in (own / "access.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [item["details"]["record"] for item in entries] == [f"{dns}:30-32", f"{conn}:20-21 {conn}:343"]
    parsed = json.loads(run("show", own, f"{dns}:30-32", f"{conn}:343", "--json").out)
    assert [item["record"] for item in parsed] == [f"{dns}:30", f"{dns}:31", f"{dns}:32", f"{conn}:343"]
    assert parsed[3]["tables"]["connections"][0]["destination_bytes"] == 1402
    told = run("show", own, f"{conn}:1-20")
    assert "network/conn.log, record 20 of 1,016 (zeek-tsv)" in told.out
    assert told.err.startswith("8 of 20 records gave no row")


def test_show_context_of_two_records_near_each_other(own: Path) -> None:
    conn = evidence_id(own, "network/conn.log")
    done = run("show", own, f"{conn}:343", f"{conn}:345", "--raw", "--context", "2")
    lines = [(line.split()[1] if line.startswith(">") else line.split()[0], line[0]) for line in done.out.splitlines()]
    assert lines == [("341", " "), ("342", " "), ("343", ">"), ("344", " "), ("345", ">"), ("346", " "), ("347", " ")]


@pytest.mark.parametrize("record", ["x:0", "x:3-2", "x:1-", "x:-1", "1-2", "x:1-2-3", "x:99999999999999999999"])
def test_show_of_what_is_no_record(case: Path, record: str) -> None:
    done = run("show", case, record)
    assert (done.code, done.out) == (2, "")
    assert "A record is EVIDENCE:NUMBER" in done.err


def test_show_says_which_records_there_are(case: Path) -> None:
    done = run("show", case, f"{evidence_id(case, 'network/conn.log')}:1000-1017")
    assert done.code == 2
    assert "network/conn.log has the records 1 to 1,016" in done.err


def test_show_of_very_many_rows_is_refused_and_their_bytes_are_not(tmp_path: Path) -> None:
    line = b'203.0.113.7 - - [03/Mar/2026:09:00:00 +0000] "GET /%d HTTP/1.1" 200 512 "-" "-"\n'
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(data := b"".join(line % number for number in range(10_001)))
    case = tmp_path / "a.case"
    assert run("review", tmp_path / "logs", "--case", case).code == 0
    every = f"{evidence_id(case, 'a.log')}:1-10001"
    assert "the rows of 10,000 are shown at once" in run("show", case, every).err
    assert run("show", case, every, "--raw").raw == data


CSV = b"""time,metric_name,metric_value
2026-03-03T09:00:00Z,errors,1
2026-03-03T09:00:01Z,"two
lines, and more\r
of them",2

"never
closed,3
2026-03-03T09:00:02Z,last,4
"""


@pytest.fixture
def metrics(tmp_path: Path) -> tuple[Path, str]:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "m.csv").write_bytes(CSV)
    case = tmp_path / "m.case"
    run("review", tmp_path / "logs", "--case", case)
    return case, evidence_id(case, "m.csv")


@pytest.mark.parametrize(
    ("number", "lines"), [(1, (1, 1)), (2, (2, 2)), (3, (3, 5)), (6, (6, 6)), (7, (7, 7)), (8, (8, 8)), (9, (9, 9))]
)
def test_show_raw_of_csv_is_the_whole_record(metrics: tuple[Path, str], number: int, lines: tuple[int, int]) -> None:
    case, evidence = metrics
    done = run("show", case, f"{evidence}:{number}", "--raw")
    assert done.raw == b"".join(CSV.splitlines(keepends=True)[lines[0] - 1 : lines[1]])
    marked = run("show", case, f"{evidence}:{number}", "--raw", "--context", "1").out.splitlines()
    own = [int(line.split()[1]) for line in marked if line.startswith(">")]
    assert own == list(range(lines[0], lines[1] + 1))
    assert len(marked) == len(own) + (lines[0] > 1) + (lines[1] < 9)


def test_show_raw_of_a_line_where_no_record_begins(metrics: tuple[Path, str]) -> None:
    case, evidence = metrics
    done = run("show", case, f"{evidence}:4", "--raw")
    assert (done.code, done.raw) == (2, b"")
    assert "No record of m.csv begins at line 4." in done.err
    assert run("show", case, f"{evidence}:4-6", "--raw").raw == b"\n"


def test_show_raw_is_kept_aside_until_the_hash_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is more than stays in memory; lines go over several blocks."""
    from forensics.investigate import show

    monkeypatch.setattr(show, "_IN_MEMORY", 1_000)
    case, file = reviewed_lines(tmp_path, [exchange("x" * size) for size in (1, 3_000_000, 0, 1_100_000, 5)])
    every = f"{findings_of(case)['evidence'][0]['id']}:1-5"
    data = file.read_bytes()
    assert run("show", case, every, "--raw").raw == data
    file.write_bytes(data[:-5] + b"y" + data[-4:])
    done = run("show", case, every, "--raw")
    assert (done.code, done.raw) == (4, b"")
    assert not list((case / "tmp").iterdir())


def test_show_raw_of_changed_evidence_is_an_integrity_error(tmp_path: Path) -> None:
    case, file = reviewed_lines(tmp_path, [exchange("x"), exchange("y")])
    file.write_bytes(file.read_bytes().replace(b'"x"', b'"z"'))
    done = run("show", case, f"{findings_of(case)['evidence'][0]['id']}:2", "--raw")
    assert done.code == 4
    assert done.raw == b""
    assert "samples.ndjson" in done.err
    assert run("status", case).code == 0
    told = run("status", case, "--evidence")
    assert told.code == 4
    assert "samples.ndjson" in told.out


# explain


def test_explain_tells_all(case: Path) -> None:
    done = run("explain", case, finding(case)["id"])
    assert done.code == 0
    for words in (
        "severity     high",
        "2 of 144",
        "0 of 458",
        "203.0.113.77",
        "100300",
        "2 of 2 shown",
        "order by d.destination",
    ):
        assert words in done.out


def test_explain_takes_the_beginning_of_an_id(case: Path) -> None:
    found = finding(case)["id"]
    assert run("explain", case, found[:8].lower()).out == run("explain", case, found).out


@pytest.mark.parametrize(
    "detector",
    [
        PHONE_HOME,
        "access.anonymous_allow_flip",
        "headers.security_header_lost",
        "disclosure.stack_trace",
        "supply_chain.component_added",
    ],
)
def test_the_sql_that_explain_prints_gives_the_same_counts(detector: str, case: Path) -> None:
    found = finding(case, detector)
    sql = json.loads(run("explain", case, found["id"], "--json").out)["sql"]
    done = run("sql", case, sql, "--json")
    assert done.code == 0, done.err
    rows = [row for row in json.loads(done.out) if found["entity"].items() <= row.items()]
    assert sum(row["canary_n"] for row in rows) == found["canary"]["n"]
    assert sum(row["baseline_n"] for row in rows) == found["baseline"]["n"]


# sql

SELECT = "select cohort, count(*) as n from requests where in_phase and cohort in ('canary', 'baseline') group by all order by all"


def test_sql_formats(case: Path) -> None:
    """The truth: 54 + 350 canary and 992 + 1,036 baseline requests in the phases."""
    expected = [{"cohort": "baseline", "n": 2028}, {"cohort": "canary", "n": 404}]
    assert json.loads(run("sql", case, SELECT, "--json").out) == expected
    assert json.loads(run("sql", case, SELECT, "--format", "json").out) == expected
    assert [json.loads(line) for line in run("sql", case, SELECT, "--format", "ndjson").out.splitlines()] == expected
    assert list(csv.reader(io.StringIO(run("sql", case, SELECT, "--format", "csv").out))) == [
        ["cohort", "n"],
        ["baseline", "2028"],
        ["canary", "404"],
    ]
    assert (
        run("sql", case, SELECT, "--format", "markdown").out
        == "| cohort | n |\n|---|---|\n| baseline | 2028 |\n| canary | 404 |\n"
    )
    assert [line.split() for line in run("sql", case, SELECT).out.splitlines()] == [
        ["cohort", "n"],
        ["baseline", "2028"],
        ["canary", "404"],
    ]


def test_sql_says_when_rows_are_left_out(case: Path) -> None:
    done = run("sql", case, "select record_id from requests", "--limit", "5", "--format", "csv")
    assert done.out.count("\n") == 6
    assert "--limit" in done.err


@pytest.mark.parametrize("query", ["show tables", "--tables"])
def test_sql_lists_the_tables(query: str, case: Path) -> None:
    done = run("sql", case, query, "--json")
    assert {"requests", "connections", "http_exchanges", "rejects"} <= {row["table"] for row in json.loads(done.out)}


def test_every_table_that_is_listed_is_asked_by_that_name(case: Path) -> None:
    """With as many rows as the list says, and every column of the schema."""
    listed = json.loads(run("sql", case, "--tables", "--json").out)
    assert {"rejects", "content_matches", "header_verdicts", *TABLES} <= {row["table"] for row in listed}
    for row in listed:
        done = run("sql", case, f"select count(*) as rows from {row['table']}", "--json")
        assert json.loads(done.out) == [{"rows": row["rows"]}], done.err
        assert row["meaning"]
        columns = {item["column"] for item in json.loads(run("sql", case, row["table"], "--tables", "--json").out)}
        if row["table"] in TABLES:
            assert columns >= {*TABLES[row["table"]].types, "record_id"}, row["table"]


def test_rejects_are_asked_with_sql(metrics: tuple[Path, str]) -> None:
    case, evidence = metrics
    done = run("sql", case, "select record_id, reason, raw from rejects order by record_no", "--json")
    first, second = json.loads(done.out)
    reason = "not CSV: a quote that does not close (RFC 4180)"
    assert first == {"record_id": f"{evidence}:7", "reason": reason, "raw": '"never\n'}
    assert second["record_id"] == f"{evidence}:8"
    assert "records that could not be parsed" in run("sql", case, "show tables").out


def test_sql_lists_columns(case: Path) -> None:
    done = run("sql", case, "requests", "--tables", "--json")
    assert "http_response_status_code" in {row["column"] for row in json.loads(done.out)}


FORBIDDEN = [
    "copy (select 1) to '{out}'",
    "copy (select 1) to '{case}/tables/x.parquet' (format parquet)",
    "attach '{out}' as other",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "set threads = 1",
    "create table t as select 1",
    "create or replace view requests as select 1",
    "insert into dims.phases select * from dims.phases",
    "drop table dims.phases",
    "delete from dims.phases",
    "export database '{out}'",
    "checkpoint",
    "select 1; select 2",
    "select 1; copy (select 1) to '{out}'",
    "select * from read_text('/etc/hostname')",
    "select * from read_blob('/etc/hostname')",
    "select * from read_csv('/etc/hostname')",
    "select * from read_json('{case}/findings.json')",
    "select * from read_parquet('{out}')",
    "select * from '/etc/hostname'",
    "select * from '{case}/findings.json'",
    "select * from glob('/etc/*')",
    "select * from 'https://example.com/a.csv'",
    "select getenv('HOME')",
    "select * from case_folder",
    "select",
    "",
]


@pytest.fixture(scope="module")
def attacked(reviewed: Reviewed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case of this module's own, which nobody else touches while its files are compared."""
    own = reviewed.copy(NAME, tmp_path_factory.mktemp("attacked") / "own.case")
    run("sql", own, "select 1 as warm")
    return own


@pytest.mark.parametrize("query", FORBIDDEN, ids=range(len(FORBIDDEN)))
def test_sql_refuses_everything_else(query: str, attacked: Path, tmp_path: Path) -> None:
    out, own = tmp_path / "out", attacked
    before = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in own.rglob("*") if path.is_file()}
    done = run("sql", own, query.format(out=out, case=own))
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err
    assert not out.exists()
    assert before == {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in own.rglob("*") if path.is_file()}


def test_sql_stops_after_its_time(case: Path) -> None:
    done = run(
        "sql",
        case,
        "select count(*) from range(100000000) a, range(100000) b where a.range + b.range = 3",
        "--seconds",
        "0.5",
    )
    assert done.code == 2
    assert "longer than" in done.err


# status


def test_status_of_a_whole_case(case: Path) -> None:
    done = run("status", case)
    assert done.code == 0
    assert "chain whole" in done.out
    assert "verdict block" in done.out


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("place", [0, 300, -3])
def test_status_tells_a_flipped_byte_of_findings(place: int, own: Path) -> None:
    flip(own / "findings.json", place)
    done = run("status", own)
    assert done.code == 4
    assert "findings.json" in done.out


def test_status_tells_a_flipped_byte_of_a_table(own: Path) -> None:
    file = next(iter(sorted((own / "tables" / "connections").glob("*.parquet"))))
    flip(file, file.stat().st_size // 2)
    done = run("status", own)
    assert done.code == 4
    assert file.name in done.out


def test_status_tells_a_missing_table(own: Path) -> None:
    file = next(iter(sorted((own / "tables" / "components").glob("*.parquet"))))
    file.unlink()
    done = run("status", own)
    assert done.code == 4
    assert file.name in done.out


def test_status_tells_a_flipped_byte_of_the_custody_log(own: Path) -> None:
    flip(own / "custody.jsonl", 60)
    done = run("status", own)
    assert done.code == 4
    assert "custody.jsonl" in done.out


@pytest.mark.parametrize("name", ["results/outbound.json", "reports/report.html", "canary.toml"])
def test_status_tells_a_changed_output(name: str, own: Path) -> None:
    path = own / name
    path.write_bytes(path.read_bytes().replace(b"2.4.0", b"2.4.1") + b"\n")
    done = run("status", own)
    assert done.code == 4
    assert Path(name).name in done.out


def test_a_damaged_result_is_an_integrity_error(own: Path) -> None:
    (own / "findings.json").write_bytes((own / "findings.json").read_bytes()[:-20])
    for arguments in (["explain", own, "F-1"], ["report", own, "-o", "-"], ["timeline", own, "--around", "F-1"]):
        done = run(*map(str, arguments))
        assert (done.code, done.out) == (4, ""), done.err


def test_status_as_json(case: Path) -> None:
    told = json.loads(run("status", case, "--json").out)
    assert told["problems"] == []
    assert {"id", "name", "records", "accepted", "sha256"} <= told["evidence"][0].keys()


# report


def test_reports_to_standard_output(case: Path) -> None:
    assert json.loads(run("report", case, "--format", "json", "-o", "-").out)["verdict"]["outcome"] == "block"
    markdown = run("report", case, "--format", "markdown", "-o", "-").out
    assert "collect.pixel-sync.example:443" in markdown
    assert run("report", case, "-o", "-").raw == (case / "reports" / "report.html").read_bytes()


def test_reports_to_a_file_and_into_the_case(own: Path, tmp_path: Path) -> None:
    done = run("report", own, "--format", "markdown")
    assert done.out.strip() == str(own / "reports" / "report.md")
    assert run("report", own, "--format", "json", "-o", tmp_path / "a.json").code == 0
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["verdict"]["outcome"] == "block"
    assert run("status", own).code == 0
