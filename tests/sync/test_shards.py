"""Shards: no record is missed, whatever becomes of the stream; and where one may have been, it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tattoo_data.repository.checkpoints import Place
from tattoo_data.sync.shards import RecordsLost, Shards
from tests.sync.streaming import ARN, MemoryStream

P = ParamSpec("P")
R = TypeVar("R")


class AtOnce(Executor):
    """An executor whose work is done when `submit` returns, so that a test is the same each time."""

    def __init__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> Future[R]:
        future: Future[R] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except (ConnectionError, RecordsLost) as error:
            future.set_exception(error)
        return future


@pytest.fixture(autouse=True, scope="module")
def no_threads() -> Iterator[None]:
    """What is begun is done at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tattoo_data.sync.shards.ThreadPoolExecutor", AtOnce)
        yield


def at_end(stream: MemoryStream) -> Shards:
    """A reader that begins where the stream ends now."""
    shards = Shards(stream, ARN)
    shards.start_at_end()
    return shards


def after(stream: MemoryStream, places: Mapping[str, Place]) -> Shards:
    """A reader that goes on in another process."""
    shards = Shards(stream, ARN)
    shards.start_after(places)
    return shards


def read(shards: Shards, most: int = 1_000) -> list[str]:
    """The keys that were written."""
    return [record.key for record in shards.read(most)]


def read_all(shards: Shards) -> list[str]:
    """The same, until nothing comes any more; the shards of a split are read from the next time on."""
    found: list[str] = []
    for _ in range(4):
        found += read(shards)
    return found


def test_what_is_written_after_the_start_is_read_once_and_in_order() -> None:
    stream = MemoryStream()
    stream.write("before")
    shards = at_end(stream)
    assert read(shards) == []
    for key in "abcdabc":
        stream.write(key)
    assert read(shards) == list("abcdabc")
    assert read(shards) == []
    stream.write("e")
    assert read(shards) == ["e"]


def test_a_batch_has_about_as_many_as_are_wanted() -> None:
    stream = MemoryStream(most=3)
    shards = at_end(stream)
    for number in range(10):
        stream.write(str(number))
    assert read(shards, 4) == ["0", "1", "2", "3"]
    assert read(shards, 100) == ["4", "5", "6", "7", "8", "9"]


@pytest.mark.parametrize("late", [False, True])
def test_a_shard_is_read_to_its_end_before_those_it_was_split_into(late: bool) -> None:
    stream = MemoryStream()
    shards = at_end(stream)
    stream.write("a1")
    stream.split(late=late)
    if late:
        assert read_all(shards) == ["a1"]
        stream.arrive()
    for key in ("a2", "b2", "c2", "d2"):
        stream.write(key)
    found = read_all(shards)
    assert sorted(found) == (["a2", "b2", "c2", "d2"] if late else ["a1", "a2", "b2", "c2", "d2"])
    assert late or found[0] == "a1"


def test_reading_goes_on_in_another_process_where_it_was() -> None:
    stream = MemoryStream()
    shards = at_end(stream)
    stream.write("a")
    assert read(shards) == ["a"]
    places = shards.places()
    stream.write("b")
    stream.split()
    stream.write("c")
    assert read_all(after(stream, places)) == ["b", "c"]


def test_a_shard_of_which_nothing_was_read_is_read_from_its_oldest_record() -> None:
    stream = MemoryStream()
    stream.write("before")
    places = at_end(stream).places()
    stream.write("a")
    assert read_all(after(stream, places)) == ["before", "a"]
    stream.split()
    stream.trim("shard-0")
    with pytest.raises(RecordsLost):
        after(stream, places)


def test_an_expired_iterator_is_replaced_where_something_was_read_else_records_may_be_lost() -> None:
    stream = MemoryStream()
    shards = at_end(stream)
    stream.write("a")
    assert read(shards) == ["a"]
    stream.expire()
    stream.write("b")
    assert read(shards) == ["b"]
    fresh = at_end(stream)
    stream.expire()
    with pytest.raises(RecordsLost):
        fresh.read()


def test_what_the_stream_dropped_is_lost() -> None:
    stream = MemoryStream()
    shards = at_end(stream)
    stream.write("a")
    assert read(shards) == ["a"]
    places = shards.places()
    stream.write("b")
    stream.trim()
    with pytest.raises(RecordsLost):
        after(stream, places)
    with pytest.raises(RecordsLost):
        shards.read()


def test_an_ended_shard_that_was_read_may_go_but_not_one_that_was_not() -> None:
    stream = MemoryStream()
    shards = at_end(stream)
    stream.write("a")
    stream.split()
    assert read_all(shards) == ["a"]
    stream.write("b")
    assert read_all(shards) == ["b"]
    places = shards.places()
    stream.trim("shard-0")
    assert set(places) == {"shard-0", "shard-0.0", "shard-0.1"}
    # Of one of the children nothing was read; nothing of it went either
    known = {name: place for name, place in places.items() if place.after is not None or place.done}
    stream.write("c")
    assert "c" in read_all(after(stream, known))
    stream.split("shard-0.0")
    stream.trim("shard-0.0")
    with pytest.raises(RecordsLost):
        after(stream, {"shard-0": Place(done=True)})


def test_what_was_read_before_reading_failed_is_not_lost() -> None:
    stream = MemoryStream(most=1)
    shards = at_end(stream)
    stream.split()
    assert read_all(shards) == []
    stream.write("a")
    stream.write("b")
    expected = {"a", "b"}
    stream.failures = [ConnectionError()]
    with pytest.raises(ConnectionError):
        shards.read()
    assert set(read_all(shards)) == expected


def test_the_last_records_of_a_shard_are_not_lost_where_those_that_go_on_cannot_be_asked_for() -> None:
    stream = MemoryStream()
    shards = at_end(stream)
    stream.write("a")
    stream.split()
    stream.failures = [None, ConnectionError()]
    with pytest.raises(ConnectionError):
        shards.read()
    assert read_all(shards) == ["a"]


def test_what_was_begun_is_given_by_the_next_read_and_counts_as_given_only_then() -> None:
    stream = MemoryStream()
    shards = at_end(stream)
    stream.write("a")
    assert read(shards) == ["a"]
    stream.write("b")
    shards.begin()
    shards.reopen()  # waits for it
    stream.write("c")
    assert read_all(after(stream, shards.places())) == ["b", "c"]
    assert read(shards) == ["b"]
    assert read_all(after(stream, shards.places())) == ["c"]
    shards.begin()
    shards.start_at_end()
    assert read(shards) == []


acts = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from("abcdefgh")),
        st.tuples(st.just("fail"), st.sampled_from(["", " ", "  "])),
        st.tuples(st.sampled_from(["begin", "read", "save", "restart", "reopen", "split", "expire"]), st.just("")),
    ),
    max_size=40,
)


@given(acts=acts, most=st.integers(1, 4))
@settings(max_examples=300)
def test_every_key_is_read_after_its_last_write_or_it_is_said_that_it_may_be_lost(
    acts: list[tuple[str, str]], most: int
) -> None:
    stream = MemoryStream(most)
    shards, saved = at_end(stream), None
    due: set[str] = set()  # written, and not read since
    since: set[str] = set()  # read or written since the place was saved

    def take(keys: list[str]) -> None:
        due.difference_update(keys)

    for act, key in [*acts, *(("read", ""),) * 8]:
        try:
            match act:
                case "write":
                    stream.write(key)
                    due.add(key)
                    since.add(key)
                case "read":
                    take(read(shards, 2))
                case "save":
                    saved = shards.places()
                    since = set(due)
                case "restart" if saved is not None:
                    due |= since
                    stream.failures = []
                    shards.close()
                    shards = after(stream, saved)
                case "split":
                    stream.split()
                case "expire":
                    stream.expire()
                case "fail":
                    stream.failures = [*(None for _ in key), ConnectionError()]
                    take(read(shards))
                case "begin":
                    shards.begin(2)
                case "reopen":
                    shards.reopen()
        except ConnectionError:
            continue
        except RecordsLost:
            due.clear()  # everything is compared
            since.clear()
            stream.failures = []
            shards.start_at_end()
            saved = None
    stream.failures = []
    for _ in range(20):
        take(read(shards))
    shards.close()
    assert due == set()
