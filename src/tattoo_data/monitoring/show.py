"""Showing: the view of a target, from the newest check and what the ledger keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from tattoo_data.clock import Clock
from tattoo_data.monitoring.ledger import Ledger
from tattoo_data.monitoring.sample import Sample
from tattoo_data.monitoring.view import Kept, View

#: How far back the charts go, of how many points their lines are, and how many events are told.
WINDOW = timedelta(hours=2)
POINTS, EVENTS = 200, 20


def view_of(
    target: Mapping[str, object],
    ledger: Ledger,
    clock: Clock,
    *,
    sample: Sample | None,
    full: Sample | None,
    kept: Sequence[Kept],
    checks: int = 0,
    notes: tuple[str, ...] = (),
) -> View:
    """Everything that is shown: the open alerts, the last events, and the lines of the last hours."""
    now = clock.now()
    return View(
        at=now,
        target=target,
        sample=sample,
        full=full,
        alerts=ledger.alerts(),
        events=ledger.events(EVENTS),
        series=ledger.series(now - WINDOW, POINTS),
        kept=kept,
        checks=checks,
        notes=notes,
    )
