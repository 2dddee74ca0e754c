"""The monitor: when checks are due and how thorough they are, how it ends, and that it does not grow."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tattoo_data.errors import StoreUnreachable
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.ledger import open_ledger
from tattoo_data.monitoring.monitor import Monitor, Options
from tattoo_data.monitoring.sample import Compared, Consistency, Sample
from tattoo_data.monitoring.view import Kept, Series, View
from tests.monitoring.stand import BEGUN, Checked, Simulated, sample

AGREED = Consistency(compared=Compared.FULL, artists=3, consistent=True)
DIFFERS = replace(AGREED, consistent=False, missing=1)
KEPT = Kept(reference="base@1", kind="backup", created_at=BEGUN)
TARGET = {"table": "table"}


class Waiting(threading.Event):
    """A stop that passes the time instead of waiting; `then` is called in each wait, and may set it."""

    def __init__(self, time: Simulated, then: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._time = time
        self._then = then

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._time.waited.append(round(timeout, 6))
        self._then()
        if not self.is_set():
            self._time.pass_by(timeout)
        return self.is_set()


@dataclass
class Notes:
    """A ledger that keeps what it was given."""

    recorded: list[Sample] = field(default_factory=list)
    open: list[Alert] = field(default_factory=list)
    happens: list[Event] = field(default_factory=list)

    def record(self, found: Sample) -> list[Event]:
        self.recorded.append(found)
        return self.happens

    def alerts(self, severity: Severity | None = None, *, closed: bool = False) -> list[Alert]:
        return self.open

    def events(self, limit: int) -> list[Event]:
        return self.happens

    def series(self, since: datetime, points: int) -> list[Series]:
        return []


@dataclass
class Run:
    """A monitor whose checks take as long, and find, as they are told."""

    options: Options
    time: Simulated = field(default_factory=Simulated)
    notes: Notes = field(default_factory=Notes)
    takes: Sequence[float] = (0.0,)
    finds: Sequence[Consistency] = (AGREED,)
    begun: list[tuple[float, bool]] = field(default_factory=list)
    looked_up: int = 0
    kept_error: StoreUnreachable | None = None

    def monitor(self) -> Monitor:
        return Monitor(self.check, cast(Any, self.notes), self.kept, TARGET, self.time.clock(), self.options)

    def views(self, stop: threading.Event | None = None) -> list[View]:
        return list(self.monitor().run(stop or Waiting(self.time)))

    def check(self, light: bool) -> Sample:
        number = len(self.begun)
        self.begun.append((round(self.time.seconds, 6), light))
        took = self.takes[min(number, len(self.takes) - 1)]
        self.time.pass_by(took)
        found = self.finds[min(number, len(self.finds) - 1)]
        if light and found.compared is Compared.FULL:
            found = replace(found, compared=Compared.SAMPLE)
        return sample(at=self.time.clock().now(), seconds=took, light=light, consistency=found)

    def kept(self) -> Sequence[Kept]:
        self.looked_up += 1
        if self.kept_error:
            raise self.kept_error
        return (KEPT,)

    @property
    def due(self) -> list[float]:
        return [at for at, _ in self.begun]

    @property
    def light(self) -> str:
        """The checks as letters: F full, l light."""
        return "".join("l" if light else "F" for _, light in self.begun)


@pytest.mark.parametrize(
    ("options", "takes", "due"),
    [
        (Options(interval=10, count=3), [1.0], [0, 10, 20]),
        (Options(interval=10, count=4), [1.0, 25.0, 10.0, 1.0], [0, 10, 40, 50]),
        (Options(interval=0.5, count=3), [2.2, 0.0], [0, 2.5, 3.0]),
        (Options(interval=10, duration=25), [1.0], [0, 10, 20]),
        (Options(interval=10, duration=20), [0.0], [0, 10, 20]),
        (Options(interval=30, duration=5), [0.0], [0]),
        (Options(interval=10, duration=25, count=2), [0.0], [0, 10]),
        (Options(interval=10, duration=25), [40.0], [0]),
        (Options(interval=10, count=1), [0.0], [0]),
    ],
)
def test_checks_begin_at_multiples_of_the_interval_and_never_overlap(
    options: Options, takes: list[float], due: list[float]
) -> None:
    run = Run(options, takes=takes)
    views = run.views()
    assert run.due == due
    assert [view.checks for view in views] == list(range(1, len(due) + 1))


def test_nothing_is_waited_for_after_the_last_check() -> None:
    run = Run(Options(interval=10, count=2))
    run.views()
    assert run.time.waited == [10]


def test_it_ends_at_once_when_it_is_told_to_while_it_waits() -> None:
    run = Run(Options(interval=3600))
    stop = Waiting(run.time)
    stop._then = stop.set
    assert len(run.views(stop)) == 1
    assert run.time.seconds == 0


def test_it_makes_no_check_when_it_was_told_to_stop_before() -> None:
    run = Run(Options())
    stop = Waiting(run.time)
    stop.set()
    assert run.views(stop) == []


def test_a_cheap_pass_is_made_every_time() -> None:
    run = Run(Options(interval=10, count=5), takes=[1.0])
    run.views()
    assert run.light == "FFFFF"


def test_a_dear_pass_is_made_every_tenth_time() -> None:
    run = Run(Options(interval=10, count=23), takes=[2.0])
    run.views()
    assert run.light == "F" + 9 * "l" + "F" + 9 * "l" + "Fll"


def test_light_alone_never_passes_over_everything() -> None:
    run = Run(Options(interval=10, count=25, light=True), finds=[AGREED, DIFFERS])
    run.views()
    assert run.light == 25 * "l"


def test_a_difference_is_looked_at_fully_until_it_is_gone() -> None:
    run = Run(Options(interval=10, count=8), takes=[2.0], finds=[AGREED, AGREED, DIFFERS, DIFFERS, AGREED, AGREED])
    run.views()
    assert run.light == "FllFFlll"


def test_what_could_not_be_compared_is_tried_again_fully() -> None:
    run = Run(Options(interval=10, count=4), takes=[2.0], finds=[Consistency(), Consistency(), AGREED])
    run.views()
    assert run.light == "FFFl"


def test_as_long_as_an_alert_is_open_passes_are_full_so_that_it_can_close() -> None:
    alert = Alert(
        id=1,
        cause="consistency.differing",
        severity=Severity.WARNING,
        message="differ",
        value="1",
        threshold=">= 1",
        opened_at=BEGUN,
        seen_at=BEGUN,
    )
    run = Run(Options(interval=10, count=4), takes=[2.0], notes=Notes(open=[alert]))
    run.views()
    assert run.light == "FFFF"
    run = Run(Options(interval=10, count=4), takes=[2.0], notes=Notes(open=[replace(alert, cause="table.response")]))
    run.views()
    assert run.light == "Flll"


def test_a_view_has_the_newest_check_and_the_last_full_one() -> None:
    run = Run(Options(interval=10, count=3), takes=[2.0])
    views = run.views()
    assert [view.full is view.sample for view in views] == [True, False, False]
    assert views[2].full == run.notes.recorded[0]
    assert views[2].sample == run.notes.recorded[2]
    assert views[0].target == TARGET
    assert views[0].kept == (KEPT,)


def test_a_full_pass_that_could_not_compare_leaves_the_last_one_that_did() -> None:
    run = Run(Options(interval=10, count=2), finds=[AGREED, Consistency()])
    first, second = run.views()
    assert second.full == first.full


def test_what_happened_is_that_of_the_last_check() -> None:
    run = Run(Options(count=1))
    alert = Alert(
        id=1,
        cause="x",
        severity=Severity.INFO,
        message="",
        value="",
        threshold="",
        opened_at=BEGUN,
        seen_at=BEGUN,
    )
    run.notes.happens = [Event(at=BEGUN, change=Change.OPENED, alert=alert)]
    monitor = run.monitor()
    list(monitor.run(Waiting(run.time)))
    assert monitor.happened == run.notes.happens


def test_what_is_kept_is_looked_up_with_full_passes_alone() -> None:
    run = Run(Options(interval=10, count=12), takes=[2.0])
    run.views()
    assert run.looked_up == 2


def test_a_bucket_that_does_not_answer_is_a_note() -> None:
    run = Run(Options(interval=10, count=2))
    monitor = run.monitor().run(Waiting(run.time))
    assert next(monitor).notes == ()
    run.kept_error = StoreUnreachable(service="s3", endpoint="http://x", reason="refused", variable="AWS_ENDPOINT_URL")
    second = next(monitor)
    assert second.kept == (KEPT,), "what was known"
    assert "the last snapshots and backups are not known: s3 does not answer" in second.notes[0]


def test_an_hour_of_checks_does_not_grow(tmp_path: Path) -> None:
    time = Simulated()
    with (
        ThreadPoolExecutor(4) as pool,
        open_ledger(tmp_path, "target", time.clock(), {}, lambda text: None) as ledger,
    ):
        target = Checked(tmp_path, pool)
        target.fill(20)

        def check(light: bool) -> Sample:
            for each in target.traced.values():
                each.asked.clear()
            return target.check(light=light)

        monitor = Monitor(check, ledger, lambda: (), TARGET, time.clock(), Options(interval=10, duration=3600))
        held: list[int] = []
        tracemalloc.start()
        try:
            for view in monitor.run(Waiting(time)):
                if view.checks in (6, 361):
                    gc.collect()
                    held.append(tracemalloc.get_traced_memory()[0])
                del view
        finally:
            tracemalloc.stop()
    assert monitor.checks == 361
    first_minute, hour = held
    assert hour - first_minute < 2_000_000
