"""Back: what a run did is taken back key by key, and only where live still is what it wrote."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tattoo_data.engine.back import plan_back
from tattoo_data.engine.journal import Kept
from tattoo_data.engine.make_equal import Change, How, make_equal, take_back
from tattoo_data.engine.plan import Counts, Part, Plan, Step, count, removed
from tattoo_data.engine.scan import Held, Live, read_all
from tattoo_data.engine.spool import Spool
from tattoo_data.engine.verify import Verify
from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BeforeImage, BlobRef
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import digest, state_fingerprint
from tattoo_data.model.keys import item_key
from tattoo_data.stores.base import NOT_ROUTED, Description, Exchange, Outcome, Routing, Target
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tests.engine.test_plan import Content, contents, desired, held, memory

NAMES = list(StoreName)


@dataclass(slots=True)
class Keeper:
    """A journal that keeps before-images as a run does, in spools of `limit` bytes."""

    keeps_images: bool = True
    limit: int = 1 << 20
    images: dict[StoreName, Spool[BeforeImage]] = field(default_factory=dict)
    on_keep: Callable[[StoreName, Sequence[Kept]], None] = lambda store, changes: None

    def begin(self, plan: Plan, fingerprint_before: str | None) -> str:
        return "run"

    def keep(self, store: StoreName, changes: Sequence[Kept], *, instead: bool = False) -> None:
        self.on_keep(store, changes)
        spool = self.images.setdefault(store, Spool(BeforeImage, store, self.limit))
        spool.add(_image(each, instead) for each in changes)

    def of(self, store: StoreName) -> dict[str, list[BeforeImage]]:
        """The images of each key, in the order in which they were kept."""
        found: dict[str, list[BeforeImage]] = {}
        for image in itertools.chain.from_iterable(self.images[store].parts()):
            found.setdefault(image.key, []).append(image)
        return found


def _image(change: Kept, instead: bool) -> BeforeImage:
    found = change.found
    return BeforeImage(
        change.step.key,
        found.body if found else None,
        change.step.after,
        found.routing if found else None,
        instead=instead,
    )


def no_blob(ref: BlobRef) -> Blob:
    raise AssertionError("no object's body is kept")


def reach(stores: LiveStores, content: Content, pool: Executor, journal: Keeper | None = None) -> Keeper:
    """Make all stores equal `content`; what kept the before-images."""
    keeper = journal or Keeper()
    make_equal(stores, desired(content), keeper, pool, How())
    return keeper


def back(
    stores: LiveStores, kept: Keeper, pool: Executor, journal: Keeper | None = None, *, force: bool = False
) -> Change:
    return take_back(stores, kept.images, no_blob, journal or Keeper(), pool, How(verify=Verify.FULL), force=force)


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def put(stores: LiveStores, number: int, text: str | None) -> None:
    """Somebody else's edit of one key in every store; None deletes it."""
    for store in stores:
        entry = make_entry(store.name, number, text or "")
        store.delete([Target(entry.key)]) if text is None else store.put([entry])


def failed(change: Change) -> set[tuple[str, str]]:
    return {(each.store, each.key) for each in change.failures}


# The plan alone: four values of a key before, after and now.

Values = tuple[str | None, str | None]
VALUES = (None, "Ada", "Zora", "Mae")
CASES = list(itertools.product(VALUES, VALUES, VALUES))


def live_of(store: StoreName, content: Mapping[int, str | None]) -> Live:
    live = Live(store=store, description=Description(name="s", engine="memory"), held=Spool(Held, store))
    there = [make_entry(store, number, text) for number, text in content.items() if text is not None]
    live.held.add(Held(entry.key, digest(store, entry)) for entry in there)
    return live


def image_of(
    store: StoreName, number: int, before: str | None, after: str | None, instead: bool = False
) -> BeforeImage:
    found = make_entry(store, number, before) if before is not None else None
    put = make_entry(store, number, after) if after is not None else None
    return BeforeImage(
        make_entry(store, number).key,
        found.body if found else None,
        digest(store, put) if put else None,
        instead=instead,
    )


def images_of(store: StoreName, *images: BeforeImage, limit: int = 1 << 20) -> dict[StoreName, Spool[BeforeImage]]:
    spool = Spool(BeforeImage, store, limit)
    for image in images:
        spool.add([image])
    return {store: spool}


@pytest.mark.parametrize("store", NAMES)
@pytest.mark.parametrize("limit", [1 << 20, 0])
@pytest.mark.parametrize("force", [False, True])
def test_a_key_goes_back_where_live_is_what_the_run_wrote(store: StoreName, limit: int, force: bool) -> None:
    images = images_of(store, *(image_of(store, n, b, a) for n, (b, a, _) in enumerate(CASES)), limit=limit)
    live = live_of(store, {number: now for number, (_, _, now) in enumerate(CASES)})
    plan = plan_back(images, {store: live}, no_blob, force=force).stores[store]
    steps = {step.key: step for step in plan.steps()}
    for number, (before, after, now) in enumerate(CASES):
        key = make_entry(store, number).key
        unchanged = now == before
        goes = not unchanged and (force or now == after)
        assert (key in steps) is goes
        assert (key in plan.left) is not (unchanged or goes)
        if goes:
            wanted = image_of(store, number, before, after).body
            put = steps[key].put
            assert (put.body if put else None) == wanted
            assert steps[key].before == image_of(store, number, None, now).after
            assert steps[key].after == image_of(store, number, None, before).after
    assert plan.counts.unchanged == sum(before == now for before, _, now in CASES)
    assert plan.counts.failed == len(plan.left)
    assert plan.size == len(steps)


image_lists = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(VALUES), st.sampled_from(VALUES), st.booleans()), max_size=12
)


@given(image_lists, st.sampled_from([0, 1 << 20]))
def test_of_a_run_that_went_on_the_first_before_and_the_last_after_count(
    kept: list[tuple[int, str | None, str | None, bool]], limit: int
) -> None:
    def merge(row: list[Values], each: tuple[str | None, str | None, bool]) -> list[Values]:
        before, after, instead = each
        kept = row[:-1] if instead else row
        return kept if instead and before is after is None else [*kept, (before, after)]

    store = StoreName.TABLE
    images = images_of(store, *(image_of(store, *each) for each in kept), limit=limit)
    empty: list[Values] = []
    rows = {number: reduce(merge, [each[1:] for each in kept if each[0] == number], empty) for number, *_ in kept}
    merged = {number: (row[0][0], row[-1][1]) for number, row in rows.items() if row}
    live = live_of(store, {number: after for number, (_, after) in merged.items()})
    plan = plan_back(images, {store: live}, no_blob)
    if not kept:
        assert plan.is_empty
        return
    steps = {step.key: step.after for step in plan.stores[store].steps()}
    assert plan.stores[store].left == []
    assert steps == {
        make_entry(store, number).key: image_of(store, number, None, before).after
        for number, (before, after) in merged.items()
        if before != after
    }


def test_a_store_that_the_run_did_not_touch_is_not_looked_at() -> None:
    images = {**images_of(StoreName.TABLE, image_of(StoreName.TABLE, 1, None, "Ada")), **images_of(StoreName.INDEX)}
    live = {StoreName.TABLE: live_of(StoreName.TABLE, {1: "Ada"})}
    assert set(plan_back(images, live, no_blob).stores) == {StoreName.TABLE}


def test_a_document_goes_back_under_its_routing() -> None:
    store, entry = StoreName.INDEX, make_entry(StoreName.INDEX, 1, "Ada")
    live = Live(store=store, description=Description(name="i", engine="memory"), held=Spool(Held, store))
    now = make_entry(store, 1, "Mae")
    live.held.add([Held(now.key, digest(store, now), "there")])
    images = images_of(store, BeforeImage(entry.key, entry.body, digest(store, now), "before"))
    (step,) = plan_back(images, {store: live}, no_blob).stores[store].steps()
    assert step.put is not None
    assert (step.put.routing, step.routing) == ("before", "there")


def test_the_body_of_an_object_is_fetched_when_it_is_written_and_not_before() -> None:
    asked: list[BlobRef] = []

    def fetch(ref: BlobRef) -> Blob:
        asked.append(ref)
        return Blob(b"picture", "image/png")

    store, ref = StoreName.IMAGES, BlobRef("sha", "image/png")
    entry = make_entry(store, 1, "Ada")
    images = images_of(store, BeforeImage(entry.key, entry.body, None, None, ref))
    (step,) = plan_back(images, {store: live_of(store, {})}, fetch).stores[store].steps()
    assert asked == []
    assert step.put is not None
    assert step.put.load is not None
    assert step.put.load() == Blob(b"picture", "image/png")
    assert asked == [ref]


# What is counted, with failures and moves.

OURS, NODE = item_key("ARTIST#a", "METADATA"), item_key("ARTIST#a", "PROFILE")
AUDIT = item_key("AUDIT#1", "2026")


def create(key: str) -> Step:
    return Step(key, None, b"after", Entry(key, b"{}"))


def replace(key: str) -> Step:
    return Step(key, b"before", b"after", Entry(key, b"{}"))


def delete(key: str, moved_to: str | None = None) -> Step:
    return Step(key, b"before", None, None, None, moved_to)


@pytest.mark.parametrize(
    ("steps", "failures", "counts", "gone"),
    [
        ([create(OURS)], (), Counts(created=1), {}),
        ([replace(OURS)], (), Counts(replaced=1), {}),
        ([delete(OURS)], (), Counts(deleted=1), {"artists": 1}),
        ([delete(AUDIT)], (), Counts(deleted=1), {"other": 1}),
        ([create(OURS), replace(AUDIT), delete(NODE)], (OURS, AUDIT, NODE), Counts(failed=3), {}),
        ([create(OURS), delete(NODE, OURS)], (), Counts(moved=1), {}),
        ([replace(OURS), delete(NODE, OURS)], (), Counts(moved=1), {}),
        ([create(OURS), delete(NODE, OURS)], (NODE,), Counts(created=1, failed=1), {}),
        ([replace(OURS), delete(NODE, OURS)], (NODE,), Counts(replaced=1, failed=1), {}),
        ([create(OURS), delete(NODE, OURS)], (OURS, NODE), Counts(failed=2), {}),
        ([delete(NODE, OURS)], (), Counts(moved=1), {}),  # ours is there already, and right
    ],
)
def test_what_failed_is_counted_as_failed_alone(
    steps: list[Step], failures: tuple[str, ...], counts: Counts, gone: Mapping[str, int]
) -> None:
    part = Part(steps)
    assert count(part, failures) == counts
    assert removed(StoreName.TABLE, part, failures) == Counter(gone)


def test_what_is_left_counts_as_failed_and_what_is_right_as_unchanged() -> None:
    assert count(Part([create(OURS)], 7, (AUDIT, NODE)), (OURS,)) == Counts(unchanged=7, failed=3)


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.sets(st.integers(0, 61)))
def test_every_change_is_counted_once_and_a_move_for_two(
    created: set[int], moved: set[int], failures: set[int]
) -> None:
    steps = [create(str(number)) for number in created]
    steps += [delete(str(number + 31), str(number) if number in created else None) for number in moved]
    lost = {str(number) for number in failures}
    counts = count(Part(steps), lost)
    total = counts.created + counts.replaced + counts.deleted + counts.failed + 2 * counts.moved
    assert total == len(steps)
    assert counts.failed == sum(step.key in lost for step in steps)


@pytest.mark.parametrize(("store", "kind"), [(StoreName.INDEX, "documents"), (StoreName.IMAGES, "images")])
def test_documents_and_images_are_removed_by_number(store: StoreName, kind: str) -> None:
    part = Part([delete("a"), delete("b"), create("c")])
    assert removed(store, part) == {kind: 2}
    assert removed(store, part, ["a"]) == {kind: 1}


# On stores in memory.


@settings(max_examples=50)
@given(contents, contents)
@example({}, {})
def test_take_back_of_make_equal_is_what_was_there(before: Content, after: Content) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        reach(stores, before, pool)
        there = held(stores)
        kept = reach(stores, after, pool)
        change = back(stores, kept, pool)
        assert held(stores) == there
        assert change.failures == ()
        assert sum(each.unchanged + each.failed for each in change.counts.values()) == 0
        fresh = memory()
        reach(fresh, before, pool)
        if before != after:
            assert change.fingerprint == make_equal(fresh, desired(before), Keeper(), pool, How()).fingerprint


@settings(max_examples=50)
@given(contents, contents)
def test_take_back_of_take_back_is_what_the_run_made(before: Content, after: Content) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        reach(stores, before, pool)
        kept = reach(stores, after, pool)
        made = held(stores)
        undone = Keeper()
        back(stores, kept, pool, undone)
        redone = Keeper()
        back(stores, undone, pool, redone)
        assert held(stores) == made
        back(stores, redone, pool)
        assert set(held(stores)[StoreName.TABLE]) == {make_entry(StoreName.TABLE, number).key for number in before}


@settings(max_examples=50)
@given(st.lists(contents, min_size=1, max_size=5))
def test_a_row_of_runs_is_taken_back_one_after_the_other(row: list[Content]) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        states, runs = [held(stores)], []
        for content in row:
            runs.append(reach(stores, content, pool))
            states.append(held(stores))
        for kept, state in zip(reversed(runs), reversed(states[:-1]), strict=True):
            back(stores, kept, pool)
            assert held(stores) == state


edits = st.dictionaries(st.integers(0, 40), st.none() | st.sampled_from(["Ada", "Zora", "Mae", "Edna"]), max_size=8)


@settings(max_examples=50)
@given(contents, contents, edits, st.booleans())
def test_what_somebody_else_changed_since_is_left_and_named_and_the_rest_goes_back(
    before: Content, after: Content, others: dict[int, str | None], force: bool
) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = memory()
        reach(stores, before, pool)
        kept = reach(stores, after, pool)
        for number, text in others.items():
            put(stores, number, text)
        change = back(stores, kept, pool, force=force)
        now = after | {number: text for number, text in others.items() if text is not None}
        now = {number: text for number, text in now.items() if others.get(number, text) is not None}
        changed = {number for number in before.keys() | after.keys() if before.get(number) != after.get(number)}
        ours = {n for n in changed if force or now.get(n) in (before.get(n), after.get(n))}
        wanted = {number: text for number, text in now.items() if number not in ours}
        wanted |= {number: before[number] for number in ours if number in before}
        there = held(stores)
        for store in NAMES:
            assert there[store] == {
                entry.key: entry.body for entry in (make_entry(store, *each) for each in wanted.items())
            }
        left = {(store.value, make_entry(store, number).key) for store in NAMES for number in changed - ours}
        assert failed(change) == left
        assert all(each.is_conflict for each in change.failures)
        assert sum(each.failed for each in change.counts.values()) == len(left)


def test_a_dry_run_names_what_it_would_leave_and_changes_nothing(pool: Executor) -> None:
    stores = memory()
    kept = reach(stores, {1: "Ada", 2: "Ada"}, pool)
    put(stores, 1, "Edna")
    there = held(stores)
    change = take_back(stores, kept.images, no_blob, Keeper(), pool, How(dry_run=True))
    assert held(stores) == there
    assert len(change.failures) == 3
    assert [each.deleted for each in change.counts.values()] == [1, 1, 1]
    assert change.run is None


# Somebody else writes while the command runs.


class Busy(MemoryStore):
    """A store whose entries somebody else writes at set moments: `at_get` before the first key is read, `at_write`
    before the first is written conditionally."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.at_get: list[Entry | Target] = []
        self.at_write: list[Entry | Target] = []

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        self._edit(self.at_get)
        return super().get(keys, routing)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        self._edit(self.at_write)
        return super().exchange(exchanges)

    def _edit(self, edits: list[Entry | Target]) -> None:
        while edits:
            edit = edits.pop()
            if isinstance(edit, Target):
                MemoryStore.delete(self, [edit])
            else:
                MemoryStore.put(self, [edit])


def busy() -> tuple[LiveStores, Busy]:
    table = Busy(StoreName.TABLE)
    return memory(table=table), table


def item(number: int, text: str) -> Entry:
    return make_entry(StoreName.TABLE, number, text)


def table_of(stores: LiveStores) -> dict[str, bytes]:
    return held(stores)[StoreName.TABLE]


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
def test_what_drifted_is_written_over_and_what_it_held_then_is_kept(pool: Executor, moment: str) -> None:
    stores, table = busy()
    reach(stores, {1: "Ada", 2: "Ada"}, pool)
    getattr(table, moment).append(item(1, "Edna"))
    keeper = Keeper()
    change = make_equal(stores, desired({1: "Mae", 2: "Mae"}), keeper, pool, How())
    assert change.failures == ()
    assert change.drifted == {StoreName.TABLE: (item(1, "").key,)}
    assert table_of(stores)[item(1, "").key] == item(1, "Mae").body
    assert keeper.of(StoreName.TABLE)[item(1, "").key][-1].body == item(1, "Edna").body
    back(stores, keeper, pool)
    assert table_of(stores) == {each.key: each.body for each in (item(1, "Edna"), item(2, "Ada"))}


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
def test_what_drifts_while_it_is_taken_back_is_left_and_named(pool: Executor, moment: str) -> None:
    stores, table = busy()
    reach(stores, {1: "Ada", 2: "Ada"}, pool)
    kept = reach(stores, {1: "Mae", 2: "Mae"}, pool)
    getattr(table, moment).append(item(1, "Edna"))
    change = back(stores, kept, pool)
    assert failed(change) == {("table", item(1, "").key)}
    assert [each.error for each in change.failures] == ["ChangedSince"]
    assert table_of(stores) == {each.key: each.body for each in (item(1, "Edna"), item(2, "Ada"))}
    assert change.counts[StoreName.TABLE] == Counts(replaced=1, failed=1)


def test_without_reading_back_no_fingerprint_is_told_that_is_not_so(pool: Executor) -> None:
    stores, table = busy()
    reach(stores, {1: "Ada"}, pool)
    kept = reach(stores, {1: "Mae"}, pool)
    table.at_get.append(item(1, "Edna"))
    change = take_back(stores, kept.images, no_blob, Keeper(), pool, How(verify=Verify.NONE))
    live = {name: each.total.hex() for name, each in read_all(stores, pool).items()}
    assert change.fingerprint in (None, state_fingerprint(live))


def test_a_lost_race_of_a_run_that_went_on_keeps_what_was_there_first(pool: Executor) -> None:
    stores, table = busy()
    reach(stores, {1: "Ada"}, pool)
    keeper = reach(stores, {1: "Mae"}, pool)
    put(stores, 1, "Edna")
    table.at_write.append(item(1, "Zora"))
    reach(stores, {1: "Mae"}, pool, keeper)
    back(stores, keeper, pool)
    wanted = {name: {entry.key: entry.body} for name in NAMES for entry in [make_entry(name, 1, "Ada")]}
    assert held(stores) == wanted


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
@pytest.mark.parametrize("edit", [item(1, "Edna"), Target(item(1, "").key)], ids=["write", "delete"])
def test_with_force_even_what_drifts_goes_back(pool: Executor, moment: str, edit: Entry | Target) -> None:
    stores, table = busy()
    reach(stores, {2: "Ada"}, pool)
    kept = reach(stores, {1: "Mae", 2: "Mae"}, pool)
    getattr(table, moment).append(edit)
    change = back(stores, kept, pool, force=True)
    assert change.failures == ()
    assert table_of(stores) == {item(2, "").key: item(2, "Ada").body}


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
def test_what_drifts_to_what_was_there_before_is_not_named(pool: Executor, moment: str) -> None:
    stores, table = busy()
    reach(stores, {1: "Ada"}, pool)
    kept = reach(stores, {1: "Mae"}, pool)
    getattr(table, moment).append(item(1, "Ada"))
    change = back(stores, kept, pool)
    assert change.failures == ()
    assert table_of(stores) == {item(1, "").key: item(1, "Ada").body}


def test_an_object_whose_bytes_are_gone_fails_by_name(pool: Executor) -> None:
    def fetch(ref: BlobRef) -> Blob:
        raise IntegrityFailed(what=f"objects/{ref.sha256} is gone")

    class Loading(MemoryStore):
        def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
            for each in exchanges:
                if each.after and each.after.load:
                    each.after.load()
            return super().exchange(exchanges)

    store = StoreName.IMAGES
    stores = memory(images=Loading(store))
    stores.images.ensure()
    first, other = make_entry(store, 1), make_entry(store, 2)
    images = images_of(
        store,
        BeforeImage(first.key, first.body, None, None, BlobRef("aa", "image/png")),
        BeforeImage(other.key, other.body, None),
    )
    change = take_back(stores, images, fetch, Keeper(), pool, How())
    assert first.key in {each.key for each in change.failures}
    assert {each.error for each in change.failures} == {"IntegrityFailed"}
