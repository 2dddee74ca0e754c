"""Flow: however work in flight and beside ends, what was begun has ended too, or it is said that it has not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, NoReturn

import pytest

from tattoo_data.engine import flow
from tattoo_data.engine.flow import StillAtWork, beside, in_flight


class Ended(Exception):
    pass


class Work:
    """Work that is begun and ends only after a while, or when it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.running = 0

    def __call__(self, unit: int) -> int:
        self.running += 1
        self.begun.set()
        assert self.go.wait(60)
        self.running -= 1
        return unit

    def go_soon(self) -> None:
        """Let it end a little after whoever calls this has gone on."""
        threading.Timer(0.1, self.go.set).start()


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.go.set()


@pytest.fixture
def pool(work: Work) -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor
        work.go.set()


def failing(work: Work, error: BaseException) -> Iterator[int]:
    """A unit, and once it is begun an error."""
    yield 1
    assert work.begun.wait(60)
    work.go_soon()
    raise error


def test_nothing_runs_any_more_when_the_units_fail(work: Work, pool: Executor) -> None:
    with pytest.raises(Ended):
        list(in_flight(pool, work, failing(work, Ended())))
    assert work.running == 0


def test_nothing_runs_any_more_when_one_unit_fails(work: Work, pool: Executor) -> None:
    def one_fails(unit: int) -> int:
        if unit == 1:
            return work(unit)
        assert work.begun.wait(60)
        work.go_soon()
        raise Ended

    with pytest.raises(Ended):
        list(in_flight(pool, one_fails, [0, 1]))
    assert work.running == 0


def test_nothing_runs_any_more_when_the_reader_stops(work: Work, pool: Executor) -> None:
    with closing(in_flight(pool, lambda unit: unit and work(unit), range(4))) as results:  # type: ignore[type-var]
        assert next(results) == 0
        assert work.begun.wait(60)
        work.go_soon()
    assert work.running == 0


def test_an_interruption_waits_for_what_ends_soon(work: Work, pool: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MOMENT", 60)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        list(in_flight(pool, work, failing(work, KeyboardInterrupt())))
    assert (type(interrupted.value), work.running) == (KeyboardInterrupt, 0)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MOMENT", 0)


class Interrupted(Future[Any]):
    """One that runs; who waits for it is interrupted."""

    def result(self, timeout: float | None = None) -> NoReturn:
        raise KeyboardInterrupt


class Interrupting(Executor):
    """Begins what never ends, and interrupts who waits for it."""

    def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
        future = Interrupted()
        future.set_running_or_notify_cancel()
        return future


@pytest.mark.usefixtures("no_patience")
def test_an_interruption_that_cannot_wait_says_so() -> None:
    with pytest.raises(StillAtWork):
        list(in_flight(Interrupting(), abs, [1]))


def test_an_interruption_of_the_wait_after_an_error_says_so(
    work: Work, pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(flow, "wait", interrupted)
    with pytest.raises(StillAtWork):
        list(in_flight(pool, work, failing(work, Ended())))


def begin(work: Work, error: BaseException, before: Callable[[], None]) -> None:
    """Begin work beside, and fail."""
    with beside() as thread:
        thread.submit(work, 1)
        assert work.begun.wait(60)
        before()
        raise error


def test_what_is_beside_has_ended_when_the_block_fails(work: Work) -> None:
    with pytest.raises(Ended):
        begin(work, Ended(), work.go_soon)
    assert work.running == 0


@pytest.mark.usefixtures("no_patience")
def test_an_interruption_does_not_wait_for_what_hangs_beside(work: Work) -> None:
    with pytest.raises(StillAtWork):
        begin(work, KeyboardInterrupt(), lambda: None)
    assert work.running == 1
