"""Charts: lines, gaps, axes, and nothing in them that a page forbids or another host serves."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import ExtraMissing
from tattoo_data.monitoring.charts import amount, line
from tattoo_data.monitoring.view import Point, Series

BEGIN = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
_NS = "{http://www.w3.org/2000/svg}"


def _series(values: Sequence[float | None], *, every: float = 60, title: str = "Table") -> Series:
    points = [Point(at=BEGIN + timedelta(seconds=every * number), value=value) for number, value in enumerate(values)]
    return Series(name="table.p95", title=title, unit="s", points=points)


def _lines(svg: str) -> list[str]:
    """The paths of lines; the axes' and the legend's are not among them."""
    paths = [each for each in ElementTree.fromstring(svg).iter(f"{_NS}path") if each.get("stroke-width")]
    return [str(each.get("d")) for each in paths if " h" not in str(each.get("d"))]


def _texts(svg: str) -> list[str]:
    return [str(each.text) for each in ElementTree.fromstring(svg).iter(f"{_NS}text")]


def test_a_chart_fits_what_it_stands_in_and_brings_nothing_along() -> None:
    svg = line("Response time", "s", [_series([0.1, 0.2]), _series([0.3, 0.1], title="Index")])
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("100%", None)
    assert re.fullmatch(r"0 0 \d+ \d+", str(root.get("viewBox")))
    assert {each.tag for each in root.iter()} <= {_NS + name for name in ("svg", "g", "path", "text")}
    assert not [each for each in root.iter() if {"style", "id", "href"} & set(each.keys())]
    assert set(re.findall(r"https?://[^\"<]*", svg)) == {"http://www.w3.org/2000/svg"}


def test_colours_come_from_around_it() -> None:
    svg = line("Response time", "s", [_series([0.1, 0.2]), _series([0.3, 0.1], title="Index")])
    assert 'fill="currentColor"' in svg
    assert all(f"var(--chart-{number}, #" in svg for number in (1, 2))
    assert set(re.findall(r'(?:stroke|fill)="(?!var|none|currentColor)([^"]*)"', svg)) == set()
    assert "stroke-dasharray" in svg, "lines differ in more than colour"


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([0.1, 0.2, 0.3], 1),
        ([0.1, 0.2, None, 0.3, 0.3], 2),
        ([None, 0.1, 0.2, None, None, 0.3, 0.1, None], 2),
        ([None, None], 0),
        ([], 0),
    ],
)
def test_a_gap_is_a_gap(values: list[float | None], lines: int) -> None:
    assert len(_lines(line("Response time", "s", [_series(values)]))) == lines


def test_a_lonely_point_is_a_dot() -> None:
    root = ElementTree.fromstring(line("Response time", "s", [_series([0.1, 0.2, None, 0.3, None, 0.1, 0.2])]))
    widths = [each.get("stroke-width") for each in root.iter(f"{_NS}path") if each.get("stroke-width")]
    assert widths == ["2", "5", "2"]


@pytest.mark.parametrize("series", [[], [_series([])], [_series([None])]])
def test_nothing_measured_is_said(series: list[Series]) -> None:
    svg = line("Response time", "s", series)
    assert "Nothing measured yet" in _texts(svg)
    assert _lines(svg) == []


@pytest.mark.parametrize(
    ("every", "count", "labels"),
    [
        (1, 61, ["09:00:00", "09:00:15", "09:00:30", "09:00:45", "09:01:00"]),
        (60, 121, ["09:00", "09:30", "10:00", "10:30", "11:00"]),
        (600, 145, ["12:00", "18:00", "29 Nov", "06:00"]),
        (86_400, 21, ["3 Dec", "8 Dec", "13 Dec", "18 Dec"]),
    ],
)
def test_the_time_axis_bears_round_times(every: float, count: int, labels: list[str]) -> None:
    texts = _texts(line("x", "s", [_series([0.1] * count, every=every)]))
    assert [text for text in texts if re.match(r"\d\d:\d\d|\d+ [A-Z]", text)] == labels


def test_no_peak_is_lost_among_many_points() -> None:
    values: list[float | None] = [0.1] * 5_000
    values[2_345] = 9.0
    values[3_000] = None
    svg = line("Response time", "s", [_series(values, every=1)])
    assert len(svg) < 12_000
    assert "10 s" in _texts(svg), "the axis has room for the peak"
    lines = _lines(svg)
    assert len(lines) == 2, "and the one missing value still breaks the line"
    heights = [float(each) for each in re.findall(r"[\d.]+", lines[0])][1::2]
    assert min(heights) < max(heights) / 2


@given(
    values=st.lists(st.none() | st.floats(0, 1e9, allow_nan=False), max_size=400),
    every=st.floats(0.001, 1e5),
    unit=st.sampled_from(["s", "entries", ""]),
)
def test_whatever_was_measured_is_drawn_in_its_frame(values: list[float | None], every: float, unit: str) -> None:
    root = ElementTree.fromstring(line("x", unit, [_series(values, every=every)]))
    _, _, width, height = map(float, str(root.get("viewBox")).split())
    for path in root.iter(f"{_NS}path"):
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", str(path.get("d")))]
        assert all(-0.1 <= each <= max(width, height) for each in numbers)
    assert 2 <= len(list(root.iter(f"{_NS}text"))) <= 16


def test_what_it_shows_is_said_in_words_and_escaped() -> None:
    svg = line('<script>"&', "s", [_series([0.25, None, 0.012], title="<b>")])
    assert "<script>" not in svg and "<b>" not in svg
    said = ElementTree.fromstring(svg).get("aria-label")
    assert said == '<script>"&. <b>: last 12 ms, most 250 ms.'


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0"),
        (0.0005, "s", "0.5 ms"),
        (0.02, "s", "20 ms"),
        (1.5, "s", "1.5 s"),
        (0, "entries", "0"),
        (2_000, "entries", "2,000"),
        (1_500_000, "entries", "1.5M"),
    ],
)
def test_amounts_bear_their_unit(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_imports_are_left_as_they_were() -> None:
    line("x", "s", [_series([0.1])])
    assert all(hasattr(each, "find_spec") for each in sys.meta_path)


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygal", None)
    with pytest.raises(ExtraMissing) as caught:
        line("x", "s", [])
    assert "pygal" in caught.value.message
    assert caught.value.hint == "pip install 'tattoo-data[web]'"
    assert caught.value.exit_code == 1
