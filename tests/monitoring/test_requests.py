"""Requests: what a recorder makes of a trace."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.requests import Recorder, percentile
from tattoo_data.monitoring.sample import Requests
from tests.monitoring.stand import exchange

TABLE, INDEX, IMAGES = StoreName


def test_requests_are_gathered_by_store_and_others_left_out() -> None:
    recorder = Recorder()
    for store, seconds in (("table", 0.3), ("table", 0.1), ("index", 0.2), ("repository", 9), ("domain", 9)):
        recorder(exchange(store, seconds))
    assert recorder.count(TABLE) == 2
    taken = recorder.take()
    assert taken[TABLE] == Requests(count=2, p50=0.1, p95=0.3, p99=0.3)
    assert taken[INDEX] == Requests(count=1, p50=0.2, p95=0.2, p99=0.2)
    assert taken[IMAGES] == Requests()
    assert list(taken) == list(StoreName)


def test_what_was_taken_is_not_there_again() -> None:
    recorder = Recorder()
    recorder(exchange("table"))
    recorder.take()
    assert recorder.count(TABLE) == 0
    assert recorder.take()[TABLE] == Requests()


@pytest.mark.parametrize(
    ("trace", "errors", "throttled"),
    [
        ([(200, 1), (404, 1)], 0, 0),
        ([(None, 1)], 1, 0),
        ([(500, 1), (503, 2), (200, 3)], 2, 0),
        ([(429, 1), (200, 2)], 0, 1),
        # a 400 was throttled where it was sent again, and wrong where it was not
        ([(400, 1), (400, 2), (200, 3)], 0, 2),
        ([(400, 1), (200, 1)], 0, 0),
    ],
)
def test_failed_and_throttled(trace: list[tuple[int | None, int]], errors: int, throttled: int) -> None:
    recorder = Recorder()
    for status, attempt in trace:
        recorder(exchange("table", status=status, attempt=attempt))
    taken = recorder.take()[TABLE]
    assert (taken.count, taken.errors, taken.throttled) == (len(trace), errors, throttled)


def test_attempts_of_other_threads_and_stores_are_told_apart() -> None:
    recorder = Recorder()
    recorder(exchange("table", status=400))
    recorder(exchange("index", status=200, attempt=2))
    other = threading.Thread(target=lambda: recorder(exchange("table", status=200, attempt=2)))
    other.start()
    other.join()
    taken = recorder.take()
    assert taken[TABLE].throttled == taken[INDEX].throttled == 0


def test_no_answer_has_no_time() -> None:
    recorder = Recorder()
    recorder(exchange("table", seconds=5, status=None))
    assert recorder.take()[TABLE] == Requests(count=1, errors=1)


def test_nothing_is_lost_between_threads() -> None:
    recorder = Recorder()

    def send() -> None:
        for _ in range(500):
            recorder(exchange("table", status=500))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    taken = recorder.take()[TABLE]
    assert (taken.count, taken.errors) == (2000, 2000)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_so_many_do_not_exceed_it(values: list[float], percent: int) -> None:
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_no_value_has_no_percentile() -> None:
    assert percentile([], 95) is None
