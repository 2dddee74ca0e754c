"""Flow: batches, and units of work on an executor with a bounded number in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol, TypeVar

from tattoo_data.stores.base import Limits

T = TypeVar("T")
R = TypeVar("R")
#: Requests in flight. Four are worth 1.5 to 4 times one on the engines measured, more are not.
IN_FLIGHT = 4
#: How many seconds an interruption waits for what is on its way: longer than a request takes, shorter than patience.
MOMENT = 3.0


class StillAtWork(KeyboardInterrupt):
    """An interruption that did not wait to the end: something that was begun may still write."""


class Progress(Protocol):
    """Told how far a stage of the work is."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """`stage` in words, entries done, and entries in all where that is known."""


def no_progress(stage: str, done: int, total: int | None) -> None:
    """Tells nobody."""


def batches(entries: Iterable[T], limits: Limits, size: Callable[[T], int]) -> Iterator[list[T]]:
    """`entries` in their order, in batches within `limits`; one that is too large alone is a batch alone."""
    batch: list[T] = []
    weight = 0
    for entry in entries:
        more = size(entry)
        if batch and (len(batch) == limits.entries or weight + more > limits.size):
            yield batch
            batch, weight = [], 0
        batch.append(entry)
        weight += more
    if batch:
        yield batch


def in_flight(pool: Executor, work: Callable[[T], R], units: Iterable[T]) -> Iterator[R]:
    """The result of `work` for each unit, in order, with at most `IN_FLIGHT` of them begun and not yet taken.

    However it ends, none of them runs any more; but where an interruption cannot wait for that, it is `StillAtWork`."""
    waiting: deque[Future[R]] = deque()
    try:
        for unit in units:
            waiting.append(pool.submit(work, unit))
            if len(waiting) >= IN_FLIGHT:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BaseException as error:
        _rest([future for future in waiting if not future.cancel()], error)
        raise


def _next(waiting: deque[Future[R]]) -> R:
    """The first result. It is one of those that are waited for until it is there."""
    result = waiting[0].result()
    waiting.popleft()
    return result


@contextmanager
def beside() -> Iterator[Executor]:
    """A thread of its own, which ends with the block. Who interrupts waits for it a moment only, since what it is at
    may be somebody else's code, which never ends; then it is `StillAtWork`."""
    thread = ThreadPoolExecutor(1)
    try:
        yield thread
    except BaseException as error:
        last = thread.submit(int)  # done once all before it is
        thread.shutdown(wait=False)
        _rest([last], error)
        raise
    thread.shutdown()


def _rest(futures: Iterable[Future[Any]], error: BaseException) -> None:
    """Wait for what is under way when an error ends the rest."""
    try:
        running = wait(futures, MOMENT if isinstance(error, KeyboardInterrupt) else None).not_done
    except KeyboardInterrupt as again:
        raise StillAtWork from again
    if running:
        raise StillAtWork from error


_END = object()


def ahead(units: Iterator[T], thread: Executor) -> Iterator[T]:
    """Each unit, made in a thread `beside` while the one before it is used: one is ready at most."""
    following: Future[Any] = thread.submit(next, units, _END)
    while (unit := following.result()) is not _END:
        following = thread.submit(next, units, _END)
        yield unit


def slices(units: Iterable[T], length: int) -> Iterator[list[T]]:
    """`units` in their order, `length` at a time."""
    remaining = iter(units)
    while part := list(islice(remaining, length)):
        yield part
