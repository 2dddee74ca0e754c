"""Flow: batches, and units of work on an executor with a bounded number in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, Protocol, TypeVar

from tattoo_data.stores.base import Limits

T = TypeVar("T")
R = TypeVar("R")
#: Requests in flight. Four are worth 1.5 to 4 times one on the engines measured, more are not.
IN_FLIGHT = 4


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
    """The result of `work` for each unit, in order, with at most `IN_FLIGHT` of them begun and not yet taken."""
    waiting: deque[Future[R]] = deque()
    try:
        for unit in units:
            waiting.append(pool.submit(work, unit))
            if len(waiting) >= IN_FLIGHT:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


_END = object()


def ahead(units: Iterator[T]) -> Iterator[T]:
    """Each unit, made in a thread of its own while the one before it is used: one is ready at most."""
    with ThreadPoolExecutor(1) as thread:
        following: Future[Any] = thread.submit(next, units, _END)
        while (unit := following.result()) is not _END:
            following = thread.submit(next, units, _END)
            yield unit


def slices(units: Iterable[T], length: int) -> Iterator[list[T]]:
    """`units` in their order, `length` at a time."""
    remaining = iter(units)
    while part := list(islice(remaining, length)):
        yield part
