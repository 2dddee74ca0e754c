"""The view: everything that is shown of a target, in one value. The terminal, the dashboard, the metrics and the
report are drawn from it alone, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tattoo_data.monitoring.alert import Alert, Event
from tattoo_data.monitoring.sample import Health, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a series. Between `at` of two points nothing is claimed; `None` is a gap: nothing was measured."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a chart: its name (`table.p95`), what it is called, its unit (`s`, `entries`, ``), and its points in
    the order of time."""

    name: str
    title: str
    unit: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One snapshot or backup, as far as it is shown."""

    reference: str
    kind: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is known of a target at a moment. `target` is the JSON form of every result's `target`. `sample` is the
    newest check, and `full` the newest that passed over everything (the same one, often), None before there is one.
    `alerts` are the open ones, the worst first; `events` the last ones, the newest first."""

    at: datetime
    target: Mapping[str, object]
    sample: Sample | None
    full: Sample | None
    alerts: Sequence[Alert]
    events: Sequence[Event]
    series: Sequence[Series]
    kept: Sequence[Kept]
    checks: int = 0
    notes: tuple[str, ...] = ()

    @property
    def health(self) -> Health | None:
        """That of the newest check."""
        return self.sample.health if self.sample else None
