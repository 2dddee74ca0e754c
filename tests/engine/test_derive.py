"""Derive: what is made of what is there is written where that still stands, else made again, and no edit is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tattoo_data.engine.make_equal import Change, How, make_equal
from tattoo_data.engine.plan import SWAP_DOCUMENTS, Counts, Desired, Scope
from tattoo_data.engine.verify import Verify
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.testing.contract import make_entry
from tests.engine.derived import (
    BROKEN,
    GOES,
    IMAGES,
    INDEX,
    TABLE,
    Always,
    Content,
    Door,
    Edit,
    Indexes,
    Interleaved,
    Live,
    Silent,
    Stage,
    document,
    item,
    key_of,
    stage,
    swapped,
    target,
    up,
    upper,
)
from tests.engine.test_plan import held
from tests.runs import Killed


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def failed(change: Change) -> set[tuple[str, str, str]]:
    return {(each.store, each.key, each.error) for each in change.failures}


# Nobody else writes.


def test_where_all_is_right_nothing_is_written(pool: Executor) -> None:
    place = stage({1: "ADA É", 2: "MAE É"})
    place.table.put([upper(1, "Ada"), upper(2, "Mae")])
    place.index.put([document(upper(1, "Ada")), document(upper(2, "Mae"))])
    before = held(place.stores)
    change = place.run(pool)
    assert (change.run, change.failures, place.keeper.images) == (None, (), {})
    assert [change.counts[name].unchanged for name in (TABLE, INDEX)] == [2, 2]
    assert held(place.stores) == before
    assert change.fingerprint == place.fingerprint(pool)


@pytest.mark.parametrize("verify", list(Verify))
@pytest.mark.parametrize("keeps_images", [True, False])
def test_every_entry_is_changed(pool: Executor, verify: Verify, keeps_images: bool) -> None:
    place = stage(dict.fromkeys(range(250), "Ada"))
    place.keeper.keeps_images = keeps_images
    change = place.run(pool, verify=verify)
    assert set(place.names().values()) == {"ADA"}
    assert place.agrees()
    assert (change.failures, change.drifted) == ((), {})
    assert [change.counts[name] for name in (TABLE, INDEX)] == [Counts(replaced=250)] * 2
    assert change.fingerprint == place.fingerprint(pool)
    assert place.run(pool).run is None


def test_a_plan_changes_nothing(pool: Executor) -> None:
    place = stage({1: "Ada", 2: BROKEN})
    before = held(place.stores)
    change = place.run(pool, dry_run=True)
    assert held(place.stores) == before
    assert [step.key for step in change.plan.stores[TABLE].steps()] == [item(1).key]
    assert change.counts[TABLE] == Counts(replaced=1, failed=1)
    assert {each.error for each in change.failures} == {"CannotBeMade"}


def test_stores_that_are_not_wanted_are_not_touched(pool: Executor) -> None:
    place = stage({1: "Ada"})
    desired = Desired(stores=(INDEX,), derive=place.derive)
    make_equal(place.stores, desired, place.keeper, pool, How())
    assert place.names() == {1: "Ada"}
    assert place.state()[INDEX]["artist-00001"]["artistName"] == "ADA É"


def test_it_is_all_taken_back(pool: Executor) -> None:
    place = stage(dict.fromkeys(range(60), "Ada") | {7: "MAE"})
    before = held(place.stores)
    place.run(pool)
    assert place.back(pool).failures == ()
    assert held(place.stores) == before


# What cannot be made.


def test_what_cannot_be_made_is_named_and_left_and_the_rest_is_done(pool: Executor) -> None:
    place = stage({1: "Ada", 2: BROKEN, 3: "Mae"})
    change = place.run(pool, scope=lambda store, key: True)
    assert place.names() == {1: "ADA", 2: BROKEN, 3: "MAE"}
    assert failed(change) == {(TABLE, item(2).key, "CannotBeMade"), (INDEX, "artist-00002", "CannotBeMade")}
    assert [change.counts[name] for name in (TABLE, INDEX)] == [Counts(replaced=2, failed=1)] * 2
    assert change.removed == {}
    assert place.agrees()
    assert change.fingerprint == place.fingerprint(pool)
    again = place.run(pool, scope=lambda store, key: True)
    assert (again.run, failed(again)) == (None, failed(change))


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
def test_what_cannot_be_made_again_is_named_and_left(pool: Executor, moment: str) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    getattr(place.table, moment).append(lambda: place.edit(1, BROKEN))
    change = place.run(pool)
    assert place.names() == {1: BROKEN, 2: "MAE"}
    assert (TABLE, item(1).key, "CannotBeMade") in failed(change)
    assert change.counts[TABLE] == Counts(replaced=1, failed=1)
    assert change.fingerprint == place.fingerprint(pool)
    taken_back = place.back(pool)
    assert taken_back.failures == (), "the run did not write it"
    assert place.names() == {1: BROKEN, 2: "Mae"}


@pytest.mark.parametrize("rebuilt", [False, True])
def test_the_document_of_what_cannot_be_made_again_is_what_the_item_is(pool: Executor, rebuilt: bool) -> None:
    place = (swapped if rebuilt else stage)({1: "Ada", 2: "Mae"})
    place.table.at_get.append(lambda: place.edit(1, BROKEN))
    place.run(pool)
    documents = place.state()[INDEX]
    assert documents["artist-00001"]["artistName"] in ("Ada é", f"{BROKEN} é")
    assert documents["artist-00002"]["artistName"] == "MAE É"


# Somebody else writes between the scan and the write.


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
@pytest.mark.parametrize("verify", list(Verify))
@pytest.mark.parametrize("keeps_images", [True, False])
def test_an_edit_is_kept_and_the_change_is_made_in_it(
    pool: Executor, moment: str, verify: Verify, keeps_images: bool
) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    place.keeper.keeps_images = keeps_images
    getattr(place.table, moment).append(lambda: place.edit(1, "Edna"))
    change = place.run(pool, verify=verify)
    assert place.names() == {1: "EDNA", 2: "MAE"}
    assert place.agrees()
    assert change.failures == ()
    assert change.drifted[TABLE] == (item(1).key,)
    assert change.fingerprint in (
        (None, place.fingerprint(pool)) if verify is Verify.NONE else (place.fingerprint(pool),)
    )
    if keeps_images:
        assert place.keeper.of(TABLE)[item(1).key][-1].body == item(1, "Edna").body
        assert place.back(pool).failures == ()
        assert place.names() == {1: "Edna", 2: "Mae"}


def test_only_what_somebody_else_wrote_is_told_as_that(pool: Executor) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    place.table.at_get.append(lambda: place.edit(1, "Edna"))
    change = place.run(pool)
    assert place.agrees()
    assert change.drifted == {TABLE: (item(1).key,)}, "nobody wrote the document but the command"


def test_an_edit_and_back_again_is_no_change(pool: Executor) -> None:
    place = stage({1: "Ada"})
    place.table.at_get += [lambda: place.edit(1, "Edna"), lambda: place.edit(1, "Ada")]
    change = place.run(pool)
    assert (place.names(), change.failures, change.drifted) == ({1: "ADA"}, (), {})


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
@pytest.mark.parametrize("make", [stage, swapped])
def test_the_document_follows_although_the_plan_had_nothing_for_it(
    pool: Executor, moment: str, make: Callable[[Content], Stage]
) -> None:
    place = make({1: "Ada", 2: "Mae", 3: "Zora"})
    place.index.put([document(upper(1, "Ada"))])
    getattr(place.table, moment).append(lambda: place.edit(1, "Edna"))
    change = place.run(pool)
    assert item(1).key not in {step.key for step in change.plan.stores[INDEX].steps()}
    assert place.names() == {1: "EDNA", 2: "MAE", 3: "ZORA"}
    assert place.agrees()
    assert change.failures == ()
    assert change.fingerprint == place.fingerprint(pool)
    place.back(pool)
    assert place.names() == {1: "Edna", 2: "Mae", 3: "Zora"}
    assert place.state()[INDEX]["artist-00001"]["artistName"] == "ADA É"


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
@pytest.mark.parametrize("make", [stage, swapped])
def test_what_somebody_deletes_stays_gone(pool: Executor, moment: str, make: Callable[[Content], Stage]) -> None:
    place = make({1: "Ada", 2: "Mae"})
    getattr(place.table, moment).append(lambda: place.edit(1, None))
    change = place.run(pool)
    assert place.names() == {2: "MAE"}
    assert place.agrees(), "its document goes with it"
    assert change.failures == ()
    assert change.fingerprint == place.fingerprint(pool)
    taken_back = place.back(pool)
    assert taken_back.failures == ()
    assert place.names() == {2: "Mae"}
    assert set(place.state()[INDEX]) == {"artist-00001", "artist-00002"}


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
@pytest.mark.parametrize("text", ["EDNA", "ADA"])
def test_what_somebody_has_made_right_is_not_written(pool: Executor, moment: str, text: str) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    right = upper(1, text)
    getattr(place.table, moment).append(lambda: place.table.put([right]))
    change = place.run(pool)
    assert place.names() == {1: text, 2: "MAE"}
    assert place.agrees()
    assert change.failures == ()
    assert change.fingerprint == place.fingerprint(pool)
    if (moment, text) != ("at_write", "ADA"):  # who writes the very same is not told from the command
        taken_back = place.back(pool)
        assert taken_back.failures == (), "what the run did not write it neither takes back nor names"
        assert place.names() == {1: text, 2: "Mae"}


def test_what_the_run_did_not_write_may_change_before_it_is_taken_back(pool: Executor) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    place.table.at_write.append(lambda: place.table.put([upper(1, "EDNA")]))
    place.run(pool)
    place.edit(1, "later")
    taken_back = place.back(pool)
    assert {each.key for each in taken_back.failures if each.store is TABLE} == set()
    assert place.names() == {1: "later", 2: "Mae"}


def test_several_edits_in_a_row_are_all_kept(pool: Executor) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    rest = iter(["one", "two", "three"])

    def edit() -> None:
        text = next(rest, None)
        if text:
            place.edit(1, text)

    place.table.often = edit
    change = place.run(pool)
    assert (place.names(), change.failures) == ({1: "THREE", 2: "MAE"}, ())
    assert place.agrees()
    place.table.often = lambda: None
    assert place.back(pool).failures == ()
    assert place.names() == {1: "three", 2: "Mae"}


def test_who_never_stops_is_named_alone(pool: Executor) -> None:
    place = stage(dict.fromkeys(range(30), "Ada"))
    edits = iter(range(1_000))
    place.table.often = lambda: place.edit(3, f"edit {next(edits)}")
    change = place.run(pool)
    assert failed(change) == {(TABLE, item(3).key, "KeepsChanging")}
    assert change.counts[TABLE] == Counts(replaced=29, failed=1)
    assert next(edits) <= 9
    place.table.often = lambda: None
    assert place.agrees()
    assert change.fingerprint == place.fingerprint(pool)
    name = place.names()[3]
    taken_back = place.back(pool)
    assert taken_back.failures == (), "the run did not write it"
    assert place.names() == dict.fromkeys(range(30), "Ada") | {3: name}


def test_who_writes_the_document_meanwhile_gets_the_items(pool: Executor) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    foreign = Entry("artist-00001", b'{"artistId":"artist-00001","other":true}')
    assert isinstance(place.index, Live)
    place.index.at_write.append(lambda: place.index.put([foreign]))
    change = place.run(pool)
    assert place.agrees()
    assert change.failures == ()
    assert change.drifted == {INDEX: (foreign.key,)}
    place.back(pool)
    assert place.state()[INDEX][foreign.key] == json.loads(foreign.body)


# Somebody else writes after our write.


@pytest.mark.parametrize("verify", [Verify.KEYS, Verify.FULL])
def test_what_somebody_writes_after_us_is_right_if_it_is_right(pool: Executor, verify: Verify) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    place.table.after_write.append(lambda: place.table.put([upper(1, "EDNA")]))
    change = place.run(pool, verify=verify)
    assert (place.names(), change.failures) == ({1: "EDNA", 2: "MAE"}, ())
    assert change.fingerprint == place.fingerprint(pool)


@pytest.mark.parametrize("verify", [Verify.KEYS, Verify.FULL])
@pytest.mark.parametrize("text", ["Edna", None, BROKEN])
def test_what_somebody_writes_after_us_is_theirs_and_is_named_if_it_is_wrong(
    pool: Executor, verify: Verify, text: str | None
) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    place.table.after_write.append(lambda: place.edit(1, text))
    change = place.run(pool, verify=verify)
    assert place.names() == {2: "MAE"} | ({} if text is None else {1: text})
    named = {(each.key, each.error) for each in change.failures if each.store is TABLE}
    assert named == (set() if text is None else {(item(1).key, "NotAsWritten")})
    assert change.fingerprint == place.fingerprint(pool)
    taken_back = place.back(pool)
    assert [each.key for each in taken_back.failures if each.store is TABLE] == [item(1).key]
    assert place.names() == {2: "Mae"} | ({} if text is None else {1: text})


# Failures.


@pytest.mark.parametrize("store", [TABLE, INDEX])
def test_what_is_refused_is_named_and_counted(pool: Executor, store: StoreName) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    key = {TABLE: item(1).key, INDEX: "artist-00001"}[store]
    refusing = place.stores[store]
    assert isinstance(refusing, Live)
    refusing.refused.add(key)
    change = place.run(pool)
    assert (store, key, "ValidationException") in failed(change)
    assert change.counts[store] == Counts(replaced=1, failed=1)
    assert place.state()[INDEX]["artist-00001"]["artistName"] == "Ada é", "no document is ahead of its item"
    assert change.fingerprint == place.fingerprint(pool)


def test_an_image_beside_what_is_derived_that_is_refused_is_named(pool: Executor) -> None:
    """`again` says nothing of it: that it stays as it is does not make it right."""
    images = Live(IMAGES)
    place = stage({1: "Ada"})
    stores = replace(place.stores, images=images)
    images.ensure()
    wanted = make_entry(IMAGES, 1)
    images.refused.add(wanted.key)
    silent = Silent()
    desired = Desired(stores=(IMAGES,), entries=lambda: [(IMAGES, wanted)], derive=silent)
    change = make_equal(stores, desired, place.keeper, pool, How())
    assert failed(change) == {(IMAGES, wanted.key, "ValidationException")}
    assert change.counts[IMAGES] == Counts(failed=1)


def die() -> None:
    raise Killed


@pytest.mark.parametrize("store", [TABLE, INDEX])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_killed_in_the_middle_the_same_again_ends_it(pool: Executor, store: StoreName, batch: int) -> None:
    content = dict.fromkeys(range(100), "Ada")
    place = stage(content)
    before = held(place.stores)
    dying = place.stores[store]
    assert isinstance(dying, Live)
    left = iter(range(batch))
    dying.often = lambda: None if next(left, None) is not None else die()
    with pytest.raises(Killed):
        place.run(pool)
    dying.often = lambda: None
    place.edit(3, "Edna")
    change = place.run(pool)
    assert place.names() == dict.fromkeys(range(100), "ADA") | {3: "EDNA"}
    assert place.agrees()
    assert change.failures == ()
    assert place.back(pool).failures == ()
    after = held(place.stores)
    assert after[INDEX] == before[INDEX]
    assert {key for key in before[TABLE] if before[TABLE][key] != after[TABLE][key]} <= {item(3).key}


# What goes.


def of_items(store: StoreName, key: str) -> bool:
    return store is TABLE


def everything(store: StoreName, key: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("scope", "items", "documents"),
    [(None, {1, 2}, {1, 2}), (of_items, {1}, {1, 2}), (everything, {1}, {1})],
)
def test_what_is_not_wanted_goes_within_the_scope(
    pool: Executor, scope: Scope | None, items: set[int], documents: set[int]
) -> None:
    place = stage({1: "Ada", 2: GOES})
    before = held(place.stores)
    change = place.run(pool, scope=scope)
    assert place.names().keys() == items
    assert set(place.state()[INDEX]) == {f"artist-{number:05}" for number in documents}
    assert change.failures == ()
    assert change.fingerprint == place.fingerprint(pool)
    place.back(pool)
    assert held(place.stores) == before


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
def test_what_is_not_to_go_any_more_stays_with_its_document(pool: Executor, moment: str) -> None:
    place = stage({1: GOES})
    getattr(place.table, moment).append(lambda: place.edit(1, "Edna"))
    change = place.run(pool, scope=everything)
    assert place.names() == {1: "EDNA"}
    assert place.agrees()
    assert change.failures == ()
    assert change.fingerprint == place.fingerprint(pool)


@pytest.mark.parametrize("moment", ["at_get", "at_write"])
def test_what_is_to_go_by_now_goes(pool: Executor, moment: str) -> None:
    place = stage({1: "Ada", 2: "Mae"})
    getattr(place.table, moment).append(lambda: place.edit(1, GOES))
    change = place.run(pool, scope=everything)
    assert place.names() == {2: "MAE"}
    assert place.agrees()
    assert change.failures == ()
    assert change.fingerprint == place.fingerprint(pool)


# An index that is built anew.


@pytest.mark.parametrize("keeps_images", [True, False])
def test_an_index_that_is_built_anew_has_the_documents_of_the_items(pool: Executor, keeps_images: bool) -> None:
    place = swapped({1: "Ada", 2: "MAE"})
    place.keeper.keeps_images = keeps_images
    place.derive.every_document = False
    foreign = Entry("page-1", b'{"title":"x"}')
    place.index.put([foreign])
    change = place.run(pool)
    assert place.indexes.behind == ["index-1"]
    assert place.state()[INDEX][foreign.key] == {"title": "x"}
    assert place.state()[INDEX]["artist-00001"]["artistName"] == "ADA É"
    assert change.failures == ()
    assert change.fingerprint == place.fingerprint(pool)


@pytest.mark.parametrize("keeps_images", [True, False])
def test_who_writes_item_and_document_before_the_swap_finds_the_items_in_it(pool: Executor, keeps_images: bool) -> None:
    """The plan had the document of the item as it was, which the item's own plan knew nothing of."""
    place = swapped({1: "Ada", 2: "Mae"})
    place.keeper.keeps_images = keeps_images
    place.table.put([upper(1, "Ada")])
    edited = upper(1, "EDNA")

    def edit() -> None:
        place.table.put([edited])
        place.index.put([document(edited)])

    place.table.at_get.append(edit)
    change = place.run(pool)
    assert place.names() == {1: "EDNA", 2: "MAE"}
    assert place.agrees()
    assert change.failures == ()


def test_what_reaches_the_old_index_late_follows_the_item(pool: Executor) -> None:
    place = swapped({1: "Ada", 2: "Mae"})
    place.run(pool)
    place.edit(1, "Edna")
    place.edit(2, "Zora")
    old = place.indexes.held["index-1"]
    place.indexes.behind = ["index-1"]
    place.indexes.differs = ()
    door = Always(place.indexes)
    stores = replace(place.stores, index=door, index_door=door)
    place = Stage(stores, place.table, door, place.derive, indexes=place.indexes)
    late = Entry("artist-00001", b'{"artistId":"artist-00001","late":true}')
    place.indexes.after.append(lambda: old.update({late.key: late}))
    change = place.run(pool)
    assert place.indexes.behind == ["index-2"]
    assert place.names() == {1: "EDNA", 2: "ZORA"}
    assert place.agrees()
    assert change.failures == ()
    assert change.drifted == {INDEX: (late.key,)}
    place.back(pool)
    assert place.state()[INDEX][late.key]["late"] is True


def test_a_large_index_of_which_more_than_half_changes_is_swapped_too(pool: Executor) -> None:
    content = dict.fromkeys(range(SWAP_DOCUMENTS + 1), "Ada")
    place = stage(content, index=Door(Indexes()))
    place.table.at_get.append(lambda: place.edit(5, "Edna"))
    place.table.at_write.append(lambda: place.edit(7, "Mae"))
    change = place.run(pool)
    assert place.indexes.behind == ["index-1"]
    assert change.failures == ()
    assert place.names() == dict.fromkeys(content, "ADA") | {5: "EDNA", 7: "MAE"}
    assert place.agrees()
    assert change.fingerprint == place.fingerprint(pool)


# Whatever the order.


#: Each edit writes what nobody else writes, so that it can be told whose a value is.
_edits = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["lower", "UPPER", "gone", BROKEN])), max_size=14)


def _as_edits(drawn: Sequence[tuple[int, str]]) -> list[Edit]:
    made: list[Edit] = []
    for place, (number, what) in enumerate(drawn):
        right = upper(number, f"UPPER {place}")
        edit: Edit = item(number, f"{what} {place}")
        made.append(target(number) if what == "gone" else right if what == "UPPER" else edit)
    return made


@settings(max_examples=100)
@given(_edits, st.booleans())
def test_in_whatever_order_somebody_writes_nothing_is_lost(drawn: Sequence[tuple[int, str]], rebuilt: bool) -> None:
    content = dict.fromkeys(range(6), "Ada")
    table = Interleaved(_as_edits(drawn))
    place = stage(content, table=table, index=Door(Indexes()) if rebuilt else Live(INDEX))
    place.indexes.differs = ("dynamic is true",)
    documents = held(place.stores)[INDEX]
    theirs = {item(number).key: item(number, text) for number, text in content.items()}
    with ThreadPoolExecutor(2) as pool:
        change = place.run(pool)
        theirs_now = theirs | table.last
        named = {each.key: each.error for each in change.failures if each.store is TABLE}
        there = held(place.stores)
        for key, theirs_last in theirs_now.items():
            now = there[TABLE].get(key)
            if theirs_last is None:
                assert now is None
            elif key in table.ours:
                made = up(theirs_last)
                assert isinstance(made, Entry)
                assert now == made.body
                assert key not in named
                assert there[INDEX][key_of(theirs_last)] == document(made).body
            else:
                assert now == theirs_last.body
                assert (key in named) is (up(theirs_last) is not theirs_last)
        assert change.fingerprint == place.fingerprint(pool)
        taken_back = place.back(pool)
        there = held(place.stores)
        assert there[TABLE] == {key: each.body for key, each in theirs_now.items() if each is not None}
        assert there[INDEX] == documents
        assert {each.key for each in taken_back.failures} <= table.written
        assert all(each.is_conflict for each in taken_back.failures)
