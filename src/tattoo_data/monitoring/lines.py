"""Lines: the history as charts draw it, with few points and with its gaps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.slices import Slice, Span, merge, store_measure
from tattoo_data.monitoring.view import Point, Series

#: Checks that are further apart than this many seconds, and than three times what they mostly are, leave a gap.
GAP_SECONDS = 120.0
_GAP_TIMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What one line shows: a measure, and which of a point's values."""

    name: str
    title: str
    unit: str
    measure: Callable[[Slice], Span | None]
    value: Callable[[Span], float]
    #: Whether a check that gave no value broke the line, or did not look.
    breaks: Callable[[Slice], bool]


def gap_bound(slices: Sequence[Slice]) -> float:
    """How far apart two checks may be, in seconds, so that what they saw is taken for what was between them."""
    apart = [after.first - before.last for before, after in pairwise(slices)]
    return max(GAP_SECONDS, _GAP_TIMES * median(apart)) if apart else GAP_SECONDS


def lines_of(history: Iterable[Slice], since: datetime, until: datetime, points: int) -> list[Series]:
    """Every line, from the first check on. A point stands for the checks of its stretch of time: of response times and
    of artists that differ it shows the worst, of counts the last. A gap is a point without a value; a check that did
    not measure is none."""
    slices = list(history)
    bound = gap_bound(slices)
    start = max(since.timestamp(), slices[0].first) if slices else since.timestamp()
    # Half of the points are left for the gaps between the others.
    width = max(1e-3, (until.timestamp() - start) / max(1, points // 2))
    stretches = list(_stretches(slices, start, width))
    return [
        Series(name=line.name, title=line.title, unit=line.unit, points=list(_points(line, stretches, bound)))
        for line in _LINES
    ]


def _stretches(slices: Iterable[Slice], start: float, width: float) -> Iterator[Slice]:
    """The slices of each stretch of time, merged."""
    held: Slice | None = None
    for part in slices:
        if held is None:
            held = part
        elif (part.last - start) // width == (held.last - start) // width:
            held = merge(held, part)
        else:
            yield held
            held = part
    if held is not None:
        yield held


def _points(line: _Line, stretches: Iterable[Slice], bound: float) -> Iterator[Point]:
    before: Slice | None = None
    broken = True
    for part in stretches:
        if before is not None and part.first - before.last > bound and not broken:
            yield Point(at=_moment(before.last), value=None)
            broken = True
        before = part
        span = line.measure(part)
        if span is not None:
            yield Point(at=_moment(part.last), value=line.value(span))
            broken = False
        elif line.breaks(part) and not broken:
            yield Point(at=_moment(part.last), value=None)
            broken = True


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _highest(span: Span) -> float:
    return span.high


def _last(span: Span) -> float:
    return span.last


def _unreached(store: StoreName) -> Callable[[Slice], bool]:
    def breaks(part: Slice) -> bool:
        found = part.stores.get(store.value)
        return found is None or not found.reachable

    return breaks


def _line(store: StoreName, kind: str) -> _Line:
    field, title, unit, value = {
        "p95": ("p95", f"{store}: response time, 95 %", "s", _highest),
        "count": ("entries", f"{store}: entries", "entries", _last),
    }[kind]
    return _Line(
        name=f"{store}.{kind}",
        title=title.capitalize(),
        unit=unit,
        measure=store_measure(store, field),
        value=value,
        breaks=_unreached(store),
    )


_LINES = (
    *(_line(store, kind) for kind in ("p95", "count") for store in StoreName),
    _Line(
        name="consistency.differing",
        title="Artists that differ",
        unit="artists",
        measure=lambda part: part.differing,
        value=_highest,
        breaks=lambda part: not all(store.reachable for store in part.stores.values()),
    ),
)
