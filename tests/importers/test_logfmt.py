"""Application logs in logfmt: pairs, quotes and escapes, columns, what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.helpers import at, attributes, load

KIT = r'ts=2026-03-03T09:00:00.123Z caller=main.go:7 level=error component=tsdb msg="failed \"now\"\n\tat\\ é" err="no = stock" traceID=t1'
LOGRUS = (
    'time="2026-03-03T10:00:00+01:00" level=warning msg=slow order=7 pod=shop-1 namespace=prod version=2.4.0 app=shop'
)
GRAFANA = 'logger=context t=2026-03-03T09:00:00.5Z level=info msg="Request Completed" userId=1 status=200'


def test_go_kit(tmp_path: Path) -> None:
    row = load(tmp_path, KIT + "\n").row("app_logs")
    expected = {
        "observer": "app", "time": at("2026-03-03T09:00:00.123"), "time_raw": "2026-03-03T09:00:00.123Z", "log_level": "error",
        "logger_name": "tsdb", "message": 'failed "now"\n\tat\\ é', "exception_message": "no = stock", "trace_id": "t1",
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert attributes(row) == {"caller": "main.go:7"}


def test_logrus(tmp_path: Path) -> None:
    row = load(tmp_path, LOGRUS + "\r\n").row("app_logs")
    expected = {
        "time": at("2026-03-03T09:00:00"), "log_level": "warning", "message": "slow", "k8s_pod_name": "shop-1", "k8s_namespace_name": "prod",
        "service_name": "shop", "service_version": "2.4.0",
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert attributes(row) == {"order": "7"}


def test_all_names_in_one_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, f"{KIT}\n{LOGRUS}\n{GRAFANA}\n")
    assert [row["message"] for row in loaded.rows("app_logs")] == [
        'failed "now"\n\tat\\ é',
        "slow",
        "Request Completed",
    ]
    assert [row["logger_name"] for row in loaded.rows("app_logs")] == ["tsdb", None, "context"]
    assert attributes(loaded.rows("app_logs")[2]) == {"userId": "1", "status": "200"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('""', None), ("", None), ("plain", "plain"), ('"two words"', "two words"), (r'"a\"b"', 'a"b'), (r'"\u00e9\n"', "é\n"),
        (r'"\xff \"q\" \\"', '\\xff "q" \\'), ("a=b", "a=b"), ('"tab\there"', "tab\there"),
    ],
)  # fmt: skip
def test_values(tmp_path: Path, value: str, text: str | None) -> None:
    row = load(tmp_path, f"ts=2026-03-03T09:00:00Z level=info msg={value}\n").row("app_logs")
    assert row["message"] == text


def test_what_is_no_pair_is_kept(tmp_path: Path) -> None:
    row = load(tmp_path, 'ts=2026-03-03T09:00:00Z level=info msg="m" bare "words here" open="half\n').row("app_logs")
    assert row["message"] == "m"
    assert attributes(row)["_rest"].split() == ["bare", '"words', 'here"', '"half']


def test_keys_twice_and_keys_that_come_late(tmp_path: Path) -> None:
    good = "ts=2026-03-03T09:00:00Z level=info msg=m a=1\n"
    loaded = load(tmp_path, good * 2000 + good.replace("a=1", "a=1 a=2 late=3 a=4") + good)
    assert (loaded.entry.duplicate_keys, loaded.entry.unmapped_keys) == (1, 1)
    odd = attributes(loaded.rows("app_logs")[2000])
    assert odd == {"a": "1", "_duplicate_keys": ["a"], "_unmapped_keys": ["late"]}


def test_a_stack_trace(tmp_path: Path) -> None:
    stack = r'"Traceback (most recent call last):\n  File \"a\", line 1\n    x\nValueError: no"'
    row = load(tmp_path, f"ts=1772528400.5 level=error msg=m stack={stack}\n").row("app_logs")
    assert (row["time"], row["exception_type"], row["exception_message"]) == (
        at("2026-03-03T09:00:00.5"),
        "ValueError",
        "no",
    )


def test_what_is_refused(tmp_path: Path) -> None:
    good = "ts=2026-03-03T09:00:00Z level=info msg=m\n"
    loaded = load(tmp_path, good * 3 + "level=info msg=m\nhello\nts=soon level=info msg=m\n\n" + good)
    assert loaded.reasons() == [(4, "no time"), (5, "no key=value pairs"), (6, "the time cannot be read")]
    assert (loaded.entry.accepted, loaded.entry.skipped) == (4, {"blank": 1})


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    loaded = load(tmp_path, b'ts=2026-03-03T09:00:00Z level=info msg="a\xffb"\n')
    assert (loaded.row("app_logs")["message"], loaded.entry.salvaged) == ("a\\xffb", 1)


@pytest.mark.parametrize(
    "filler", ["a" * 60_000, 'k="' * 20_000, 'k="\\" ' * 10_000, "= " * 30_000, '"' * 60_000], ids=range(5)
)
def test_hostile_lines_are_looked_at_in_linear_time(filler: str) -> None:
    from time import process_time

    from forensics.importers import logfmt
    from forensics.importers.contract import Head

    began = process_time()
    logfmt.plan(Head(f"ts=2026-03-03T09:00:00Z level=info {filler}\n".encode(), complete=True), Path())
    assert process_time() - began < 2
