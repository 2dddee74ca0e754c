"""Follow: what it makes of the stream, of other commands, and of services that go and come, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from tattoo_data.engine.flow import StillAtWork
from tattoo_data.errors import SourceEmpty, StoreMissing, StoreUnreachable, StreamMissing
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.repository.locks import Lock
from tattoo_data.stores.base import Outcome
from tattoo_data.sync.follow import Applied, Begun, Compared, Event, FollowOptions, Trouble, Waiting, follow
from tests.sync.stand import INDEX, TABLE, Stand, key_of
from tests.sync.streaming import MemoryStream

Act = Callable[[], object]
DOWN = StoreUnreachable(service="opensearch", endpoint="memory", reason="refused", variable="OPENSEARCH_ENDPOINT")


class Script:
    """Does one act at each pause, and says to stop when there is none left."""

    def __init__(self, stand: Stand, *acts: Act) -> None:
        self._stand = stand
        self._acts = list(acts)

    def is_set(self) -> bool:
        return not self._acts

    def wait(self, timeout: float) -> bool:
        self._stand.desk.machine.passes(timeout)
        if self._acts:
            self._acts.pop(0)()
        return self.is_set()


class Scene:
    """A target in memory with a stream, that is followed while acts go on."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.stream = MemoryStream()
        self.env = replace(stand.env, open_stream=lambda: cast(Any, self.stream))

    def write(self, artist: str, **attributes: Any) -> None:
        """The application writes an artist, or deletes it."""
        if attributes:
            self.stand.item(artist, **attributes)
        else:
            self.stand.lose(artist, TABLE)
        self.stream.write(key_of(artist))

    def follow(self, *acts: Act, **options: bool) -> list[Event]:
        """Everything that happens while these acts go on, one at each pause; a few more pauses follow."""
        script = Script(self.stand, *acts, *(nothing,) * 5)
        return list(follow(self.env, FollowOptions(**options), script))


def nothing() -> None:
    """A pause in which nothing goes on."""


@pytest.fixture
def scene(stand: Stand) -> Scene:
    stand.both("a", bio="x")
    stand.both("b", bio="x")
    return Scene(stand)


def another(scene: Scene) -> Lock:
    """The lock of another command on the same target."""
    return Lock(scene.env.repository, scene.env.target.id, scene.env.clock, "reset fresh")


def kinds(events: list[Event]) -> list[str]:
    """What happened, in short."""
    return [type(event).__name__ for event in events]


def reasons(events: list[Event]) -> list[str]:
    """Why everything was compared."""
    return [event.reason for event in events if isinstance(event, Compared)]


def test_the_first_time_everything_is_compared(scene: Scene) -> None:
    scene.stand.item("c", bio="x")
    scene.stand.document("gone")
    scene.stand.raw("ARTIST#a", {"artistId": "a"})
    events = scene.follow()
    assert kinds(events) == ["Begun", "Compared"]
    assert isinstance(events[0], Begun) and not events[0].resumed
    assert isinstance(events[1], Compared)
    assert (events[1].done.written, events[1].done.deleted, events[1].done.artists) == (1, 1, 4)
    assert scene.stand.disagree() == set()
    assert scene.stand.fields("ARTIST#a") is not None
    assert scene.stand.desk.runs() == []
    assert scene.stream.closes == 1


def test_what_is_written_arrives_and_what_is_deleted_goes(scene: Scene) -> None:
    def write() -> None:
        scene.write("new", bio="1")
        scene.write("new", bio="2")
        scene.write("a", bio="y")
        scene.write("b")
        scene.stream.write(item_key("STUDIO#s", "METADATA"))

    events = scene.follow(write)
    assert kinds(events) == ["Begun", "Compared", "Applied"]
    assert isinstance(events[2], Applied)
    assert events[2].records == 5
    assert (events[2].done.artists, events[2].done.written, events[2].done.deleted) == (3, 2, 1)
    assert scene.stand.fields("new") == {"artistId": "new", "bio": "2"}
    assert scene.stand.fields("b") is None
    assert scene.stand.disagree() == set()


def test_it_goes_on_where_it_was(scene: Scene) -> None:
    scene.follow(lambda: scene.write("a", bio="1"))
    scene.write("a", bio="2")
    scene.write("b")
    events = scene.follow()
    assert kinds(events) == ["Begun", "Applied"]
    assert isinstance(events[0], Begun) and events[0].resumed
    assert scene.stand.disagree() == set()
    assert kinds(scene.follow()) == ["Begun"]


def test_a_place_is_kept_only_once_the_index_has_taken_the_write(scene: Scene) -> None:
    scene.follow(lambda: scene.write("a", bio="1"))
    kept = checkpoint(scene)

    class Killed(BaseException):
        pass

    def kill(entries: Any) -> list[Outcome]:
        raise Killed

    scene.write("a", bio="2")
    put, scene.stand.documents.put = scene.stand.documents.put, kill  # type: ignore[method-assign]
    with pytest.raises(Killed):
        scene.follow()
    assert checkpoint(scene) == kept
    scene.stand.documents.put = put  # type: ignore[method-assign]
    assert kinds(scene.follow()) == ["Begun", "Applied"]
    assert scene.stand.disagree() == set()


def test_after_a_command_of_ours_everything_is_compared_once(scene: Scene) -> None:
    def clear_the_index() -> None:
        scene.stand.desk.machine.passes(10)
        scene.stand.lose("a", INDEX)
        scene.stand.to_index()
        scene.stand.lose("a", INDEX)  # what a command left behind that the stream does not tell

    def look() -> None:
        scene.stand.desk.machine.passes(10)

    events = scene.follow(nothing, clear_the_index, look, look)
    assert reasons(events) == ["this stream was not followed before", "a command wrote meanwhile"]
    assert scene.stand.disagree() == set()
    scene.stand.lose("b", INDEX)
    scene.stand.to_index()
    assert reasons(scene.follow()) == ["a command wrote meanwhile"]


def test_it_waits_for_the_lock_and_says_for_whom(scene: Scene) -> None:
    other = another(scene)

    def begin() -> None:
        other.take()
        scene.write("a", bio="1")

    events = scene.follow(begin, nothing, nothing, other.release)
    assert kinds(events) == ["Begun", "Compared", "Waiting", "Applied"]
    assert isinstance(events[2], Waiting)
    assert "reset fresh" in events[2].holder
    assert scene.stand.disagree() == set()


@pytest.mark.parametrize("error", [KeyboardInterrupt, StillAtWork])
def test_an_interruption_leaves_the_lock_only_while_something_may_still_write(
    scene: Scene, error: type[KeyboardInterrupt]
) -> None:
    def interrupt() -> None:
        raise error

    scene.stand.table.at_get.append(interrupt)
    with pytest.raises(error):
        scene.follow(lambda: scene.write("a", bio="y"))
    assert len(scene.stand.desk.shelf.keys("locks/")) == (error is StillAtWork)


def test_stopped_while_it_waits_it_has_written_nothing(scene: Scene) -> None:
    scene.follow(lambda: scene.write("a", bio="0"))
    scene.write("a", bio="1")
    with another(scene):
        assert kinds(scene.follow()) == ["Begun", "Waiting"]
    assert scene.stand.disagree() == {"a"}


def test_an_index_that_goes_and_comes_back_is_waited_for(scene: Scene) -> None:
    failing = True
    put = scene.stand.documents.put

    def sometimes(entries: Any) -> list[Outcome]:
        if failing:
            raise DOWN
        return put(entries)

    def come_back() -> None:
        nonlocal failing
        failing = False

    scene.stand.documents.put = sometimes  # type: ignore[method-assign]
    events = scene.follow(lambda: scene.write("a", bio="1"), nothing, nothing, come_back)
    assert kinds(events)[:3] == ["Begun", "Compared", "Trouble"]
    assert kinds(events)[-1] == "Applied"
    assert any(isinstance(event, Trouble) and "refused" in event.message for event in events)
    assert scene.stand.disagree() == set()


def test_what_the_index_did_not_take_for_load_is_sent_again(scene: Scene) -> None:
    put, refusals = scene.stand.documents.put, 2

    def busy(entries: Any) -> list[Outcome]:
        nonlocal refusals
        if refusals:
            refusals -= 1
            return [Outcome(each.key, "429", "busy", transient=True) for each in entries]
        return put(entries)

    scene.stand.documents.put = busy  # type: ignore[method-assign]
    events = scene.follow(lambda: scene.write("a", bio="1"))
    assert kinds(events) == ["Begun", "Compared", "Trouble", "Trouble", "Applied"]
    assert scene.stand.disagree() == set()


def test_a_refused_document_and_an_item_without_one_are_named_and_the_rest_is_done(scene: Scene) -> None:
    put = scene.stand.documents.put

    def refuse(entries: Any) -> list[Outcome]:
        taken = put([each for each in entries if each.key != "a"])
        return [*taken, *(Outcome(each.key, "mapper_parsing", "no") for each in entries if each.key == "a")]

    long = "x" * 600

    def write() -> None:
        scene.write("a", bio="1")
        scene.write("b", bio="1")
        scene.write(long, bio="1")

    scene.stand.documents.put = refuse  # type: ignore[method-assign]
    events = scene.follow(write)
    (applied,) = [event for event in events if isinstance(event, Applied)]
    assert {each.key for each in applied.done.failures} == {"a", long}
    assert applied.done.written == 1
    assert scene.stand.fields("b") == {"artistId": "b", "bio": "1"}
    assert kinds(scene.follow()) == ["Begun"]


def test_a_document_of_another_program_under_an_artist_s_id_stays_when_the_item_goes(scene: Scene) -> None:
    def write() -> None:
        scene.stand.raw("b", {"artistId": "other"})
        scene.write("b")

    scene.follow(write)
    assert scene.stand.fields("b") == {"artistId": "other"}


def test_records_that_are_gone_and_a_long_sleep_mean_that_everything_is_compared(scene: Scene) -> None:
    scene.follow(lambda: scene.write("a", bio="1"))
    scene.write("a", bio="2")
    scene.stream.trim()
    assert kinds(scene.follow(lambda: scene.write("b", bio="1"))) == ["Begun", "Compared", "Applied"]
    scene.stand.desk.machine.passes(timedelta(hours=21).total_seconds())
    assert kinds(scene.follow(lambda: scene.write("b", bio="2"))) == ["Begun", "Compared", "Applied"]
    day = timedelta(hours=30).total_seconds()
    events = scene.follow(nothing, lambda: scene.stand.desk.machine.passes(day), nothing)
    assert kinds(events) == ["Begun", "Compared"]
    assert scene.stand.disagree() == set()


def test_shards_that_split_are_followed(scene: Scene) -> None:
    def write() -> None:
        scene.write("a", bio="1")
        scene.stream.split()
        scene.write("a", bio="2")
        scene.write("b", bio="2")
        scene.write("c", bio="2")

    events = scene.follow(write)
    assert kinds(events)[:2] == ["Begun", "Compared"]
    assert set(kinds(events)[2:]) == {"Applied"}
    assert scene.stand.disagree() == set()


def test_a_table_that_was_made_anew_has_another_stream(scene: Scene) -> None:
    def renew() -> None:
        scene.stream.arn = (
            "arn:aws:dynamodb:eu-west-2:000000000000:table/tattoo-directory/stream/2026-11-29T00:00:00.000"
        )
        scene.stream.parts["shard-0"].records.clear()
        scene.stand.item("a", bio="1")
        scene.stream.failures = [DOWN]

    events = scene.follow(renew)
    assert kinds(events) == ["Begun", "Compared", "Trouble", "Compared"]
    assert reasons(events)[1] == "the table has another stream"
    assert scene.stand.disagree() == set()


def renewed(scene: Scene) -> None:
    """The table is made anew by somebody else, and the old stream goes on to answer."""
    scene.stream.make_anew()
    scene.stand.item("a", bio="anew")
    scene.stand.desk.machine.passes(10)


def test_a_table_that_was_made_anew_is_noticed_although_nothing_fails(scene: Scene) -> None:
    events = scene.follow(nothing, lambda: renewed(scene), nothing, lambda: scene.write("b", bio="later"))
    assert kinds(events) == ["Begun", "Compared", "Compared", "Applied"]
    assert reasons(events)[1] == "the table has another stream"
    assert scene.stand.disagree() == set()
    assert kinds(scene.follow()) == ["Begun"]


def test_a_command_that_made_the_table_anew_is_followed_from_the_new_stream_on(scene: Scene) -> None:
    def reset() -> None:
        scene.stand.lose("b", INDEX)
        scene.stand.to_index()
        scene.stream.write(key_of("a"))  # what is still read of the old one
        scene.stream.make_anew()

    events = scene.follow(nothing, reset, nothing, lambda: scene.write("b", bio="later"))
    assert reasons(events) == ["this stream was not followed before", "a command wrote meanwhile"]
    assert kinds(events)[-1] == "Applied"
    assert scene.stand.disagree() == set()


def test_a_table_that_is_gone_is_said_until_it_is_there_again(scene: Scene) -> None:
    arn, describe = scene.stream.arn, scene.stand.table.describe

    def remove() -> None:
        scene.stream.arn = None
        scene.stand.table.describe = lambda: None  # type: ignore[method-assign]
        scene.stand.desk.machine.passes(10)

    def come_back() -> None:
        scene.stream.arn = arn
        scene.stand.table.describe = describe  # type: ignore[method-assign]
        renewed(scene)

    events = scene.follow(nothing, remove, nothing, nothing, come_back, nothing)
    assert kinds(events) == ["Begun", "Compared", "Trouble", "Trouble", "Trouble", "Compared"]
    assert isinstance(events[2], Trouble) and "does not exist" in events[2].message
    assert scene.stand.disagree() == set()


def test_an_index_that_was_deleted_meanwhile_is_made_by_comparing_and_not_by_writing(scene: Scene) -> None:
    put, described = scene.stand.documents.put, []

    def guess(entries: Any) -> list[Outcome]:
        described.append(scene.stand.documents.describe())
        scene.stand.documents.ensure()  # as the engine does
        return put(entries)

    def delete() -> None:
        scene.stand.documents._entries = None
        scene.write("a", bio="1")

    scene.stand.documents.put = guess  # type: ignore[method-assign]
    events = scene.follow(nothing, delete, nothing, lambda: scene.write("b", bio="2"))
    assert kinds(events) == ["Begun", "Compared", "Compared", "Applied"]
    assert reasons(events)[1] == "there is no index"
    assert None not in described
    assert scene.stand.disagree() == set()


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"format": 2}', b'{"format": 1, "stream": 3}', b""])
def test_a_checkpoint_that_cannot_be_read_is_none(scene: Scene, damage: bytes) -> None:
    scene.follow(lambda: scene.write("a", bio="1"))
    (key,) = scene.stand.desk.shelf.keys("sync/")
    scene.stand.desk.shelf.put(key, Blob(damage, "application/json"))
    assert reasons(scene.follow()) == ["this stream was not followed before"]


def test_once_ends_when_nothing_new_comes(scene: Scene) -> None:
    scene.follow(lambda: scene.write("a", bio="1"))
    scene.write("b", bio="1")
    events = list(follow(scene.env, FollowOptions(once=True), Script(scene.stand, *(nothing,) * 1_000)))
    assert kinds(events) == ["Begun", "Applied"]
    assert scene.stand.disagree() == set()


def test_what_cannot_be_followed_is_refused(scene: Scene, stand: Stand) -> None:
    for artist in ("a", "b"):
        stand.lose(artist, TABLE)
    with pytest.raises(SourceEmpty):
        scene.follow()
    assert stand.fields("a") is not None
    assert kinds(scene.follow(allow_empty=True)) == ["Begun", "Compared"]
    assert stand.fields("a") is None
    scene.stream.arn = None
    with pytest.raises(StreamMissing):
        scene.follow()
    stand.table.describe = lambda: None  # type: ignore[method-assign]
    with pytest.raises(StoreMissing):
        scene.follow()
    scene.stream.failures = [DOWN]
    with pytest.raises(StoreUnreachable):
        scene.follow()


def checkpoint(scene: Scene) -> Any:
    """What is kept of how far it is, but for the time."""
    (key,) = scene.stand.desk.shelf.keys("sync/")
    return {**json.loads(scene.stand.desk.shelf.held[key][0].body), "at": None}


def test_the_lock_and_no_run_is_all_that_others_see(scene: Scene) -> None:
    scene.follow(lambda: scene.write("a", bio="1"))
    assert scene.stand.desk.runs() == []
    assert scene.stand.desk.shelf.keys("locks/") == []
    assert set(scene.stand.state()) == set(StoreName)
