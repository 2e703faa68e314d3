"""Charts are drawings and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from forensics import charts
from forensics.report import figures

START = datetime(2026, 3, 3, 9, tzinfo=UTC)
HOSTILE = "</text><script>alert(1)</script>\u202e\x1b" + "x" * 200


def counts(minutes: int) -> list[tuple[datetime, str, int]]:
    return [
        (START + timedelta(minutes=at), cohort, at % 5) for at in range(minutes) for cohort in ("canary", "baseline")
    ]


def test_nothing_to_draw_is_no_drawing() -> None:
    assert charts.per_minute([], [], "a") == charts.Chart("")
    assert charts.uploads([], "b") == charts.Chart("")


def test_same_bytes_again_and_ids_of_its_own() -> None:
    phases = [("weight-5", START, START + timedelta(minutes=20))]
    first = charts.per_minute(counts(40), phases, "one").svg
    assert charts.per_minute(counts(40), phases, "one").svg == first
    assert all(found.startswith("one-") for found in re.findall(r'\bid="([^"]*)"', first))


def test_a_drawing_holds_no_reference() -> None:
    drawing = charts.per_minute(counts(40), [(HOSTILE, START, START + timedelta(minutes=30))], "a").svg
    drawing += charts.uploads([{"name": HOSTILE, "port": 443, "canary_bytes_up": 5, "is_new": True}], "b").svg
    assert "http" not in drawing
    assert "href" not in drawing
    assert "<script" not in drawing
    assert "\u202e" not in drawing
    assert (
        max(len(text) for text in re.findall(r"<text[^>]*>([^<]*)", drawing)) < 160
    )  # 80 characters, some of them escaped


def test_new_is_told_by_word_and_by_shape() -> None:
    rows = [
        {"name": "a.example", "canary_bytes_up": 9, "is_new": True},
        {"name": "b.example", "canary_bytes_up": 9, "is_new": False},
    ]
    drawing = charts.uploads(rows, "u").svg
    assert re.search(r">NEW\s+a\.example<", drawing)
    assert "b.example" in drawing


def test_what_is_left_out_is_said() -> None:
    rows = [{"name": f"{index}.example", "canary_bytes_up": index} for index in range(100)]
    assert charts.uploads(rows, "u").note == "76 more destinations with smaller uploads only in the table."
    assert charts.per_minute(counts(1000), [], "r").note == "Counts per 15 minutes."


@pytest.mark.parametrize("minutes", [1, 2, 60, 200_000])
def test_any_length_of_time_fits(minutes: int) -> None:
    given = [(START, "canary", 1), (START + timedelta(minutes=minutes), "canary", 2)]
    drawing = charts.per_minute(given, [], "r").svg
    assert "NaN" not in drawing
    assert len(drawing) < 60_000


def test_a_failed_drawing_leaves_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> charts.Chart:
        raise ValueError("no")

    monkeypatch.setattr(charts, "uploads", refuse)
    context = {
        "results": {"series": {"minutes": []}, "outbound": {"destinations": []}, "replay": {"replays": []}},
        "case": {"phases": []},
    }
    assert figures.figures(context)["uploads"] == {"svg": "", "note": figures.FAILED}
