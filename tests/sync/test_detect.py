"""Detect: what is found with and without a sync point, and that nothing is found where the stores agree, in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tattoo_data.errors import IntegrityFailed, StoreMissing
from tattoo_data.model.entry import Entry
from tattoo_data.repository.manifests import PREFIX
from tattoo_data.sync.detect import Found
from tattoo_data.sync.look import Look
from tests.sync.stand import INDEX, TABLE, Stand, key_of


def found(stand: Stand) -> dict[str, Found]:
    """What is found, by artist."""
    return {each.id: each for each in stand.detect().conflicts}


def test_stores_that_agree_have_no_conflict_whatever_was_before(stand: Stand) -> None:
    empty = stand.detect()
    assert (empty.checked, empty.errors, empty.point) == (0, 0, None)
    stand.both("a", bio="1")
    stand.both("gone", bio="1")
    point = stand.point()
    stand.both("a", bio="2")
    stand.both("new", bio="3")
    stand.lose("gone", TABLE, INDEX)
    stand.item("b", "PROFILE", n={"N": "1.50"})
    stand.documents.put([Entry("b", b'{ "n":15e-1, "artistId":"b" }')])
    done = stand.detect()
    assert (done.point, done.checked, done.errors) == (point, 3, 0)


def test_every_conflict_of_two_sides(stand: Stand) -> None:
    stand.item("t")
    stand.document("i")
    stand.item("d", bio="1", x="same")
    stand.document("d", bio="2", x="same", more=[1])
    stand.both("f")
    stand.raw("f", {"artistId": "f", "PK": "x"})
    stand.both("no-id", bio="x")
    stand.raw("no-id", {"bio": "x"})
    there = found(stand)
    assert {key: each.kind for key, each in there.items()} == {
        "t": "only-in-table",
        "i": "only-in-index",
        "d": "differs",
        "f": "document-form",
        "no-id": "differs",
    }
    assert [(each.name, dict(each.values), each.words) for each in there["d"].fields] == [
        ("bio", {"table": b'"1"', "index": b'"2"'}, "nobody knows which side changed it"),
        ("more", {"index": b"[1]"}, "nobody knows which side changed it"),
    ]
    assert [each.name for each in there["no-id"].fields] == ["artistId"]
    assert stand.detect().errors == 6


def test_every_conflict_of_three_sides(stand: Stand) -> None:
    for artist in ("t", "i", "a", "b", "dt", "di", "dtc", "dic"):
        stand.both(artist, bio="0", avatar="0")
    stand.point("older")
    stand.both("t", bio="1", avatar="0")
    newest = stand.point()
    stand.item("t", bio="2", avatar="0")
    stand.document("i", bio="1", avatar="0")
    stand.item("a", bio="1", avatar="0")
    stand.document("a", bio="0", avatar="1")
    stand.item("b", bio="1", avatar="0")
    stand.document("b", bio="2", avatar="0")
    stand.lose("dt", TABLE)
    stand.lose("di", INDEX)
    stand.lose("dtc", TABLE)
    stand.document("dtc", bio="1", avatar="0")
    stand.lose("dic", INDEX)
    stand.item("dic", bio="1", avatar="0")
    stand.item("ct")
    stand.document("ci")
    stand.item("cb", bio="1")
    stand.document("cb", bio="2")
    done = stand.detect()
    assert done.point == newest
    assert {each.id: each.kind for each in done.conflicts} == {
        "t": "changed-in-table",
        "i": "changed-in-index",
        "a": "changed-apart",
        "b": "changed-in-both",
        "dt": "deleted-in-table",
        "di": "deleted-in-index",
        "dtc": "deleted-in-table-changed-in-index",
        "dic": "deleted-in-index-changed-in-table",
        "ct": "created-in-table",
        "ci": "created-in-index",
        "cb": "created-in-both",
    }
    assert sum(done.kinds.values()) == 11
    (field,) = found(stand)["t"].fields
    assert dict(field.values) == {"table": b'"2"', "index": b'"1"', "base": b'"1"'}


def test_a_point_of_two_that_disagreed_decides_nothing(stand: Stand) -> None:
    stand.item("a", bio="1")
    stand.document("a", bio="2")
    stand.item("t")
    stand.point()
    assert stand.kinds() == {"a": "changed-in-both", "t": "only-in-table"}


def test_documents_of_other_shapes_are_named_with_their_writer(stand: Stand) -> None:
    stand.both("a")
    stand.raw("ARTIST#a", {"artistId": "a", "PK": "ARTIST#a"})
    stand.raw("Xk3", {"artistId": "a"})
    stand.raw("AUDIT#1", {"text": "x"})
    stand.raw("plain", {"text": "x"})
    done = stand.detect()
    others = {each.key: each.writer for each in done.others}
    assert others.keys() == {"ARTIST#a", "Xk3", "AUDIT#1"}
    assert "stream function" in others["ARTIST#a"]
    assert "another program" in others["Xk3"]
    assert [(each.store, each.key) for each in done.unread] == [("index", "plain")]
    assert (done.conflicts.count, done.errors, done.checked) == (0, 1, 1)
    stand.point()
    assert [each.key for each in stand.detect().unread] == ["plain"]


def test_a_document_that_lost_its_id_is_still_the_artists_that_the_point_knows(stand: Stand) -> None:
    stand.both("a", bio="x")
    stand.point()
    stand.lose("a", TABLE)
    stand.raw("a", {"bio": "x"})
    assert stand.kinds() == {"a": "deleted-in-table-changed-in-index"}


def test_what_cannot_be_read_is_named_and_no_conflict(stand: Stand) -> None:
    stand.both("good", bio="x")
    stand.document("bad")
    stand.document("good", bio="y")
    look = Look(stand.env)
    broken = Entry(key_of("bad"), b'{"PK":{"S":"ARTIST#bad"},"SK":{"S":"METADATA"},"bio":{"X":"?"}}')
    stand.table.put([broken])
    look.take(TABLE, [broken, *stand.table.get([key_of("good")])])
    look.take(INDEX, stand.documents.get(["bad", "good"]))
    assert [each.id for each in look.conflicts()] == ["good"]
    assert [(each.store, each.key) for each in look.unread] == [("table", key_of("bad"))]


def test_what_was_put_right_while_it_was_read_is_no_conflict(stand: Stand) -> None:
    stand.both("a", bio="x")
    before = stand.item("a", bio="y")
    look = Look(stand.env)
    look.take(TABLE, [before])
    look.take(INDEX, stand.documents.get(["a"]))
    stand.document("a", bio="y")
    assert list(look.conflicts()) == []


def test_many_artists_many_conflicts(stand: Stand) -> None:
    for number in range(700):
        stand.item(f"a{number}", bio="1")
        if number % 3:
            stand.document(f"a{number}", bio=str(number % 3))
    stand.point()
    done = stand.detect()
    differing = {f"a{number}" for number in range(700) if number % 3 != 1}
    assert {each.id for each in done.conflicts} == differing
    assert (done.checked, done.conflicts.count) == (700, len(differing))


def test_nothing_is_written(stand: Stand) -> None:
    stand.item("a")
    stand.document("b")
    before, objects = stand.state(), dict(stand.desk.shelf.held)
    stand.detect()
    assert (stand.state(), stand.desk.shelf.held) == (before, objects)


@pytest.mark.parametrize("store", ["table", "documents"])
def test_a_store_that_is_missing_is_named(stand: Stand, store: str) -> None:
    stand.both("a")
    missing: Any = getattr(stand, store)
    missing._entries = None
    with pytest.raises(StoreMissing):
        stand.detect()


def test_a_damaged_point_is_no_reason_to_take_an_older_one(stand: Stand) -> None:
    stand.both("a")
    stand.point("older")
    stand.both("b")
    stand.point("newer")
    shelf = stand.desk.shelf
    (key,) = [key for key in shelf.keys(PREFIX) if "newer" in key]
    blob, modified = shelf.held[key]
    shelf.held[key] = type(blob)(blob.body.replace(b"newer", b"other"), blob.content_type), modified
    with pytest.raises(IntegrityFailed):
        stand.detect()


def test_the_same_json_in_another_spelling_is_the_same(stand: Stand) -> None:
    stand.item("a", n={"N": "1"}, m={"M": {"b": {"N": "2"}, "a": {"S": "é"}}})
    stand.documents.put([Entry("a", json.dumps({"m": {"a": "é", "b": 2.0}, "n": 1.0, "artistId": "a"}).encode())])
    assert stand.detect().errors == 0
