"""What `monitor check`, `watch` and `serve` share: the target of an invocation, and how a check is told in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from tattoo_data.cli.options import Invocation
from tattoo_data.monitoring.alert import Alert, Change, Event
from tattoo_data.monitoring.interval import span
from tattoo_data.monitoring.sample import Compared, Consistency, Health, Sample, StoreSample

if TYPE_CHECKING:
    from tattoo_data.monitoring.view import View
    from tattoo_data.monitoring.watching import Watching


def watching(
    invocation: Invocation, say: Callable[[str], None], *, aloud: bool = False, progress: bool = True
) -> AbstractContextManager[Watching]:
    """The target of an invocation, to be checked, and what is kept of it. `say` and `aloud` are as in
    `monitoring.watching`; without `progress`, none is shown."""
    from tattoo_data.monitoring import watching as room

    opening = partial(invocation.environment, progress=progress)
    return room.watching(invocation.settings, invocation.clock, opening, say, aloud=aloud)


@dataclass(slots=True)
class Tally:
    """What came of the checks of one monitor."""

    checks: Counter[Health] = field(default_factory=Counter)
    changes: Counter[Change] = field(default_factory=Counter)
    open: Sequence[Alert] = ()

    def add(self, view: View, happened: Sequence[Event]) -> None:
        """Take one check in, and what it made of the alerts."""
        if view.health is not None:
            self.checks[view.health] += 1
        self.changes.update(each.change for each in happened)
        self.open = view.alerts

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        from tattoo_data.monitoring.document import alert_document

        return {
            "checks": self.checks.total(),
            **{health.value: self.checks[health] for health in Health},
            "opened": self.changes[Change.OPENED],
            "closed": self.changes[Change.CLOSED],
            "alerts": [alert_document(each) for each in self.open],
        }

    @property
    def words(self) -> str:
        """In one line."""
        from tattoo_data.cli.render import amount

        how = ", ".join(f"{self.checks[health]:,} {health.value}" for health in Health if self.checks[health])
        opened, closed = self.changes[Change.OPENED], self.changes[Change.CLOSED]
        return (
            f"{amount(self.checks.total(), 'checks')}{f' ({how})' if how else ''}; "
            f"{amount(opened, 'alerts')} opened, {closed:,} closed, {len(self.open):,} open."
        )


def check_line(sample: Sample) -> str:
    """A check in one line of plain text."""
    from tattoo_data.clock import timestamp

    stores = (f"{name.value} {_store_words(store)}" for name, store in sample.stores.items())
    return f"{timestamp(sample.at)}  {sample.health.value:9}  {'; '.join(stores)}; {agreement(sample.consistency)}"


def event_line(event: Event) -> str:
    """What happened to an alert, in one line of plain text."""
    from tattoo_data.monitoring.sinks import words

    return words(event)


def alert_words(alert: Alert) -> str:
    """An alert in words, without its times."""
    test = " (test)" if alert.test else ""
    return f"{alert.severity.value} {alert.cause}: {alert.message}{test}"


def agreement(found: Consistency) -> str:
    """Whether table and index agree, and what was compared."""
    from tattoo_data.cli.render import amount

    if found.compared is Compared.NOTHING:
        return "not known whether table and index agree"
    where = " of one page" if found.compared is Compared.SAMPLE else ""
    artists = f"{amount(found.artists, 'artists')}{where}"
    if found.consistent:
        return f"table and index agree: {artists} compared on every field"
    kinds = {"missing in the index": found.missing, "too much there": found.extra, "different": found.different}
    how = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    return f"{found.differing:,} of {artists} differ: {how}"


def milliseconds(seconds: float | None) -> str:
    """A response time."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"


def health_of(store: StoreSample) -> str:
    """How a store is, in a word or two."""
    if store.healthy:
        return "healthy"
    return "not healthy" if store.reachable else "unreachable"


def since(alert: Alert, now: datetime) -> str:
    """How long an open alert lasts."""
    return span((now - alert.opened_at).total_seconds())


def _store_words(store: StoreSample) -> str:
    if not store.healthy:
        return f"{health_of(store)}: {'; '.join(store.problems)}"
    count = "" if store.count is None else f"{store.count:,}, "
    return f"{count}p95 {milliseconds(store.requests.p95)}"
