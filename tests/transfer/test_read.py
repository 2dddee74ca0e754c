"""Reading a source: spooled with its places, duplicates named, promises held, documents derived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tattoo_data.engine.spool import PLACES
from tattoo_data.errors import IntegrityFailed, UsageError
from tattoo_data.formats.source import Found
from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest, store_fingerprint
from tattoo_data.model.keys import item_key
from tattoo_data.model.project import document_of
from tattoo_data.model.structure import INDEX_MAPPING
from tattoo_data.transfer.contents import Contents
from tattoo_data.transfer.read import read_contents
from tests.transfer import FakeSource, canonical, lines

TABLE, INDEX, IMAGES = StoreName


def held(contents: Contents) -> dict[StoreName, dict[str, bytes]]:
    """What is to be written, by key."""
    return {
        name: {each.key: each.body for number in range(PLACES) for each in spool.part(number)}
        for name, spool in contents.wanted.items()
    }


def entries(store: StoreName, numbers: Sequence[int], text: str = "") -> list[Entry]:
    return [canonical(store, number, text) for number in numbers]


def artist(name: str, sort_key: str = "METADATA", **attributes: Any) -> Entry:
    key = item_key(f"ARTIST#{name}", sort_key)
    more = "".join(f',"{each}":{{"S":"{value}"}}' for each, value in attributes.items())
    return Entry(key, canonical_item(f"{key[:-1]}{more}}}".encode()))


def test_every_entry_has_its_digest_and_the_place_where_it_was_found() -> None:
    items = entries(TABLE, range(2_500))
    source = FakeSource(lines(TABLE, items[:2_000], "a.json") + lines(TABLE, items[2_000:], "b.json"), stores=[TABLE])
    contents = read_contents(source, [TABLE])
    assert held(contents) == {TABLE: {entry.key: entry.body for entry in items}}
    spooled = [each for number in range(PLACES) for each in contents.wanted[TABLE].part(number)]
    assert {each.key: each.digest for each in spooled} == {entry.key: digest(TABLE, entry) for entry in items}
    keys = {items[0].key, items[1_999].key, items[2_000].key, "nobody's"}
    found = contents.found_at(TABLE, keys)
    assert {key: (contents.files[each.file], each.number) for key, each in found.items()} == {
        items[0].key: ("a.json", 1),
        items[1_999].key: ("a.json", 2_000),
        items[2_000].key: ("b.json", 1),
    }


def test_what_cannot_be_used_is_named_and_the_rest_is_kept() -> None:
    good = entries(TABLE, range(3))
    source = FakeSource(lines(TABLE, [good[0], "no PK", good[1], "a number", good[2]]), stores=[TABLE])
    contents = read_contents(source, [TABLE])
    assert [(each.file, each.number, each.message, each.key) for each in contents.rejected] == [
        ("data.json", 2, "no PK", None),
        ("data.json", 4, "a number", None),
    ]
    assert contents.duplicates == 0
    assert len(held(contents)[TABLE]) == 3
    with pytest.raises(IntegrityFailed, match=r"data\.json, line 2: no PK; data\.json, line 4: a number"):
        contents.refuse_rejects()


def test_the_first_of_a_key_stands_and_both_places_are_named() -> None:
    ada, zora = entries(TABLE, range(10), "Ada"), entries(TABLE, [3, 7], "Zora")
    document = canonical(INDEX, 3, "Mae")
    found = [*lines(TABLE, ada, "a.json"), *lines(TABLE, [*zora, zora[0]], "b.json"), *lines(INDEX, [document] * 2)]
    contents = read_contents(FakeSource(found))
    assert held(contents) == {TABLE: {each.key: each.body for each in ada}, INDEX: {document.key: document.body}}
    assert [(each.store, each.file, each.number, each.message, each.key) for each in contents.rejected] == [
        (TABLE, "b.json", 1, "a.json, line 4 has the same key, and stands", zora[0].key),
        (TABLE, "b.json", 2, "a.json, line 8 has the same key, and stands", zora[1].key),
        (TABLE, "b.json", 3, "a.json, line 4 has the same key, and stands", zora[0].key),
        (INDEX, "data.json", 2, "data.json, line 1 has the same key, and stands", document.key),
    ]
    assert contents.duplicates == 4
    place = contents.found_at(TABLE, {zora[0].key})[zora[0].key]
    assert (contents.files[place.file], place.number) == ("a.json", 4)


def test_many_bad_records_are_counted_in_the_error() -> None:
    contents = read_contents(FakeSource(lines(TABLE, ["bad"] * 1_234), stores=[TABLE]), [TABLE])
    with pytest.raises(IntegrityFailed, match=r"line 5: bad; and 1,229 more"):
        contents.refuse_rejects()


def test_what_the_files_promise_is_held_against_what_they_hold() -> None:
    items = entries(TABLE, range(5))
    promised = {TABLE: store_fingerprint(TABLE, items), INDEX: "0" * 64}
    read_contents(FakeSource(lines(TABLE, items), fingerprints=promised))
    with pytest.raises(IntegrityFailed, match="fingerprint") as told:
        read_contents(FakeSource(lines(TABLE, items[1:]), fingerprints=promised))
    assert (told.value.exit_code, "Nothing was written" in told.value.hint) == (12, True)
    # A record that cannot be used is rejected, and no reason to refuse the others.
    contents = read_contents(FakeSource(lines(TABLE, [*items[1:], "a number"]), fingerprints=promised))
    assert [each.message for each in contents.rejected] == ["a number"]


def test_how_the_stores_were_made_goes_with_what_is_wanted_of_them() -> None:
    made: dict[StoreName, Any] = {TABLE: {"KeySchema": []}, INDEX: {"mappings": INDEX_MAPPING}}
    found = [*lines(TABLE, entries(TABLE, range(2))), *lines(INDEX, entries(INDEX, range(2)))]
    contents = read_contents(FakeSource(found, structures=made))
    assert contents.desired(prune=False).structures == made and contents.notes == ()
    only = read_contents(FakeSource(found, structures=made), [TABLE])
    assert only.desired(prune=False).structures == {TABLE: made[TABLE]}


def test_a_mapping_that_lacks_ours_is_not_taken_and_that_is_said() -> None:
    found = lines(INDEX, entries(INDEX, range(2)))
    made: dict[StoreName, Any] = {INDEX: {"mappings": {"dynamic": False, "properties": {"artistId": {"type": "text"}}}}}
    (note,) = read_contents(FakeSource(found, stores=[INDEX], structures=made)).notes
    assert note.startswith(
        "The mapping in the files is not taken, because this tool's lacks in it: artistId: type is text"
    )
    table = lines(TABLE, entries(TABLE, range(2)))
    assert read_contents(FakeSource([*table, *found], structures=made), [TABLE]).notes == ()


def test_what_is_missing_is_no_reason_to_remove() -> None:
    contents = read_contents(FakeSource(lines(INDEX, entries(INDEX, range(2))), stores=[INDEX], lacking=["x.split-1"]))
    with pytest.raises(IntegrityFailed, match=r"lacks x\.split-1") as told:
        contents.refuse_lacking()
    assert "Nothing was written" in told.value.hint


def test_an_error_of_the_reader_at_the_end_leaves_nothing() -> None:
    class Cut(FakeSource):
        def read(self) -> Any:
            yield from self.found
            raise IntegrityFailed(what="data.json is cut")

    with pytest.raises(IntegrityFailed, match="is cut"):
        read_contents(Cut(lines(TABLE, entries(TABLE, range(3)))))


@pytest.mark.parametrize(
    ("stores", "only", "kept"),
    [
        ([TABLE, INDEX], [], [TABLE, INDEX]),
        ([TABLE, INDEX], [TABLE], [TABLE]),
        ([TABLE, INDEX], [INDEX], [INDEX]),
        ([INDEX], [], [INDEX]),
        ([TABLE], [], [TABLE, INDEX]),
        ([TABLE], [TABLE], [TABLE]),
        ([TABLE], [INDEX], [INDEX]),
        ([TABLE, INDEX, IMAGES], [], [TABLE, INDEX, IMAGES]),
        ([TABLE, INDEX, IMAGES], [IMAGES], [IMAGES]),
        ([TABLE, IMAGES], [IMAGES, INDEX], [INDEX, IMAGES]),
    ],
)
def test_which_stores_are_written(stores: list[StoreName], only: list[StoreName], kept: list[StoreName]) -> None:
    found = [each for name in stores for each in lines(name, entries(name, range(3)), f"{name}.json")]
    contents = read_contents(FakeSource(found, stores=stores), only)
    assert set(contents.wanted) == set(contents.places) == set(kept)
    assert all(len(each) == 3 for each in held(contents).values())
    assert set(contents.desired(prune=False).stores) == set(kept)


@pytest.mark.parametrize(
    ("stores", "only", "words"),
    [
        ([INDEX], [TABLE], "holds no dynamodb"),
        ([TABLE, INDEX], [IMAGES], "holds no s3"),
        ([INDEX], [TABLE, IMAGES], "holds no dynamodb, s3"),
        ([], [], "holds no dynamodb, opensearch, s3"),
    ],
)
def test_files_that_hold_nothing_of_what_is_wanted(stores: list[StoreName], only: list[StoreName], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_contents(FakeSource([], stores=stores), only)


def test_what_is_not_wanted_is_not_rejected_either() -> None:
    found = [*lines(TABLE, ["bad"]), *lines(INDEX, [canonical(INDEX, 1), "bad", canonical(INDEX, 1)])]
    assert read_contents(FakeSource(found), [TABLE]).rejected[0].store is TABLE
    contents = read_contents(FakeSource(found), [INDEX])
    assert [(each.store, each.number) for each in contents.rejected] == [(INDEX, 2), (INDEX, 3)]


def test_without_an_index_in_the_files_artists_give_its_documents() -> None:
    items = [artist("a", artistName="Ada"), artist("b"), Entry(*_other()), artist("a", "PROFILE", artistName="Old")]
    contents = read_contents(FakeSource(lines(TABLE, items), stores=[TABLE]))
    documents = {each.key: each.body for each in map(document_of, items[:2]) if each}
    assert held(contents) == {TABLE: {each.key: each.body for each in items}, INDEX: documents}
    assert canonical_document(b'{"artistName":"Ada"}') == documents["a"]
    assert any("no index" in note for note in contents.notes)
    place = contents.found_at(INDEX, {"b"})["b"]
    assert (contents.files[place.file], place.number) == ("data.json", 2)


@pytest.mark.parametrize("order", [1, -1])
def test_an_artist_under_both_sort_keys_has_the_document_of_ours(order: int) -> None:
    both = [artist("a", "METADATA", bio="new"), artist("a", "PROFILE", bio="old")][::order]
    contents = read_contents(FakeSource(lines(TABLE, both), stores=[TABLE]))
    assert held(contents)[INDEX] == {"a": b'{"bio":"new"}'}
    only_old = read_contents(FakeSource(lines(TABLE, [artist("a", "PROFILE", bio="old")]), stores=[TABLE]))
    assert held(only_old)[INDEX] == {"a": b'{"bio":"old"}'}


def test_a_duplicate_item_gives_no_document() -> None:
    twice = [artist("a", bio="first"), artist("a", bio="second")]
    contents = read_contents(FakeSource(lines(TABLE, twice), stores=[TABLE]))
    assert held(contents)[INDEX] == {"a": b'{"bio":"first"}'}
    assert contents.duplicates == 1


def test_notes_are_those_at_the_end_and_progress_is_told() -> None:
    class Late(FakeSource):
        def read(self) -> Any:
            yield from self.found
            self.notes = ["12 numbers were doubles"]

    told: list[tuple[str, int, int | None]] = []
    source = Late(lines(INDEX, entries(INDEX, range(1_000))), stores=[INDEX])
    contents = read_contents(source, progress=lambda *each: told.append(each))
    assert contents.notes == ("12 numbers were doubles",)
    assert told == [("read", 1_000, None)]


def _other() -> tuple[str, bytes]:
    key = item_key("AUDIT#1", "2026")
    return key, key.encode()


def test_a_found_record_of_no_store_that_is_there_is_passed_over() -> None:
    found = [Found(IMAGES, "x", 1, canonical(IMAGES, 1)), *lines(TABLE, [canonical(TABLE, 1)])]
    assert set(held(read_contents(FakeSource(found, stores=[TABLE]), [TABLE]))) == {TABLE}
