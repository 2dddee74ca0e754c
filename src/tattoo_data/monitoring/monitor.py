"""Monitor: one check after the other, until it is told to stop."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tattoo_data.clock import Clock
from tattoo_data.errors import TattooDataError
from tattoo_data.monitoring.alert import Event
from tattoo_data.monitoring.sample import Compared, Sample
from tattoo_data.monitoring.show import view_of
from tattoo_data.monitoring.view import Kept, View

if TYPE_CHECKING:
    from tattoo_data.monitoring.ledger import Ledger

#: Makes one check, a light one where that is asked for. Whatever a store does, it gives a sample.
Check = Callable[[bool], Sample]
#: Looks up the last snapshots and backups. May raise `TattooDataError`.
LookUp = Callable[[], Sequence[Kept]]
#: A full pass that takes at most this part of the interval is made every time.
_CHEAP = 0.1
#: The cause of an alert that table and index disagree, which only a full pass can end.
_DIFFERING = "consistency.differing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How often is checked (`interval`, in seconds), and when it ends by itself: after `count` checks, or once the next
    would begin later than `duration` seconds after the first. With `light` no check passes over everything; without, at
    least every `full_every`-th does."""

    interval: float = 30.0
    count: int | None = None
    duration: float | None = None
    light: bool = False
    full_every: int = 10


class Monitor:
    """The checks of one target. They begin at multiples of the interval and never overlap: the next one after a slow
    check is due at the next multiple.

    A check passes over everything where it is the first, where the last full pass took at most a tenth of the
    interval, where the check before found that table and index disagree or could not tell, as long as an alert of that
    is open, or where it is the tenth since the last full pass. All others are light.
    """

    def __init__(
        self, check: Check, ledger: Ledger, kept: LookUp, target: Mapping[str, object], clock: Clock, options: Options
    ) -> None:
        self.checks = 0
        #: What the last check made of the alerts.
        self.happened: Sequence[Event] = ()
        self._check = check
        self._ledger = ledger
        self._look_up = kept
        self._target = target
        self._clock = clock
        self._options = options
        self._last: Sample | None = None
        self._full: Sample | None = None
        self._since_full = 0
        self._kept: Sequence[Kept] = ()
        self._is_disputed = False

    def run(self, stop: threading.Event) -> Iterator[View]:
        """The view after each check. Ends as soon as `stop` is set, though never within a check."""
        start = self._clock.monotonic()
        turn = 0
        while not stop.is_set():
            yield self._view()
            if self.checks == self._options.count:
                return
            turn = max(turn + 1, math.ceil((self._clock.monotonic() - start) / self._options.interval))
            due = turn * self._options.interval
            if self._options.duration is not None and due > self._options.duration:
                return
            stop.wait(start + due - self._clock.monotonic())

    def _view(self) -> View:
        sample = self._check(self._is_light())
        self.checks += 1
        self._last = sample
        self._since_full += 1
        if sample.consistency.compared is Compared.FULL:
            self._full, self._since_full = sample, 0
        self.happened = self._ledger.record(sample)
        notes = (*sample.notes, *self._refresh_kept(sample))
        view = view_of(
            self._target,
            self._ledger,
            self._clock,
            sample=sample,
            full=self._full,
            kept=self._kept,
            checks=self.checks,
            notes=notes,
        )
        self._is_disputed = any(each.cause == _DIFFERING for each in view.alerts)
        return view

    def _is_light(self) -> bool:
        if self._options.light or self._full is None or self._last is None:
            return self._options.light
        if not self._last.consistency.consistent or self._is_disputed:
            return False  # a page that agrees says nothing of one that did not
        if self._full.seconds <= self._options.interval * _CHEAP:
            return False
        return self._since_full + 1 < self._options.full_every

    def _refresh_kept(self, sample: Sample) -> Sequence[str]:
        """Look the snapshots and backups up again, with a full pass or every tenth time; what was known stays where
        that fails."""
        if sample.light and (self.checks - 1) % self._options.full_every:
            return ()
        try:
            self._kept = self._look_up()
        except TattooDataError as error:
            return (f"the last snapshots and backups are not known: {error.message}",)
        return ()
