"""Plans: tables of what is there and what is wanted, and the law that apply makes the diff empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.engine.journal import Kept
from tattoo_data.engine.make_equal import Change, How, make_equal
from tattoo_data.engine.plan import SWAP_DOCUMENTS, Desired, Plan, make_plan
from tattoo_data.engine.scan import Held, Live, read_all
from tattoo_data.engine.spool import Spool
from tattoo_data.engine.verify import Verify
from tattoo_data.errors import StructureRefused, Unreachable
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import store_fingerprint
from tattoo_data.model.keys import item_key
from tattoo_data.stores.base import Description, Outcome, Store, scan
from tattoo_data.stores.faulty import FaultyStore, Rates
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry

Content = dict[int, str]


@dataclass(slots=True)
class Notes:
    """A journal that keeps what it is told, in order."""

    said: list[str] = field(default_factory=list)
    kept: dict[StoreName, list[Kept]] = field(default_factory=lambda: {name: [] for name in StoreName})
    keeps_images: bool = True

    def begin(self, plan: Plan, fingerprint_before: str | None) -> str:
        self.said.append("begin")
        return "run-1"

    def keep(self, store: StoreName, changes: Sequence[Kept], *, instead: bool = False) -> None:
        self.said.append(f"keep {store}")
        self.kept[store] += changes


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def memory(**stores: Store) -> LiveStores:
    made: dict[str, Store] = {name.value: MemoryStore(name) for name in StoreName}
    made |= stores
    return LiveStores(table=made["table"], index=made["index"], images=made["images"])


def entries(store: StoreName, content: Content) -> list[Entry]:
    return [make_entry(store, number, text) for number, text in content.items()]


def desired(content: Content, *, prune: bool = True, stores: Sequence[StoreName] = tuple(StoreName)) -> Desired:
    every = [(store, entry) for store in stores for entry in entries(store, content)]
    return Desired(stores=stores, entries=lambda: every, prune=prune, move=True)


def reach(stores: LiveStores, wanted: Desired, pool: Executor, **how: object) -> Change:
    return make_equal(stores, wanted, Notes(), pool, How(**how))  # type: ignore[arg-type]


def held(stores: LiveStores) -> dict[StoreName, dict[str, bytes]]:
    return {store.name: {entry.key: entry.body for entry in scan(store)} for store in stores}


contents = st.dictionaries(st.integers(0, 40), st.sampled_from(["Ada", "Zora", "Mae"]), max_size=30)


@given(contents, contents)
def test_apply_makes_the_diff_empty(before: Content, after: Content) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        reach(stores, desired(before), pool)
        change = reach(stores, desired(after), pool)
        assert make_plan(desired(after), read_all(stores, pool)).is_empty
        for store in StoreName:
            wanted = {entry.key for entry in entries(store, after)}
            assert set(held(stores)[store]) == wanted
        counts = change.counts[StoreName.TABLE]
        assert counts.created == len(after.keys() - before.keys())
        assert counts.deleted == len(before.keys() - after.keys())
        assert counts.replaced == sum(before[key] != after[key] for key in before.keys() & after.keys())
        assert counts.unchanged == sum(before[key] == after[key] for key in before.keys() & after.keys())


@given(contents, contents)
def test_without_prune_nothing_goes(before: Content, after: Content) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        reach(stores, desired(before), pool)
        reach(stores, desired(after, prune=False), pool)
        assert set(held(stores)[StoreName.TABLE]) == {
            entry.key for entry in entries(StoreName.TABLE, {**before, **after})
        }


@given(contents, contents)
def test_a_dry_run_prints_the_plan_and_changes_nothing(before: Content, after: Content) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        reach(stores, desired(before), pool)
        there = held(stores)
        tried = reach(stores, desired(after), pool, dry_run=True)
        assert held(stores) == there
        done = reach(stores, desired(after), pool)
        assert tried.counts == done.counts
        assert tried.run is None


@given(contents, contents, st.sampled_from(list(Verify)))
def test_the_fingerprint_is_that_of_the_content(before: Content, after: Content, verify: Verify) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        reach(stores, desired(before), pool)
        change = reach(stores, desired(after), pool, verify=verify)
        fresh = memory()
        assert reach(fresh, desired(after), pool).fingerprint == change.fingerprint
        live = read_all(stores, pool)
        assert live[StoreName.INDEX].total.hex() == store_fingerprint(StoreName.INDEX, entries(StoreName.INDEX, after))


def test_what_is_there_already_is_not_written_again(pool: Executor) -> None:
    counted = {name.value: FaultyStore(MemoryStore(name), Rates()) for name in StoreName}
    stores = memory(**counted)
    reach(stores, desired({1: "Ada", 2: "Mae"}), pool)
    for store in counted.values():
        store.calls.clear()
    notes = Notes()
    change = make_equal(stores, desired({1: "Ada", 2: "Mae"}), notes, pool, How())
    assert change.run is None
    assert notes.said == []
    for store in counted.values():
        assert not {"put", "delete", "ensure"} & set(store.calls)


def test_one_changed_record_is_one_write(pool: Executor) -> None:
    table = FaultyStore(MemoryStore(StoreName.TABLE), Rates())
    stores = memory(table=table)
    reach(stores, desired(dict.fromkeys(range(30), "Ada")), pool)
    table.calls.clear()
    change = reach(stores, desired(dict.fromkeys(range(30), "Ada") | {7: "Mae"}), pool)
    assert (table.calls.get("put"), table.calls["exchange"]) == (None, 1)
    assert (change.counts[StoreName.TABLE].replaced, change.counts[StoreName.TABLE].unchanged) == (1, 29)


def test_the_run_is_begun_and_each_chunk_kept_before_it_is_written(pool: Executor) -> None:
    notes = Notes()

    class Watched(MemoryStore):
        def put(self, batch: Sequence[Entry]) -> list[Outcome]:
            notes.said.append(f"put {self.name}")
            return super().put(batch)

    watched: dict[str, Store] = {name.value: Watched(name) for name in StoreName}
    make_equal(memory(**watched), desired({1: "Ada"}), notes, pool, How())
    order = [f"{what} {store}" for store in ("images", "table", "index") for what in ("keep", "put")]
    assert notes.said == ["begin", *order]


def test_deletes_come_in_the_other_order(pool: Executor) -> None:
    order: list[str] = []

    class Watched(MemoryStore):
        def delete(self, targets: Sequence[object]) -> list[Outcome]:
            order.append(self.name)
            return super().delete(targets)  # type: ignore[arg-type]

    watched: dict[str, Store] = {name.value: Watched(name) for name in StoreName}
    stores = memory(**watched)
    reach(stores, desired({1: "Ada"}), pool)
    reach(stores, desired({}), pool)
    assert order == ["index", "table", "images"]


def test_stores_that_are_not_wanted_are_not_touched(pool: Executor) -> None:
    stores = memory()
    reach(stores, desired({1: "Ada"}), pool)
    reach(stores, desired({}, stores=[StoreName.INDEX]), pool)
    there = held(stores)
    assert [len(there[name]) for name in StoreName] == [1, 0, 1]


def test_other_items_are_counted_by_what_they_are(pool: Executor) -> None:
    stores = memory()
    reach(stores, desired({1: "Ada"}), pool)
    key = item_key("AUDIT#1", "2026-01-01")
    stores.table.put([Entry(key, key.encode())])
    kept = reach(stores, desired({1: "Ada"}, prune=False), pool)
    assert kept.removed == {}
    dropped = reach(stores, desired({1: "Ada"}), pool, dry_run=True)
    assert dropped.removed == {"other": 1}


def test_a_record_of_the_node_tools_moves_under_our_key(pool: Executor) -> None:
    stores = memory()
    stores.table.ensure()
    old = item_key("ARTIST#artist-00001", "PROFILE")
    stores.table.put([Entry(old, f'{old[:-1]},"artistName":{{"S":"Ada"}}}}'.encode())])
    change = reach(stores, desired({1: "Ada"}, prune=False), pool)
    counts = change.counts[StoreName.TABLE]
    assert (counts.created, counts.deleted, counts.moved) == (0, 0, 1)
    assert change.removed == {}
    assert set(held(stores)[StoreName.TABLE]) == {make_entry(StoreName.TABLE, 1).key}


def test_a_refused_record_keeps_no_other_back_and_is_named(pool: Executor) -> None:
    class Refusing(MemoryStore):
        def put(self, batch: Sequence[Entry]) -> list[Outcome]:
            done = {
                outcome.key: outcome for outcome in super().put([each for each in batch if "00003" not in each.key])
            }
            return [done.get(each.key, Outcome(each.key, "mapper_parsing_exception", "no")) for each in batch]

    stores = memory(index=Refusing(StoreName.INDEX))
    change = reach(stores, desired(dict.fromkeys(range(6), "Ada")), pool)
    (failure,) = change.failures
    assert (failure.store, failure.key, failure.error) == (
        StoreName.INDEX,
        "artist-00003",
        "mapper_parsing_exception",
    )
    counts = change.counts[StoreName.INDEX]
    assert (counts.created, counts.failed) == (5, 1)
    assert len(held(stores)[StoreName.TABLE]) == 6


@pytest.mark.parametrize("verify", [Verify.KEYS, Verify.FULL])
def test_a_write_that_did_not_arrive_is_found_out(pool: Executor, verify: Verify) -> None:
    class Lying(MemoryStore):
        def put(self, batch: Sequence[Entry]) -> list[Outcome]:
            super().put([each for each in batch if "00002" not in each.key])
            return [Outcome(each.key) for each in batch]

    stores = memory(table=Lying(StoreName.TABLE))
    change = reach(stores, desired(dict.fromkeys(range(4), "Ada")), pool, verify=verify)
    (failure,) = change.failures
    assert failure.error == "NotAsWritten"
    assert "00002" in failure.key


def test_a_store_that_goes_away_fails_what_is_left_and_waits_once(pool: Executor) -> None:
    class Gone(MemoryStore):
        asked = 0

        def put(self, batch: Sequence[Entry]) -> list[Outcome]:
            Gone.asked += 1
            raise Unreachable(what="gone")

    stores = memory(index=Gone(StoreName.INDEX))
    change = reach(stores, desired(dict.fromkeys(range(400), "Ada")), pool)
    assert change.counts[StoreName.INDEX].failed == 400
    assert Gone.asked <= 4
    assert change.counts[StoreName.TABLE].created == 400


def test_a_structure_that_cannot_be_mended_is_refused_before_any_write(pool: Executor) -> None:
    class Wrong(MemoryStore):
        def describe(self) -> Description | None:
            return Description(name="t", engine="memory", refused=("another key",))

    stores = memory(table=Wrong(StoreName.TABLE))
    notes = Notes()
    with pytest.raises(StructureRefused, match="another key"):
        make_equal(stores, desired({1: "Ada"}), notes, pool, How())
    assert notes.said == []
    assert stores.images.describe() is None


@pytest.mark.parametrize(
    ("there", "changed", "swapped"),
    [
        (0, SWAP_DOCUMENTS + 1, False),
        (SWAP_DOCUMENTS, SWAP_DOCUMENTS, False),
        (SWAP_DOCUMENTS + 2, SWAP_DOCUMENTS // 2, False),
        (SWAP_DOCUMENTS + 2, SWAP_DOCUMENTS // 2 + 2, True),
    ],
)
def test_a_large_change_of_a_filled_index_is_a_swap(there: int, changed: int, swapped: bool) -> None:
    live = Live(
        store=StoreName.INDEX,
        description=Description(name="i", engine="memory"),
        held=Spool(Held, StoreName.INDEX),
    )
    live.held.add(Held(f"a{number}", b"old") for number in range(there))
    live.total.count = there
    wanted = [(StoreName.INDEX, Entry(f"a{number}", b"{}")) for number in range(changed)]
    what = Desired(stores=[StoreName.INDEX], entries=lambda: wanted)
    assert make_plan(what, {StoreName.INDEX: live}).stores[StoreName.INDEX].swap is swapped
    assert make_plan(what, {StoreName.INDEX: live}, swap=False).stores[StoreName.INDEX].swap is False
