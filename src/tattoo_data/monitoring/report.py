"""The report: what was measured of a target over a time, and what was not. Read-only.

What lies between two checks is taken for what the earlier one saw, unless they are further apart than checks mostly
are: that is a gap, in which a store counts neither as up nor as down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tattoo_data.clock import Clock
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Alert
from tattoo_data.monitoring.ledger import Ledger
from tattoo_data.monitoring.lines import gap_bound, lines_of
from tattoo_data.monitoring.slices import Slice, Span, StoreSlice, merged
from tattoo_data.monitoring.view import Series

POINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time without a check."""

    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.until - self.since).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """For how long a store was seen to answer and not to, in seconds; `healthy` is the part of `up` in which it was
    also made as it should be."""

    up: float = 0.0
    down: float = 0.0
    healthy: float = 0.0

    @property
    def share(self) -> float | None:
        """The part of the measured time in which it answered; None where no time was measured."""
        return self.up / (self.up + self.down) if self.up + self.down else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was measured from `since` until `until`. `whole` is all of it in one slice, None where there was no check.
    `alerts` are those that were open at any time of it, the newest first, without tests. `kept` says whether the
    history is kept at all."""

    since: datetime
    until: datetime
    whole: Slice | None
    uptimes: Mapping[StoreName, Uptime]
    gaps: Sequence[Gap]
    alerts: Sequence[Alert]
    series: Sequence[Series]
    kept: bool = True

    @property
    def gap_seconds(self) -> float:
        """How much of the time nobody looked."""
        return sum(gap.seconds for gap in self.gaps)

    def store(self, name: StoreName) -> StoreSlice | None:
        """What was measured of one store."""
        return self.whole.stores.get(name.value) if self.whole else None


def report(ledger: Ledger, clock: Clock, since: timedelta) -> Report:
    """What was measured in the last time. Read-only."""
    until = clock.now()
    start = until - since
    history = list(ledger.history(start))
    alerts = [alert for alert in ledger.alerts(closed=True) if not alert.test and _touches(alert, start)]
    return Report(
        since=start,
        until=until,
        whole=merged(history),
        uptimes=_uptimes(history, until),
        gaps=_gaps(history, start, until),
        alerts=sorted(alerts, key=lambda alert: (alert.opened_at, alert.id), reverse=True),
        series=lines_of(history, start, until, POINTS),
        kept=ledger.is_kept,
    )


def lasted(alert: Alert, until: datetime) -> float:
    """How long an alert was open, in seconds, until a moment at most."""
    return max(0.0, ((alert.closed_at or until) - alert.opened_at).total_seconds())


def _touches(alert: Alert, since: datetime) -> bool:
    return alert.closed_at is None or alert.closed_at >= since


def _uptimes(history: Sequence[Slice], until: datetime) -> dict[StoreName, Uptime]:
    lengths = _lengths(history, until)
    return {name: _uptime(history, lengths, name) for name in StoreName}


def _uptime(history: Iterable[Slice], lengths: Iterable[float], name: StoreName) -> Uptime:
    up = down = healthy = 0.0
    for part, seconds in zip(history, lengths, strict=True):
        store = part.stores.get(name.value)
        if store is None or not store.checks:
            continue
        up += seconds * store.reachable / store.checks
        down += seconds * (store.checks - store.reachable) / store.checks
        healthy += seconds * store.healthy / store.checks
    return Uptime(up=up, down=down, healthy=healthy)


def _lengths(history: Sequence[Slice], until: datetime) -> list[float]:
    """For how long each slice speaks, in seconds: until the next begins, or the last of its checks where a gap
    follows."""
    bound = gap_bound(history)
    ends = [after.first if after.first - before.last <= bound else before.last for before, after in pairwise(history)]
    if history:
        last = history[-1].last
        ends.append(until.timestamp() if 0 <= until.timestamp() - last <= bound else last)
    return [max(0.0, end - part.first) for part, end in zip(history, ends, strict=True)]


def _gaps(history: Sequence[Slice], since: datetime, until: datetime) -> list[Gap]:
    """The times without a check, from the window's beginning to its end."""
    if not history:
        return [Gap(since=since, until=until)]
    bound = gap_bound(history)
    looked = [(part.first, part.last) for part in history]
    edges = [(since.timestamp(), since.timestamp()), *looked, (until.timestamp(), until.timestamp())]
    return [
        Gap(since=datetime.fromtimestamp(before[1], UTC), until=datetime.fromtimestamp(after[0], UTC))
        for before, after in pairwise(edges)
        if after[0] - before[1] > bound
    ]


def span_words(span: Span | None) -> str:
    """Lowest, mean and highest of a response time."""
    if span is None:
        return "-"
    return " / ".join(seconds_words(value) for value in (span.low, span.mean, span.high))


def seconds_words(seconds: float) -> str:
    """A response time, in its unit."""
    return f"{seconds * 1_000:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"
