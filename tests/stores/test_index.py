"""The index's door: what only OpenSearch does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from tattoo_data.clock import Clock
from tattoo_data.engine.journal import Chunk, Kept
from tattoo_data.engine.plan import Desired, make_plan
from tattoo_data.engine.scan import read_all
from tattoo_data.engine.swap import Fill, Swap
from tattoo_data.errors import NotOpenSearch, StoreMissing, StructureRefused
from tattoo_data.model.canonical import canonical_document
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.structure import INDEX_MAPPING
from tattoo_data.stores.base import CHANGED, Exchange, Outcome, Store, Target, TransientError, scan
from tattoo_data.stores.index import IndexOptions, IndexStore
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.retrying import RetryingStore
from tattoo_data.testing.contract import make_entry
from tests.conftest import GetEngine
from tests.stores.conftest import INDEX_ENGINES, MANY_SHARDS, fresh_name, index
from tests.stub import Answer, Asked, stub


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


def filler(door: Store, entries: Any) -> dict[str, Outcome]:
    batch = list(entries)
    return {outcome.key: outcome for outcome in (door.put(batch) if batch else []) if outcome.error}


def swap(store: IndexStore, entries: list[Entry], fill: Fill = filler) -> dict[str, Outcome]:
    """Swap in an index of these entries and of all other documents there are."""
    with ThreadPoolExecutor(1) as pool:
        live = read_all(LiveStores(table=store, index=store, images=store), pool, only=[StoreName.INDEX])
    wanted = [(StoreName.INDEX, entry) for entry in entries]
    plan = make_plan(Desired(stores=[StoreName.INDEX], entries=lambda: wanted), live).stores[StoreName.INDEX]
    chunks = [Chunk(changes=[Kept(step, None) for step in plan.steps()])]
    return Swap(store, plan, fill, keep_late=lambda changes: None, may_go_on=lambda: None).run(chunks)


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
    assert swap(store, [document("a1", styles=["y"])]) == {}
    after = store.describe()
    assert after is not None
    assert after.rebuild == ()
    assert set(bodies(store)) == {"a1", "ARTIST#x"}
    found = store.search({"query": {"term": {"artistId": "a1"}}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["a1"]


def test_a_swap_keeps_the_other_names_of_an_index_and_what_was_tuned(store: IndexStore) -> None:
    other, tuned = fresh_name(), {"index.max_result_window": 20_000}
    store._json("PUT", f"/{store.index}", {"settings": {"number_of_replicas": 0}})
    store._json("PUT", f"/{store.index}/_settings", tuned)
    add = {"index": store.index, "alias": other, "filter": {"term": {"artistId": "a1"}}}
    store._json("POST", "/_aliases", {"actions": [{"add": add}]})
    for _ in range(2):  # a plain index goes in the swap, a built one after it
        swap(store, [document("a1"), document("a2")])
        (built,) = store.concrete()
        about = store._live()
        assert about is not None
        assert set(about[built]["aliases"]) == {store.index, other}
        assert about[built]["aliases"][other]["filter"] == {"term": {"artistId": "a1"}}
        assert about[built]["settings"]["index"]["max_result_window"] == "20000"


def test_an_index_made_like_another_gets_its_other_names_that_nobody_else_has(store: IndexStore) -> None:
    free, taken = fresh_name(), fresh_name()
    somebody = IndexStore(taken, store._search, Clock(), IndexOptions())
    somebody.ensure()
    store.ensure()
    like = store.shaped({"settings": {}, "mappings": INDEX_MAPPING, "aliases": {free: {}, taken: {}, store.index: {}}})
    about = like.describe()
    assert about is not None
    assert about.missing == (f"the alias {free}",)
    like.ensure()
    after = like.describe()
    assert after is not None
    assert (after.missing, after.structure["aliases"]) == ((), {free: {}})
    assert list(store._live() or ()) == [store.index]


@pytest.mark.parametrize(
    "text",
    [
        r"\ud83d",
        r"cut \uD83d",
        r"\ude00 low",
        r"\ude00\ud83d",
        r"\\ud83d",
        r"\\\ud83d\"",
        r"\ud83d\ude00",
        r"\ud83d\n",
        r"\ud83d\ud83d\ude00",
        "\U0001f600 \\ud83d",
    ],
)
def test_half_a_character_is_read_and_put_back_as_it_is(store: IndexStore, text: str) -> None:
    store.ensure()
    body = b'{"artistId":"a1","bio":"%s"}' % text.encode()
    store._json("PUT", f"/{store.index}/_doc/a1", body)
    store.settle()
    (entry,) = scan(store)
    assert store.get(["a1"])[0].body == entry.body
    assert store.search({"query": {"match_all": {}}})["hits"]["hits"][0]["_id"] == "a1"
    canonical = canonical_document(entry.body)
    fill(store, [Entry("a2", canonical)])
    there = store._json("GET", f"/{store.index}/_source/a2", None)
    assert there is not None
    assert json.loads(there)["bio"] == json.loads(body)["bio"]
    assert {canonical_document(each.body) for each in scan(store)} == {canonical}


def test_a_number_beyond_all_reckoning_is_compared_as_it_is_spelled() -> None:
    for spelled in (b"1E20000000", b"1E99999999999999999999", b"-1e-99999999999999999999"):
        body = canonical_document(b'{"e":%s}' % spelled)
        assert canonical_document(body) == body


def test_a_second_swap_takes_over_late_writes_and_removes_the_old_one(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document("a1"), document("a2"), document("a3")])
    swap(store, [])
    (first,) = store.concrete()
    late = [document("late"), document("a2", bio="changed late")]

    def fill_and_write_late(door: Store, entries: Any) -> dict[str, Outcome]:
        outcomes = filler(door, entries)
        if late:
            fill(store.at(first), late)
            late.clear()
        return outcomes

    swap(store, [document("a1", bio="new")], fill_and_write_late)
    (second,) = store.concrete()
    assert second != first
    assert store.is_built(second)
    assert store.at(first).describe() is None
    held = {entry.key: json.loads(entry.body).get("bio") for entry in scan(store)}
    assert held == {"a1": "new", "a2": "changed late", "a3": None, "late": None}


def test_a_swap_that_fails_leaves_the_old_index_and_takes_writes_again(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document("a1")])

    def fail(door: Store, entries: Any) -> dict[str, Outcome]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swap(store, [document("a2")], fail)
    assert store.concrete() == [store.index]
    assert store.orphans() == []
    fill(store, [document("a3")])
    assert set(bodies(store)) == {"a1", "a3"}


def test_an_index_left_without_writes_by_a_killed_swap_takes_them_again(store: IndexStore) -> None:
    store.ensure()
    store.block_writes(store.index)
    about = store.describe()
    assert about is not None
    assert about.missing == ("the permission to write",)
    store.ensure()
    again = store.describe()
    assert again is not None
    assert again.missing == ()
    fill(store, [document("a1")])


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


# Exchanges.


def sharded(store: IndexStore) -> IndexStore:
    made = IndexStore(store.index, store._search, store._clock, MANY_SHARDS)
    made.ensure()
    return made


def held(store: IndexStore, key: str, routing: str | None = None) -> Entry:
    (found,) = store.get([key], {key: routing} if routing else {})
    return found


def errors(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.error for outcome in outcomes]


def routed(store: IndexStore) -> dict[str, tuple[Any, str | None]]:
    """Each document's bio and routing."""
    store.settle()
    return {entry.key: (json.loads(entry.body).get("bio"), entry.routing) for entry in scan(store)}


@pytest.mark.parametrize("forget", [False, True], ids=["version", "no version"])
def test_an_exchange_takes_what_a_scan_gave(store: IndexStore, forget: bool) -> None:
    many = sharded(store)
    fill(many, [document(f"a{number}") for number in range(30)])
    read = {entry.key: replace(entry, version=None) if forget else entry for entry in scan(many)}
    assert all(forget or entry.version for entry in read.values())
    fill(many, [document("a7", bio="theirs")])
    exchanges = [Exchange(entry, document(key, bio="ours")) for key, entry in read.items()]
    outcomes = many.exchange(exchanges)
    assert {outcome.key: outcome.error for outcome in outcomes if outcome.error} == {"a7": CHANGED}
    assert [bio for bio, _ in routed(many).values()].count("ours") == 29


def test_a_document_written_anew_with_the_same_content_is_what_was_read(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document("a", rating=4.5), document("b")])
    one, two = held(store, "a"), held(store, "b")
    fill(store, [Entry("a", b'{"rating": 4.50, "artistId": "a"}'), document("b")])
    assert errors(store.exchange([Exchange(one, document("a", bio="new")), Exchange(two, None)])) == [None, None]
    assert routed(store) == {"a": ("new", None)}


def test_an_exchange_that_is_refused_keeps_no_other_out(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document("a"), document("b")])
    bad = document("a", availability={"bookingOpen": "perhaps"})
    if not store.put([replace(bad, key="probe")])[0].error:
        pytest.skip("this engine takes any boolean")
    one, two = held(store, "a"), held(store, "b")
    outcomes = store.exchange([Exchange(None, document("c")), Exchange(one, bad), Exchange(two, None)])
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False]
    assert outcomes[1].message
    assert outcomes[1].error != CHANGED
    assert not outcomes[1].transient
    assert set(routed(store)) == {"a", "c"}


def test_an_exchange_keeps_the_routing(store: IndexStore) -> None:
    many = sharded(store)
    north = Entry("a", b'{"artistId":"a"}', routing="north")
    fill(many, [north, replace(north, key="b"), replace(north, key="c"), document("d")])
    a, b, c = (held(many, key, "north") for key in "abc")
    fill(many, [replace(north, key="c", body=b'{"bio":"theirs"}')])
    outcomes = many.exchange(
        [
            Exchange(a, replace(north, body=b'{"bio":"ours"}')),
            Exchange(b, None),
            Exchange(c, None),
            Exchange(None, Entry("e", b'{"bio":"ours"}', routing="south")),
            Exchange(None, Entry("c", b'{"bio":"ours"}', routing="north")),
        ]
    )
    assert errors(outcomes) == [None, None, CHANGED, None, CHANGED]
    assert routed(many) == {
        "a": ("ours", "north"),
        "c": ("theirs", "north"),
        "d": (None, None),
        "e": ("ours", "south"),
    }


@pytest.mark.parametrize("shards", [1, 5])
def test_a_document_that_changes_its_routing_is_there_once(store: IndexStore, shards: int) -> None:
    many = IndexStore(store.index, store._search, store._clock, replace(MANY_SHARDS, shards=shards))
    many.ensure()
    keys = [f"a{number}" for number in range(12)]
    fill(many, [Entry(key, b'{"bio":"old"}', routing=f"r{key}") for key in keys])
    exchanges = [Exchange(held(many, key, f"r{key}"), Entry(key, b'{"bio":"new"}')) for key in keys]
    theirs = keys[:6]
    fill(many, [Entry(key, b'{"bio":"theirs"}', routing=f"r{key}") for key in theirs])
    for _ in range(2):
        outcomes = many.exchange(exchanges)
        assert {outcome.key: outcome.error for outcome in outcomes if outcome.error} == dict.fromkeys(theirs, CHANGED)
        kept = {key: ("theirs", f"r{key}") for key in theirs}
        assert routed(many) == dict.fromkeys(keys, ("new", None)) | kept
        assert len(list(scan(many))) == len(keys)


def test_a_document_that_is_refused_at_its_new_routing_stays_at_the_old(store: IndexStore) -> None:
    many = sharded(store)
    keys = [f"a{number}" for number in range(6)]
    fill(many, [Entry(key, b'{"bio":"old"}', routing=f"r{key}") for key in keys])
    body = b'{"availability":{"bookingOpen":"perhaps"}}'
    if not many.put([Entry("probe", body)])[0].error:
        pytest.skip("this engine takes any boolean")
    outcomes = many.exchange([Exchange(held(many, key, f"r{key}"), Entry(key, body)) for key in keys])
    assert all(outcome.error and outcome.error != CHANGED for outcome in outcomes)
    assert routed(many) == {key: ("old", f"r{key}") for key in keys}


def test_writers_at_the_same_time_lose_no_exchange(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document(key, count=0) for key in "abcd"])
    patient = RetryingStore(store, Clock(sleep=lambda seconds: None))

    def count_up(writer: int) -> int:
        exchanges = [
            Exchange(entry, document(entry.key, count=json.loads(entry.body)["count"] + 1, by=writer))
            for entry in patient.get(list("abcd"))
        ]
        return errors(patient.exchange(exchanges)).count(None)

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(count_up, range(24)))
    assert sum(json.loads(held(store, key).body)["count"] for key in "abcd") == done > 0


def test_an_engine_that_tells_no_versions_is_read_just_before_it_is_written() -> None:
    docs = [{"_id": "a", "found": True, "_source": {"x": 1}}, {"_id": "b", "found": True, "_source": {"x": 9}}]

    def answer(asked: Asked) -> Answer:
        if "_mget" in asked.path:
            return Answer(body=json.dumps({"docs": docs}).encode())
        return Answer(body=b'{"items":[{"index":{"_id":"a","status":200}}]}')

    with stub(answer) as server:
        store = index(server.url, "i")
        exchanges = [Exchange(Entry(key, b'{"x":1}'), Entry(key, b'{"x":2}')) for key in "ab"]
        assert errors(store.exchange(exchanges)) == [None, CHANGED]
        assert server.asked[-1].body == b'{"index":{"_id":"a"}}\n{"x":2}\n'
        store.close()


def test_a_document_that_is_written_all_the_time_is_left_to_the_patience_of_the_caller() -> None:
    conflict = {"_id": "a", "status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "no"}}

    def answer(asked: Asked) -> Answer:
        if "_mget" in asked.path:
            return Answer(
                body=b'{"docs":[{"_id":"a","found":true,"_source":{},"_seq_no":%d,"_primary_term":1}]}'
                % len(server.asked)
            )
        return Answer(body=json.dumps({"errors": True, "items": [{"delete": conflict}]}).encode())

    with stub(answer) as server:
        store = index(server.url, "i")
        (outcome,) = store.exchange([Exchange(Entry("a", b"{}", version=(0, 1)), None)])
        assert (outcome.error, outcome.transient) == ("version_conflict_engine_exception", True)
        sent = [json.loads(asked.body)["delete"] for asked in server.asked if "_bulk" in asked.path]
        assert [each["if_seq_no"] for each in sent] == [0, 2, 4]
        store.close()


def test_a_closed_index_is_described_and_refused_with_what_opens_it(store: IndexStore) -> None:
    store.ensure()
    fill(store, [document("1")])
    name = store.index
    ask = store._search.ask
    ask("POST", f"/{name}/_close")
    about = store.describe()
    assert about is not None
    assert about.refused == (f"it is closed, and `POST /{name}/_open` opens it",)
    for read in (lambda: list(scan(store)), lambda: store.search({})):
        with pytest.raises(StructureRefused, match=f"it is closed, and `POST /{name}/_open` opens it") as refused:
            read()
        assert refused.value.exit_code == 15
    ask("POST", f"/{name}/_open")
    about = store.describe()
    assert about is not None
    assert about.refused == ()
    assert [entry.key for entry in scan(store)] == ["1"]


@pytest.mark.parametrize(("read", "answered"), [(1, True), (3, True), (9, True), (9, False)])
def test_no_point_in_time_stays_open_however_far_a_scan_comes(read: int, answered: bool) -> None:
    hit = {"_id": "a", "_source": {}, "_seq_no": 1, "_primary_term": 1, "sort": [1]}
    pages = [[hit], [hit], []]

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST" and "point_in_time" in asked.path:
            return Answer(body=b'{"pit_id":"p"}')
        if asked.path == "/_search" and b'"size":1' in asked.body:
            if not answered:
                return Answer(status=503)
            found = {"total": {"value": 2, "relation": "eq"}, "hits": pages.pop(0)}
            return Answer(body=json.dumps({"pit_id": "p", "hits": found}).encode())
        return Answer()

    with stub(answer) as server:
        store = index(server.url, "i", IndexOptions(page=1))
        with suppress(TransientError):
            assert len(list(islice(scan(store), read))) == min(read, 2)
        store.close()
        sent = [asked.method for asked in server.asked if "point_in_time" in asked.path]
    assert sent == ["POST", "DELETE"]
