"""Across: what each way writes, what it leaves alone, and what it refuses, in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tattoo_data.errors import SourceEmpty, StoreMissing
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.runs.session import WriteOptions
from tattoo_data.stores.base import Outcome, Page
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.sync.across import ToIndex
from tests.runs import Killed
from tests.sync.stand import INDEX, TABLE, Sharded, Stand, failed, key_of

LONG = "12345678901234567890.123456789012345678"
DRY = WriteOptions(dry_run=True)


def counts(change: Any, store: Any) -> tuple[int, int, int, int]:
    """Created, replaced, deleted, failed."""
    each = change.counts[store]
    return each.created, each.replaced, each.deleted, each.failed


# From the table to the index.


def test_the_index_gets_what_the_table_gives_and_nothing_else_goes(stand: Stand) -> None:
    stand.both("same", bio="x")
    stand.item("new", bio="x")
    stand.item("changed", bio="new")
    stand.document("changed", bio="old")
    stand.document("gone")
    foreign = stand.raw("ARTIST#same", {"PK": "ARTIST#same", "artistId": "same"})
    random = stand.raw("Xk3", {"artistId": "same"})
    audit = stand.raw("plain", {"text": "no id at all"})
    done = stand.to_index()
    assert counts(done.change, INDEX) == (1, 1, 1, 0)
    assert done.change.failures == ()
    assert stand.disagree() == set()
    assert all(stand.state()[INDEX][each.key] == each.body for each in (foreign, random, audit))
    others = {each.key: each.writer for each in done.others}
    assert others.keys() == {"ARTIST#same", "Xk3", "plain"}
    assert "stream function" in others["ARTIST#same"]
    again = stand.to_index()
    assert (again.change.run, again.change.counts[INDEX].unchanged) == (None, 3)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"artistId": "a", "bio": "x", "rating": 2},
        {"artistId": "a", "bio": "y"},
        {"artistId": "a", "bio": "x", "location": {"lat": 1, "lon": 1}},
        {"artistId": "a", "bio": "x", "PK": "ARTIST#a"},
        {"bio": "x"},
        {"artistId": "b", "bio": "x"},
        {},
    ],
)
def test_a_tampered_document_is_repaired(stand: Stand, spoilt: object) -> None:
    stand.both("a", bio="x")
    right = stand.state()
    stand.raw("a", spoilt)
    done = stand.to_index()
    assert (stand.state(), done.others.count) == (right, 0)


def test_a_document_of_a_deleted_artist_goes(stand: Stand) -> None:
    stand.both("a")
    stand.both("b")
    stand.lose("a", TABLE)
    assert stand.to_index().change.removed == {"documents": 1}
    assert stand.state()[INDEX].keys() == {"b"}


def test_the_applications_own_form_counts(stand: Stand) -> None:
    stand.item("a", "PROFILE", bio="old")
    stand.item("a", bio="own")
    stand.item("b", "PROFILE", bio="only")
    stand.to_index()
    assert (stand.fields("a")["bio"], stand.fields("b")["bio"]) == ("own", "only")
    assert stand.to_index().change.run is None


def test_an_item_that_gives_no_document_is_named_and_the_rest_is_done(stand: Stand) -> None:
    long = "x" * 513
    stand.item("good", bio="x")
    stand.item(long, bio="x")
    stand.item("x" * 512, bio="x")
    done = stand.to_index()
    assert failed(done) == {("index", long, "CannotBeProjected")}
    assert stand.state()[INDEX].keys() == {"good", "x" * 512}


def test_the_document_of_an_item_that_cannot_be_read_stays(stand: Stand) -> None:
    broken = Entry(key_of("bad"), b'{"PK":{"S":"ARTIST#bad"},"SK":{"S":"METADATA"},"bio":{"X":"?"}}')
    derive = ToIndex(stand.env.stores)
    (store, bad), (_, good) = derive.wanted(TABLE, [broken, stand.item("good", bio="x")])
    assert isinstance(bad, Outcome)
    assert (store, bad.key, bad.error) == (INDEX, "bad", "CannotBeProjected")
    assert isinstance(good, Entry)
    stand.table.put([broken])
    assert {key: type(made) for key, made in derive.again(INDEX, {"bad": None, "good": None}).items()} == {
        "bad": Outcome,
        "good": Entry,
    }


# From the index to the table.


def _projection(stand: Stand, artist: str, sort_key: str) -> str:
    """The document of an item, with its long number as a text."""
    stand.to_index()
    return stand.state()[INDEX][artist].decode().replace(LONG, f'"{LONG}"')


def test_the_table_gets_just_what_differs_in_its_own_types(stand: Stand) -> None:
    kept = {"secret": {"B": "AAE="}, "styles": {"SS": ["b", "a"]}, "big": {"N": LONG}, "tags": {"L": [{"SS": ["q"]}]}}
    stand.item("a", "PROFILE", **kept, bio="old", gone="x", location="of its own")
    document = {**json.loads(_projection(stand, "a", "PROFILE")), "bio": "new", "rating": 3}
    del document["gone"]
    document["styles"] = ["c", "a"]
    text = json.dumps(document).replace('"' + LONG + '"', LONG)
    stand.documents.put([Entry("a", text.encode())])
    stand.document("b", bio="only here")
    done = stand.to_table()
    assert done.change.failures == ()
    attributes = stand.attributes("a", "PROFILE")
    assert {name: attributes[name] for name in ("secret", "big", "tags", "location")} == {
        "secret": {"B": "AAE="},
        "big": {"N": LONG},
        "tags": {"L": [{"SS": ["q"]}]},
        "location": {"S": "of its own"},
    }
    assert attributes["styles"] == {"SS": ["a", "c"]}
    assert (attributes["bio"], attributes["rating"], "gone" in attributes) == ({"S": "new"}, {"N": "3"}, False)
    assert stand.attributes("b")["bio"] == {"S": "only here"}
    assert stand.disagree() == set()
    assert stand.to_table().change.run is None


def test_nothing_goes_unless_it_is_asked_for(stand: Stand) -> None:
    stand.both("a")
    stand.item("b")
    stand.item("b", "PROFILE")
    stand.item("a", "PROFILE")
    stand.table.put([Entry(key, body) for key, body in (_other("STUDIO#s"), _other("AUDIT#1"))])
    assert stand.to_table().change.run is None
    assert stand.to_table(delete=True).change.removed == {"artists": 2}
    there = {key_of("a"), key_of("a", "PROFILE"), _other("STUDIO#s")[0], _other("AUDIT#1")[0]}
    assert stand.items().keys() == there


def _other(pk: str) -> tuple[str, bytes]:
    key = f'{{"PK":{{"S":"{pk}"}},"SK":{{"S":"METADATA"}}}}'
    return key, key.encode()


def test_a_document_of_another_form_is_written_too(stand: Stand) -> None:
    stand.both("a", bio="x")
    stand.raw("a", {"artistId": "a", "bio": "x", "PK": "ARTIST#a", "location": {"lat": 1, "lon": 2}}, routing="r")
    done = stand.to_table()
    assert (counts(done.change, TABLE), counts(done.change, INDEX)) == ((0, 0, 0, 0), (0, 1, 0, 0))
    assert stand.fields("a") == {"artistId": "a", "bio": "x"}
    assert [each.routing for each in stand.documents.get(["a"], {"a": "r"})] == ["r"]


@pytest.mark.parametrize(
    ("key", "body", "named"),
    [
        ("bad", '{"bio":"x"}', ("index", "bad")),
        ("a", '{"bio":"x"}', ("table", key_of("a"))),
        ("a", '{"artistId":"b"}', ("table", key_of("a"))),
        ("a", f'{{"artistId":"a","n":1{"0" * 40}1}}', ("table", key_of("a"))),
        ("new", f'{{"artistId":"new","n":1{"0" * 40}1}}', ("table", key_of("new"))),
    ],
)
def test_what_no_item_can_give_is_named_and_the_rest_is_done(
    stand: Stand, key: str, body: str, named: tuple[str, str]
) -> None:
    stand.both("a", bio="x")
    stand.both("good", bio="old")
    stand.document("good", bio="new")
    stand.documents.put([Entry(key, body.encode())])
    done = stand.to_table(delete=True)
    assert failed(done) == {(*named, "CannotBeProjected")}
    assert stand.attributes("good")["bio"] == {"S": "new"}
    assert stand.attributes("a")["bio"] == {"S": "x"}
    assert stand.state()[INDEX][key] == body.encode()


def test_documents_of_other_shapes_make_no_items(stand: Stand) -> None:
    stand.both("a")
    stand.raw("ARTIST#a", {"artistId": "a"})
    stand.raw("AUDIT#1", {"text": "x"})
    done = stand.to_table(delete=True)
    assert (done.change.run, done.change.failures) == (None, ())
    assert {each.key for each in done.others} == {"ARTIST#a", "AUDIT#1"}


# Both ways.


@pytest.mark.parametrize("way", ["to_index", "to_table"])
def test_a_source_that_is_missing_or_empty_is_refused(stand: Stand, way: str) -> None:
    sync, source = getattr(stand, way), stand.table if way == "to_index" else stand.documents
    stand.both("a")
    stand.lose("a", TABLE if way == "to_index" else INDEX)
    stand.raw("AUDIT#1", {"text": "x"})
    stand.table.put([Entry(*_other("STUDIO#s"))])
    before = stand.state()
    for write in (DRY, WriteOptions()):
        with pytest.raises(SourceEmpty) as refused:
            sync(write=write)
        assert refused.value.exit_code == 13
    assert stand.state() == before
    sync(allow_empty=True, **({"delete": True} if way == "to_table" else {}))
    assert stand.state()[TABLE].keys() == {_other("STUDIO#s")[0]}
    assert stand.state()[INDEX].keys() == {"AUDIT#1"}
    source._entries = None
    with pytest.raises(StoreMissing):
        sync(allow_empty=True)


class Opened(Sharded):
    """An index that keeps count of the scans that are not over."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.scans = 0

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        page = super().page(segment, segments, cursor)
        self.scans += (cursor is None) - (page.next is None)
        return replace(page, end=self.end)

    def end(self) -> None:
        self.scans -= 1


def test_no_scan_stays_open_in_the_index(stand: Stand) -> None:
    stand.documents = Opened(INDEX)
    stand.documents.ensure()
    stand.env = replace(stand.env, stores=replace(stand.env.stores, index=stand.documents))
    for number in range(30):
        stand.both(f"artist-{number}", bio="x")
    stand.to_table()
    assert stand.documents.scans == 0


@pytest.mark.parametrize("way", ["to_index", "to_table"])
def test_the_other_side_is_made_where_it_is_missing(stand: Stand, way: str) -> None:
    stand.both("a", bio="x")
    other: MemoryStore = stand.documents if way == "to_index" else stand.table
    other._entries = None
    getattr(stand, way)()
    assert stand.disagree() == set()
    assert stand.attributes("a")["bio"] == {"S": "x"}


@pytest.mark.parametrize("way", ["to_index", "to_table"])
def test_a_plan_is_what_is_done_then_and_undo_takes_it_back(stand: Stand, way: str) -> None:
    sync = getattr(stand, way)
    stand.item("a", bio="x")
    stand.document("b", bio="y")
    before = stand.state()
    plan = sync(write=DRY).change
    assert stand.state() == before
    done = sync().change
    assert done.counts == plan.counts
    assert stand.desk.newest().command == "sync"
    assert stand.desk.undo().change.failures == ()
    assert stand.state() == before


@pytest.mark.parametrize("way", ["to_index", "to_table"])
def test_killed_in_the_middle_the_same_again_ends_it(stand: Stand, way: str) -> None:
    for number in range(60):
        stand.item(f"t{number}", bio="x")
        stand.document(f"i{number}", bio="y")
    dies: Any = stand.documents if way == "to_index" else stand.table

    def die() -> None:
        dies.at_write.clear()
        raise Killed

    dies.at_write.append(die)
    with pytest.raises(Killed):
        getattr(stand, way)()
    stand.desk.machine.passes(61)
    getattr(stand, way)(**({"delete": True} if way == "to_table" else {}))
    assert stand.disagree() == set()


# Somebody else writes meanwhile.


def test_an_item_that_changes_meanwhile_is_found_by_the_next(stand: Stand) -> None:
    stand.both("a", bio="1")
    stand.item("a", bio="2")
    stand.documents.at_write.append(lambda: stand.document("a", bio="somebody's"))
    done = stand.to_index()
    assert (stand.fields("a")["bio"], done.change.failures) == ("2", ())
    assert done.change.drifted == {INDEX: ("a",)}


def test_the_document_of_an_item_that_went_meanwhile_goes(stand: Stand) -> None:
    stand.both("a", bio="1")
    stand.both("b", bio="1")
    stand.item("a", bio="2")

    def delete() -> None:
        stand.lose("a", TABLE)
        stand.document("a", bio="touched")

    stand.documents.at_write.append(delete)
    stand.to_index()
    assert stand.fields("a") is None
    assert stand.disagree() == set()


def test_what_is_written_into_a_document_meanwhile_is_taken_or_stays(stand: Stand) -> None:
    stand.both("a", bio="1")
    stand.document("a", bio="2")
    stand.raw("a", {"artistId": "a", "bio": "2", "PK": "x"})

    def write() -> None:
        stand.raw("a", {"artistId": "a", "bio": "3", "PK": "x"})
        stand.item("a", bio="between")

    stand.table.at_write.append(write)
    done = stand.to_table()
    assert done.change.failures == ()
    assert stand.fields("a") == {"artistId": "a", "bio": "3"}
    stand.to_table()
    assert stand.attributes("a")["bio"] == {"S": "3"}


def test_an_item_whose_document_has_a_routing_does_not_go(stand: Stand) -> None:
    stand.item("a", bio="1")
    stand.raw("a", {"artistId": "a", "bio": "2"}, routing="r")
    stand.table.at_write.append(lambda: stand.item("a", bio="between"))
    assert stand.to_table(delete=True).change.failures == ()
    assert stand.attributes("a")["bio"] == {"S": "2"}


def test_half_a_character_of_a_document_is_left_and_named(stand: Stand) -> None:
    stand.both("a", bio="x")
    stand.document("a", bio="cut \U0010d83d")
    stand.document("new", bio="\U0010d83d")
    stand.document("good", bio="y", syncHash="abc", lastSynced="2026-01-01")
    done = stand.to_table()
    assert {key for _, key, _ in failed(done)} == {key_of("a"), key_of("new")}
    assert all("half a character" in each.message for each in done.change.failures)
    assert (stand.attributes("a")["bio"], stand.attributes("new")) == ({"S": "x"}, None)
    assert stand.attributes("good").keys().isdisjoint({"syncHash", "lastSynced"})
    assert stand.fields("good") == {"artistId": "good", "bio": "y"}
