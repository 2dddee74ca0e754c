"""Charts: series over time as inline SVG, for a page and a report alike.

A chart brings no script, no style sheet and no size of its own. Its colours are those of the text around it and the
custom properties `--chart-1` to `--chart-6` and `--chart-line`, each with a value that serves on dark and on light.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from typing import Any

from tattoo_data.errors import ExtraMissing
from tattoo_data.monitoring.view import Point, Series

#: In its own units, which are about the pixels of a phone: there it is drawn at its natural size.
_WIDTH, _HEIGHT, _FONT = 350, 200, 12
_COLUMNS = 3
#: So many stretches of time are drawn at most, each by its least and its most.
_STRETCHES = 120
_COLOURS = ("#3b76c4", "#c2691c", "#2f8f6b", "#9a5bb5", "#b8484a", "#7a7d2c")
#: Lines differ in more than colour.
_DASHES = ("", "7 5", "1 5", "9 5 1 5", "4 6", "1 9")
_DAY = 86_400
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200)
_TICKS = 4
#: A line to where it begins.
_DOT = re.compile(r"M(\S+ \S+) L\1")
_Placed = tuple[float, float | None]
_Element = Any


def line(title: str, unit: str, series: Sequence[Series]) -> str:
    """An `<svg>` as wide as what it stands in, with a line for each series over one time axis in UTC. Nothing is drawn
    where a point has no value. Of many points the least and the most of each stretch of time are drawn, so that no peak
    is lost. Raises `ExtraMissing` where pygal is not installed."""
    points = [point for each in series for point in each.points]
    low, high = _range([point.at.timestamp() for point in points])
    top = max((point.value for point in points if point.value is not None), default=None)
    chart = _chart(len(series))
    chart.xrange = (low, high)
    chart.x_labels = [{"value": at, "label": text} for at, text in _moments(low, high)]
    chart.y_labels = [{"value": value, "label": amount(value, unit)} for value in _levels(top or 0.0, unit)]
    for each in series:
        chart.add(each.title, list(_visible(_thinned(each.points, low, high))))
    if not series:
        chart.add("", [(low, None)])
    return _drawn(chart.render_tree(), _spoken(title, unit, series), is_empty=top is None)


def amount(value: float, unit: str) -> str:
    """A value with its unit, as short as an axis needs it: `12 ms`, `1.5 s`, `2,000`."""
    if unit == "s":
        return f"{value:,.3g} s" if value >= 1 else f"{value * 1_000:.3g} ms" if value else "0"
    return f"{value / 1_000_000:,.3g}M" if value >= 1_000_000 else f"{value:,.10g}"


def _pygal() -> Any:
    try:
        import pygal  # type: ignore[import-untyped]
        import pygal.style  # type: ignore[import-untyped]
    except ImportError:
        raise ExtraMissing(what="a chart", package="pygal") from None
    # Its hook for packages of maps is of a kind that Python has given up: every later import would complain of it.
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, pygal.PluginImportFixer)]
    return pygal


def _chart(count: int) -> Any:
    pygal = _pygal()
    style = pygal.style.Style(label_font_size=_FONT, major_label_font_size=_FONT, legend_font_size=_FONT)
    columns = min(_COLUMNS, count) or 1
    # pygal makes room for the rows that are full.
    missing_row = 1.5 * _FONT if count % columns else 0
    return pygal.XY(
        style=style,
        width=_WIDTH,
        height=_HEIGHT,
        js=[],
        css=[],
        margin=4,
        margin_right=22,
        margin_bottom=6 + missing_row,
        spacing=6,
        show_dots=False,
        allow_interruptions=True,
        show_legend=count > 1,
        legend_at_bottom=True,
        legend_at_bottom_columns=columns,
        legend_box_size=18,
        truncate_legend=-1,
        truncate_label=-1,
        disable_xml_declaration=True,
    )


def _range(times: Sequence[float]) -> tuple[float, float]:
    low, high = (min(times), max(times)) if times else (0.0, 0.0)
    return (low, high) if high - low >= 1 else (low - 30, high + 30)


def _moments(low: float, high: float) -> Iterator[tuple[float, str]]:
    """The round times that are written under the axis."""
    wanted = (high - low) / _TICKS
    step = next((each for each in _STEPS if each >= wanted), _DAY * math.ceil(wanted / _DAY))
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        moment = datetime.fromtimestamp(number * step, UTC)
        if step >= _DAY or (high - low > _DAY / 2 and not number * step % _DAY):
            yield number * step, f"{moment.day} {moment:%b}"
        else:
            yield number * step, f"{moment:%H:%M}" if step >= 60 else f"{moment:%H:%M:%S}"


def _levels(top: float, unit: str) -> list[float]:
    """The round values that are written beside the axis, from zero to one that is not below `top`."""
    least = 0.001 if unit == "s" else 1.0
    wanted = max(top / 4, least)
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= wanted * 0.999)
    return [round(step * number, 9) for number in range(max(1, math.ceil(top / step - 0.001)) + 1)]


def _thinned(points: Sequence[Point], low: float, high: float) -> Iterator[_Placed]:
    """The points, where there are many the least and the most of each stretch of time; a gap in it stays one."""
    placed = ((point.at.timestamp(), point.value) for point in points)
    if len(points) <= 2 * _STRETCHES:
        yield from placed
        return
    length = (high - low) / _STRETCHES
    for _, stretch in groupby(placed, key=lambda each: int((each[0] - low) / length)):
        members = list(stretch)
        known = [(value, at) for at, value in members if value is not None]
        if known:
            yield from sorted({(at, value) for value, at in (min(known), max(known))})
        if len(known) < len(members):
            yield members[-1][0], None


def _visible(placed: Iterator[_Placed]) -> Iterator[_Placed]:
    """The same, with a point between two gaps told twice: a line needs two, and so it is a dot."""
    for is_gap, run in groupby(placed, key=lambda each: each[1] is None):
        members = list(run)
        yield from members
        if not is_gap and len(members) == 1:
            yield members[0]


def _spoken(title: str, unit: str, series: Sequence[Series]) -> str:
    """What a chart shows, for who does not see it."""
    parts = []
    for each in series:
        values = [point.value for point in each.points if point.value is not None]
        last = f"last {amount(values[-1], unit)}, most {amount(max(values), unit)}" if values else "not measured"
        parts.append(f"{each.title}: {last}")
    return f"{title}. {'; '.join(parts) or 'Nothing measured yet'}."


def _drawn(tree: _Element, spoken: str, *, is_empty: bool) -> str:
    """What pygal has laid out, drawn anew without its script, styles and tooltips. How it looks is said by attributes,
    which no content security policy forbids."""
    layers = {str(each.get("class")): each for each in tree.iter("g")}
    empty = [_text(_WIDTH / 2, _HEIGHT / 2, "middle", "Nothing measured yet")] if is_empty else []
    parts = [
        *_layer(layers["plot"], _plot(layers["plot"])),
        *(_layer(layers["legends"], _legend(layers["legends"])) if "legends" in layers else ()),
        *empty,
    ]
    about = f'class="chart" role="img" aria-label="{escape(spoken)}"'
    look = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" font-size="{_FONT}" fill="currentColor"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {about} {look}>{"".join(parts)}</svg>'


def _layer(element: _Element, parts: Iterator[str]) -> Iterator[str]:
    yield f'<g transform="{element.get("transform")}">'
    yield from parts
    yield "</g>"


def _plot(plot: _Element) -> Iterator[str]:
    for group in plot.iter("g"):
        match str(group.get("class")).split():
            case ["axis", "y", *_]:
                for path in group.iter("path"):
                    yield f'<path d="{_short(path.get("d"))}" stroke="var(--chart-line, #8887)" fill="none"/>'
                yield from (_text(each.get("x"), each.get("y"), "end", each.text) for each in group.iter("text"))
            case ["axis", "x", *_]:
                yield from (_text(each.get("x"), each.get("y"), "middle", each.text) for each in group.iter("text"))
            case ["series", name, *_]:
                number = int(name.removeprefix("serie-"))
                yield from (_stroke(number, _short(path.get("d"))) for path in group.iter("path"))


def _legend(legends: _Element) -> Iterator[str]:
    for number, (mark, text) in enumerate(zip(legends.iter("rect"), legends.iter("text"), strict=True)):
        middle = float(mark.get("y")) + float(mark.get("height")) / 2
        yield _stroke(number, f"M{float(mark.get('x')):.1f} {middle:.1f} h{mark.get('width')}")
        yield _text(text.get("x"), text.get("y"), "start", text.text)


def _stroke(number: int, path: str) -> str:
    number %= len(_COLOURS)
    colour, dashes = f"var(--chart-{number + 1}, {_COLOURS[number]})", _DASHES[number]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    width = 5 if _DOT.fullmatch(path) else 2
    line = f'fill="none" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{path}" stroke="{colour}" {line}{dashed}/>'


def _text(x: str | float, y: str | float, anchor: str, text: str) -> str:
    return f'<text x="{float(x):.1f}" y="{float(y):.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(path: str) -> str:
    """A path with a tenth of a unit as its finest step."""
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.1f}", path)
