"""Views as monitors give them, and a desk that keeps their alerts, for tests and pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tattoo_data.clock import Clock
from tattoo_data.errors import UnknownName
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.sample import Compared, Consistency, Difference, Requests, Sample, StoreSample
from tattoo_data.monitoring.view import Kept, Point, Series, View

NOW = datetime(2026, 11, 28, 10, 30, 12, tzinfo=UTC)
TARGET = {
    "awsEndpoint": "http://127.0.0.1:4566",
    "s3Endpoint": "http://127.0.0.1:4566",
    "opensearchEndpoint": "http://127.0.0.1:9200",
    "region": "eu-west-2",
    "table": "tattoo-directory-local",
    "index": "artists-local",
    "imageBucket": "tattoo-directory-images",
    "backupBucket": "tattoo-directory-backups",
    "embedded": True,
}
INTERVAL = 30.0
SILENT = "http://127.0.0.1:9200 does not answer: Connection refused"


def clock_at(now: datetime) -> Clock:
    """A clock that stands still."""
    return Clock(now=lambda: now)


def store(count: int | None, engine: str, kinds: dict[str, int] | None = None, slow: float = 1.0) -> StoreSample:
    """A store that is well."""
    requests = Requests(count=14, p50=0.0042 * slow, p95=0.0113 * slow, p99=0.0151 * slow)
    return StoreSample(reachable=True, healthy=True, engine=engine, count=count, kinds=kinds, requests=requests)


def sample(at: datetime = NOW) -> Sample:
    """A check that found all well."""
    return Sample(
        at=at - timedelta(seconds=0.8),
        seconds=0.8,
        light=False,
        stores={
            StoreName.TABLE: store(
                2_094, "ministack 1.5.33", {"artists": 2_000, "studios": 60, "styles": 22, "other": 12}
            ),
            StoreName.INDEX: store(2_000, "osmem 0.1.6", {"artists": 2_000}, slow=2.4),
            StoreName.IMAGES: store(58, "ministack 1.5.33", slow=0.6),
        },
        consistency=Consistency(compared=Compared.FULL, artists=2_000, consistent=True),
        state="fresh",
    )


def alert(number: int, severity: Severity, cause: str, message: str, now: datetime = NOW) -> Alert:
    """An open alert."""
    return Alert(
        id=number,
        cause=cause,
        severity=severity,
        message=message,
        value="1,002 artists",
        threshold=">= 1 artists",
        opened_at=now - timedelta(minutes=4, seconds=30),
        seen_at=now,
    )


def differences(count: int) -> tuple[Difference, ...]:
    """Artists that are not in the index, or not the same there."""
    kinds = ("missing", "different", "extra")
    fields = ((), ("rating", "styles"), ())
    return tuple(
        Difference(key=f"ARTIST#camden-{number:04}", kind=kinds[number % 3], fields=fields[number % 3])
        for number in range(count)
    )


def series(now: datetime = NOW, *, broken: bool = False) -> list[Series]:
    """Two hours of history; a broken one has a gap of the index, and then half of its documents."""
    moments = [now - timedelta(seconds=60 * (119 - number)) for number in range(120)]

    def line(name: str, title: str, unit: str, value: Callable[[int], float | None]) -> Series:
        points = [Point(at=at, value=value(number)) for number, at in enumerate(moments)]
        return Series(name=name, title=title, unit=unit, points=points)

    def index_gap(number: int, value: float) -> float | None:
        return None if broken and 84 <= number < 98 else value

    return [
        line("table.p95", "Table: response time, 95 %", "s", lambda n: 0.011 + 0.002 * math.sin(n / 4)),
        line("index.p95", "Index: response time, 95 %", "s", lambda n: index_gap(n, 0.026 + 0.006 * math.sin(n / 7))),
        line("images.p95", "Images: response time, 95 %", "s", lambda n: 0.006 + 0.001 * math.cos(n / 3)),
        line("table.count", "Table: entries", "entries", lambda n: 2_094),
        line("index.count", "Index: entries", "entries", lambda n: index_gap(n, 998 if broken and n > 97 else 2_000)),
        line("images.count", "Images: entries", "entries", lambda n: 58),
        line("consistency.differing", "Artists that differ", "artists", lambda n: 1_002 if broken and n > 97 else 0),
    ]


def kept(now: datetime = NOW) -> list[Kept]:
    """A snapshot and two backups."""
    return [
        Kept(reference="before-test-suite@20261128T081500Z", kind="snapshot", created_at=now - timedelta(hours=2)),
        Kept(reference="backup-2026-11-27T22-00-00-000Z", kind="backup", created_at=now - timedelta(hours=12)),
        Kept(reference="backup-2026-11-26T22-00-00-000Z", kind="backup", created_at=now - timedelta(hours=36)),
    ]


def healthy(now: datetime = NOW) -> View:
    """All is well."""
    found = sample(now)
    slow = alert(3, Severity.WARNING, "index.response", "the index takes 1.24 s or more for 1 request in 20")
    slow = replace(slow, opened_at=now - timedelta(minutes=50), closed_at=now - timedelta(minutes=47))
    return View(
        at=now,
        target=TARGET,
        sample=found,
        full=found,
        alerts=[],
        events=[
            Event(at=now - timedelta(minutes=47), change=Change.CLOSED, alert=slow),
            Event(at=now - timedelta(minutes=50), change=Change.OPENED, alert=slow),
        ],
        series=series(now),
        kept=kept(now),
        checks=240,
    )


def unhealthy(now: datetime = NOW) -> View:
    """Half of the documents are gone, requests were throttled, and nobody knows of it."""
    found = sample(now)
    stores = dict(found.stores)
    stores[StoreName.INDEX] = replace(stores[StoreName.INDEX], count=998, kinds={"artists": 998})
    throttled = Requests(count=16, errors=1, throttled=2, p50=0.0042, p95=0.0113, p99=1.42)
    stores[StoreName.TABLE] = replace(stores[StoreName.TABLE], requests=throttled)
    apart = Consistency(
        compared=Compared.FULL,
        artists=2_000,
        consistent=False,
        missing=668,
        extra=1,
        different=333,
        differences=differences(50),
    )
    found = replace(found, stores=stores, consistency=apart, state=None)
    alerts = [
        alert(
            7,
            Severity.CRITICAL,
            "consistency.differing",
            "table and index disagree on 1,002 of 2,000 artists (668 missing in the index, 1 too much there, "
            "333 different)",
            now,
        ),
        replace(
            alert(8, Severity.WARNING, "table.throttled", "of 16 requests to the table, 2 were throttled", now),
            value="12.5 %",
            threshold=">= 10.0 %",
            acknowledged_at=now - timedelta(minutes=2),
            acknowledged_by="dashboard",
        ),
        replace(
            alert(9, Severity.INFO, "test.info", "a test of the alerts: nothing is wrong", now),
            threshold="-",
            test=True,
        ),
    ]
    events = [Event(at=each.opened_at, change=Change.OPENED, alert=each) for each in reversed(alerts)]
    return replace(
        healthy(now), sample=found, full=found, alerts=alerts, events=events, series=series(now, broken=True)
    )


def unreachable(now: datetime = NOW) -> View:
    """The index does not answer; what it held is known from the last pass over everything."""
    full = sample(now - timedelta(minutes=5))
    gone = StoreSample(
        reachable=False, healthy=False, requests=Requests(count=2, errors=2), problems=(SILENT,), engine=None
    )
    stores = {**sample(now).stores, StoreName.INDEX: gone}
    found = replace(sample(now), stores=stores, consistency=Consistency(), state=None)
    down = alert(5, Severity.CRITICAL, "index.reachable", f"the index does not answer: {SILENT}", now)
    down = replace(down, threshold="-", value="yes")
    opened = Event(at=now - timedelta(minutes=4), change=Change.OPENED, alert=down)
    return replace(
        healthy(now),
        sample=found,
        full=full,
        alerts=[down],
        events=[opened],
        series=series(now, broken=True),
        notes=("the last snapshots and backups are not known: the images do not answer",),
    )


def unseen(now: datetime = NOW) -> View:
    """Before the first check."""
    return replace(healthy(now), sample=None, full=None, events=[], series=[], kept=[], checks=0)


class Desk:
    """Keeps alerts in memory, as a ledger keeps them in a file."""

    def __init__(self, alerts: Sequence[Alert], now: datetime = NOW) -> None:
        self._alerts = {each.id: each for each in alerts}
        self._events: list[Event] = []
        self._now = now

    def acknowledge(self, ids: Sequence[int], who: str) -> list[Alert]:
        """As the ledger does."""
        return list(self._acknowledged(ids, who))

    def alerts(self) -> list[Alert]:
        """The open ones."""
        return list(self._alerts.values())

    def events(self, limit: int) -> list[Event]:
        """The last ones."""
        return self._events[:limit]

    def _acknowledged(self, ids: Sequence[int], who: str) -> Iterator[Alert]:
        for number in ids:
            if number not in self._alerts:
                raise UnknownName(kind="alert", name=str(number), known=[str(each) for each in self._alerts])
            known = replace(self._alerts[number], acknowledged_at=self._now, acknowledged_by=who)
            self._alerts[number] = known
            self._events.insert(0, Event(at=self._now, change=Change.ACKNOWLEDGED, alert=known))
            yield known
