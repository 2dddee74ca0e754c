"""The index's door: what only OpenSearch does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tattoo_data.engine.swap import swap_index
from tattoo_data.errors import NotOpenSearch, StoreMissing
from tattoo_data.model.canonical import canonical_document
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import Outcome, Target, scan
from tattoo_data.stores.index import IndexStore
from tattoo_data.testing.contract import make_entry
from tests.conftest import GetEngine
from tests.stores.conftest import INDEX_ENGINES, MANY_SHARDS, fresh_name, index


@pytest.fixture(params=INDEX_ENGINES)
def store(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[IndexStore]:
    made = index(get_engine(request.param).url, fresh_name())
    yield made
    made.close()


def document(key: str, **fields: Any) -> Entry:
    return Entry(key, json.dumps({"artistId": key, **fields}).encode())


def fill(store: IndexStore, entries: list[Entry]) -> None:
    assert [outcome.error for outcome in store.put(entries)] == [None] * len(entries)
    store.settle()


def filler(door: IndexStore, entries: Any) -> dict[str, Outcome]:
    batch = list(entries)
    return {outcome.key: outcome for outcome in (door.put(batch) if batch else [])}


def bodies(store: IndexStore) -> dict[str, bytes]:
    return {entry.key: canonical_document(entry.body) for entry in scan(store)}


def test_no_value_of_a_field_keeps_an_artist_out(store: IndexStore) -> None:
    store.ensure()
    odd = [
        document("a1", rating="very good", reviewCount="many", createdAt="yesterday", location="London"),
        document("a2", pricing={"hourlyRate": 12345678901234567890}, experience={"yearsActive": 1e300}),
        document("a3", portfolioImages=[{"url": 5}, "bare", {"url": {"x": 1}}], contactInfo="none"),
        document("a4", styles="x" * 40_000, own={"deep": [{"er": 1}, "mixed"]}),
        document("a5", location={"lat": 51.5, "lon": -0.1}, rating=4.5),
    ]
    outcomes = store.put(odd)
    assert {outcome.key: outcome.message for outcome in outcomes if outcome.error} == {}
    store.settle()
    assert bodies(store) == {entry.key: canonical_document(entry.body) for entry in odd}


def test_a_bad_document_keeps_no_other_out_and_is_named(store: IndexStore) -> None:
    store.ensure()
    batch = [document("a1"), document("a2", availability={"bookingOpen": "perhaps"}), document("a3")]
    outcomes = store.put(batch)
    bad = [outcome for outcome in outcomes if outcome.error]
    if not bad:
        pytest.skip("this engine takes any boolean")
    assert [outcome.key for outcome in bad] == ["a2"]
    assert bad[0].message
    assert not bad[0].transient
    store.settle()
    assert set(bodies(store)) == {"a1", "a3"}


def test_long_numbers_keep_their_digits(store: IndexStore) -> None:
    store.ensure()
    text = b'{"artistId":"a","n":12345678901234567890123456789012345678,"d":0.12345678901234567890123}'
    fill(store, [Entry("a", text)])
    assert bodies(store) == {"a": canonical_document(text)}


def test_a_body_over_several_lines_is_one_document(store: IndexStore) -> None:
    store.ensure()
    fill(store, [Entry("a", b'{\n "artistId": "a",\n "bio": "two\\nlines", "n": 4.50\n}')])
    assert bodies(store) == {"a": b'{"artistId":"a","bio":"two\\nlines","n":4.5}'}


def test_routing_is_kept_and_used(store: IndexStore, get_engine: GetEngine) -> None:
    sharded = IndexStore(store.index, store._search, store._clock, MANY_SHARDS)
    sharded.ensure()
    routed = Entry("a", b'{"artistId":"a"}', routing="north")
    fill(sharded, [routed, document("b")])
    there = {entry.key: entry.routing for entry in scan(sharded)}
    if there["a"] is None:
        pytest.skip("this engine does not give routing back")
    assert there == {"a": "north", "b": None}
    sharded.delete([Target("a", "north")])
    sharded.settle()
    assert set(bodies(sharded)) == {"b"}


def test_five_shards_and_small_pages_lose_nothing(store: IndexStore) -> None:
    sharded = IndexStore(store.index, store._search, store._clock, MANY_SHARDS)
    sharded.ensure()
    entries = [make_entry(StoreName.INDEX, number) for number in range(300)]
    fill(sharded, entries)
    assert len([entry.key for entry in scan(sharded)]) == 300
    assert set(bodies(sharded)) == {entry.key for entry in entries}


def test_a_scan_sees_what_was_there_when_it_began(store: IndexStore) -> None:
    small = IndexStore(store.index, store._search, store._clock, MANY_SHARDS)
    small.ensure()
    fill(small, [make_entry(StoreName.INDEX, number) for number in range(40)])
    first = small.page(0, 1, None)
    fill(small, [make_entry(StoreName.INDEX, number) for number in range(100, 130)])
    small.delete([Target(make_entry(StoreName.INDEX, number).key) for number in range(20)])
    small.settle()
    seen, cursor = len(first.entries), first.next
    while cursor is not None:
        page = small.page(0, 1, cursor)
        seen, cursor = seen + len(page.entries), page.next
    assert seen == 40


def test_a_guessed_mapping_is_found_and_swapped_for_ours(store: IndexStore) -> None:
    store._json("PUT", f"/{store.index}", {"settings": {"number_of_shards": 1, "number_of_replicas": 0}})
    fill(store, [document("a1", styles=["x"], bio="b"), document("ARTIST#x", own=1)])
    about = store.describe()
    assert about is not None
    assert about.rebuild
    outcomes = swap_index(store, [document("a1", styles=["y"])], {"a1"}, filler)
    assert [outcome.error for outcome in outcomes.values()] == [None]
    after = store.describe()
    assert after is not None
    assert after.rebuild == ()
    assert set(bodies(store)) == {"a1", "ARTIST#x"}
    found = store.search({"query": {"term": {"artistId": "a1"}}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["a1"]


def test_a_second_swap_takes_over_late_writes_and_removes_the_old_one(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document("a1"), document("a2"), document("a3")])
    swap_index(store, [], set(), filler)
    (first,) = store.concrete()
    late = [document("late"), document("a2", bio="changed late")]

    def fill_and_write_late(door: IndexStore, entries: Any) -> dict[str, Outcome]:
        outcomes = filler(door, entries)
        if late:
            fill(store.at(first), late)
            late.clear()
        return outcomes

    swap_index(store, [document("a1", bio="new")], {"a1"}, fill_and_write_late)
    (second,) = store.concrete()
    assert second != first
    assert store.is_built(second)
    assert store.at(first).describe() is None
    held = {entry.key: json.loads(entry.body).get("bio") for entry in scan(store)}
    assert held == {"a1": "new", "a2": "changed late", "a3": None, "late": None}


def test_a_swap_that_fails_leaves_the_old_index_and_takes_writes_again(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document("a1")])

    def fail(door: IndexStore, entries: Any) -> dict[str, Outcome]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swap_index(store, [document("a2")], {"a2"}, fail)
    assert store.concrete() == [store.index]
    assert store.orphans() == []
    fill(store, [document("a3")])
    assert set(bodies(store)) == {"a1", "a3"}


def test_an_index_left_by_a_killed_command_is_an_orphan_and_no_other(store: IndexStore) -> None:
    store.ensure()
    left = store.build()
    assert store.orphans() == [left.index]
    assert store.at(f"{store.index}-of-the-user").orphans() == []
    store.remove(left.index)
    assert store.orphans() == []


def test_a_missing_index_is_named_by_a_search(store: IndexStore) -> None:
    with pytest.raises(StoreMissing, match=store.index):
        store.search({"query": {"match_all": {}}})


def test_a_body_too_large_for_the_engine_goes_in_parts(store: IndexStore) -> None:
    store.ensure()
    entries = [document(f"a{number}", bio="x" * 30_000) for number in range(300)]
    fill(store, entries)
    assert len(bodies(store)) == 300


def test_what_is_no_opensearch_is_named_and_nothing_else_is_sent(get_engine: GetEngine) -> None:
    store = index(get_engine("ministack").url, fresh_name())
    with pytest.raises(NotOpenSearch):
        store.describe()
    store.close()
