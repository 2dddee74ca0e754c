"""Diffs on a target in memory: what is told is what an apply would do, in both directions, store by store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tattoo_data.engine.plan import Desired, Wanted, gather
from tattoo_data.engine.scan import Live, read_all
from tattoo_data.engine.spool import Spool
from tattoo_data.errors import StoreMissing, StructureRefused, UsageError
from tattoo_data.model.difference import spell_path
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.stores.base import Description
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tattoo_data.views.contents import Opened
from tattoo_data.views.diff import SORTED, Became, Comparison, Summary, compare
from tattoo_data.views.sides import Kind, Side
from tests.engine.test_plan import Content, contents
from tests.runs import TARGET, Desk, desk, wanted

TABLE, INDEX, IMAGES = StoreName
LIVE = Opened(Side(kind=Kind.LIVE, name="live"), None)
ADA: Content = dict.fromkeys(range(30), "Ada")
#: Another `ADA`: five entries less, five more, ten others.
OTHER: Content = {**dict.fromkeys(range(5, 35), "Ada"), **dict.fromkeys(range(10, 20), "Mae")}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with ThreadPoolExecutor(2) as pool:
        yield desk(tmp_path, pool)


def opened(content: Content | Desired, name: str = "some") -> Opened:
    """A side that holds just this."""
    held = content if isinstance(content, Desired) else wanted(content)
    return Opened(Side(kind=Kind.STATE, name=name), held)


def with_digests(content: Content, seen: list[Mapping[StoreName, Live]]) -> Opened:
    """A side that gives no body where the other side has the very digest, as a snapshot does, and notes what it was
    told of the other."""

    def give(live: Mapping[StoreName, Live], stores: object) -> Mapping[StoreName, Spool[Wanted]]:
        seen.append(live)
        lean = {name: Spool(Wanted, name) for name in StoreName}
        for name, spool in gather(wanted(content)).items():
            there = {(held.key, held.digest) for part in live[name].held.parts() for held in part}
            for part in spool.parts():
                lean[name].add(
                    Wanted(each.key, each.digest, b"" if (each.key, each.digest) in there else each.body)
                    for each in part
                )
        return lean

    return opened(Desired(stores=tuple(StoreName), wanted=give))


def told(found: Comparison, store: StoreName) -> list[tuple[str, str]]:
    return [(each.became.value, each.key) for each in found.differences(store)]


def key(store: StoreName, number: int) -> str:
    return make_entry(store, number).key


def test_the_live_stores_are_compared_with_a_state(place: Desk) -> None:
    place.write(OTHER)
    found = compare(place.env, opened(ADA), LIVE)
    assert not found.is_equal
    assert found.skipped == {}
    for store in StoreName:
        assert found.summary[store] == Summary(created=5, deleted=5, changed=10, same=15)
        assert told(found, store) == [
            *(("created", key(store, number)) for number in range(30, 35)),
            *(("deleted", key(store, number)) for number in range(5)),
            *(("changed", key(store, number)) for number in range(10, 20)),
        ]
    assert len(list(found.every())) == 60


def test_each_change_tells_its_fields(place: Desk) -> None:
    place.write({1: "Mae"})
    found = compare(place.env, opened({1: "Ada"}), LIVE)
    ((item,), (document,), (picture,)) = (list(found.differences(store)) for store in StoreName)
    assert [(spell_path(each.path), each.before, each.after) for each in item.fields()] == [
        ("artistName", {"S": "Ada é"}, {"S": "Mae é"})
    ]
    assert [(spell_path(each.path), each.before, each.after) for each in document.fields()] == [
        ("artistName", "Ada é", "Mae é")
    ]
    assert [spell_path(each.path) for each in picture.fields()] == ["md5"]


def test_what_only_one_side_has_tells_no_fields(place: Desk) -> None:
    place.write({})
    found = compare(place.env, opened({1: "Ada"}), LIVE)
    assert [each.fields() for each in found.every()] == [[], [], []]


def test_both_fingerprints_are_those_of_the_stores(place: Desk) -> None:
    place.write(ADA)
    live = read_all(place.env.stores, place.env.pool)
    sums = {name: live[name].total.hex() for name in StoreName}
    found = compare(place.env, opened(OTHER), LIVE)
    assert found.b.fingerprint == state_fingerprint(sums)
    assert found.a.fingerprint not in (None, found.b.fingerprint)
    assert compare(place.env, opened(ADA), LIVE).a.fingerprint == found.b.fingerprint
    part = compare(place.env, opened(OTHER), LIVE, only=[TABLE])
    assert part.b.fingerprint is None, "the others were not read"
    assert {name: total.hex() for name, total in part.b.sums.items()} == {TABLE: sums[TABLE]}


@given(contents, contents)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_summary_is_what_a_model_says_and_turns_round(place: Desk, before: Content, after: Content) -> None:
    there = compare(place.env, opened(before), opened(after))
    back = compare(place.env, opened(after), opened(before))
    for store in StoreName:
        summary = there.summary[store]
        assert summary == Summary(
            created=len(after.keys() - before.keys()),
            deleted=len(before.keys() - after.keys()),
            changed=sum(before[each] != after[each] for each in before.keys() & after.keys()),
            same=sum(before[each] == after[each] for each in before.keys() & after.keys()),
        )
        mirrored = {"created": "deleted", "deleted": "created", "changed": "changed"}
        assert sorted((mirrored[became], key) for became, key in told(there, store)) == sorted(told(back, store))
        assert all(each.fields() for each in there.differences(store) if each.became is Became.CHANGED)
    assert there.is_equal is (before == after)
    assert (there.a.fingerprint, there.b.fingerprint) == (back.b.fingerprint, back.a.fingerprint)


@given(contents, contents)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_an_apply_does_is_what_was_told_and_nothing_is_left(place: Desk, before: Content, after: Content) -> None:
    place.write(before)
    found = compare(place.env, LIVE, opened(after))
    change = place.write(after)
    for store in StoreName:
        counts, summary = change.counts[store], found.summary[store]
        assert (counts.created, counts.deleted, counts.replaced) == (summary.created, summary.deleted, summary.changed)
    assert compare(place.env, LIVE, opened(after)).is_equal


def test_only_the_stores_that_were_asked_for(place: Desk) -> None:
    found = compare(place.env, opened(ADA), opened(OTHER), only=[INDEX])
    assert list(found.summary) == [INDEX]
    assert {each.store for each in found.every()} == {INDEX}


def test_a_store_that_one_side_does_not_hold_is_not_compared_and_that_is_said(place: Desk) -> None:
    some = opened(wanted(OTHER, [TABLE, INDEX]), "lean")
    found = compare(place.env, opened(ADA), some)
    assert list(found.summary) == [TABLE, INDEX]
    assert found.skipped == {IMAGES: "state lean holds no images"}
    both = compare(place.env, opened(wanted(ADA, [TABLE])), some)
    assert both.skipped[IMAGES] == "state some and state lean hold no images"
    assert compare(place.env, opened(ADA), some, only=[TABLE]).skipped == {}, "nobody asked for the others"


@pytest.mark.parametrize("only", [(), (INDEX,)])
def test_what_has_no_store_in_common_is_not_called_equal(place: Desk, only: tuple[StoreName, ...]) -> None:
    with pytest.raises(UsageError, match=r"nothing to compare: .*state some holds no index"):
        compare(place.env, opened(wanted(ADA, [TABLE])), opened(wanted(ADA, [INDEX])), only=only)


@pytest.mark.parametrize(
    ("pattern", "store", "numbers"),
    [
        ("ARTIST#artist-0000?", TABLE, range(10)),
        ("*-0001[02]", TABLE, (10, 12)),
        ("artist-00001", TABLE, ()),
        ("artist-0000?", INDEX, range(10)),
        ("ARTIST#artist-0000?", INDEX, range(10)),
        ("pictures/0000[1-3]*", IMAGES, (1, 2, 3)),
        ("ARTIST*", IMAGES, ()),
        ("artist-0000", INDEX, ()),
    ],
)
def test_only_the_keys_that_are_like_a_pattern(
    place: Desk, pattern: str, store: StoreName, numbers: range | tuple[int, ...]
) -> None:
    whole = compare(place.env, opened(ADA), opened({}))
    found = compare(place.env, opened(ADA), opened({}), keys=pattern)
    assert told(found, store) == [("deleted", key(store, number)) for number in numbers]
    assert found.summary[store] == Summary(deleted=len(numbers))
    assert found.a.fingerprint == whole.a.fingerprint, "it is that of the whole side"
    same = compare(place.env, opened(ADA), opened(ADA), keys=pattern)
    assert same.summary[store] == Summary(same=len(numbers))


def test_more_than_are_sorted_come_once_each_place_by_place(place: Desk) -> None:
    many: Content = dict.fromkeys(range(SORTED + 1), "Ada")
    found = compare(place.env, opened({}), opened(many), only=[TABLE])
    keys = [each.key for each in found.differences(TABLE)]
    assert len(keys) == len(set(keys)) == SORTED + 1
    assert keys != sorted(keys)
    assert keys == [each.key for each in found.differences(TABLE)], "the same again"


def test_a_side_that_knows_digests_is_told_what_the_other_has(place: Desk) -> None:
    place.write(OTHER)
    for turned in (False, True):
        seen: list[Mapping[StoreName, Live]] = []
        sides = (LIVE, with_digests(ADA, seen)) if turned else (with_digests(ADA, seen), LIVE)
        found = compare(place.env, *sides)
        assert found.summary[TABLE].same == 15
        assert all(each.fields() for each in found.every() if each.became is Became.CHANGED)
        ((live),) = seen
        assert sum(len(part) for part in live[TABLE].held.parts()) == 30


def test_of_two_sides_that_know_digests_the_first_gives_everything(place: Desk) -> None:
    seen: list[Mapping[StoreName, Live]] = []
    found = compare(place.env, with_digests(ADA, seen), with_digests(OTHER, seen))
    assert [sum(len(part) for part in live[INDEX].held.parts()) for live in seen] == [0, 30]
    assert all(each.fields() for each in found.every() if each.became is Became.CHANGED)
    assert found.summary[INDEX] == Summary(created=5, deleted=5, changed=10, same=15)


@pytest.mark.parametrize("store", [TABLE, INDEX])
def test_a_live_store_that_is_missing_is_told_with_what_makes_it(tmp_path: Path, store: StoreName) -> None:
    with ThreadPoolExecutor(1) as pool:
        place = desk(tmp_path, pool)
        for each in StoreName:
            if each is not store:
                place.env.stores[each].ensure()
        with pytest.raises(StoreMissing) as missing:
            compare(place.env, opened(ADA), LIVE)
        assert (missing.value.exit_code, missing.value.fields["store"]) == (10, store.value)
        assert "reset" in missing.value.hint
        rest = [each for each in StoreName if each is not store]
        assert compare(place.env, opened(ADA), LIVE, only=rest).summary[rest[0]].deleted == 30


def test_a_missing_image_bucket_holds_no_images_and_that_is_said(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        place = desk(tmp_path, pool)
        place.env.stores.table.ensure()
        place.env.stores.index.ensure()
        assert compare(place.env, opened(ADA), LIVE).summary[IMAGES] == Summary(deleted=30)
        (said,) = place.said
        assert said == f"note: the image bucket {TARGET.image_bucket} does not exist: it is compared as an empty one."


class Refused(MemoryStore):
    """A table with keys of another form, which cannot be read as ours."""

    def describe(self) -> Description | None:
        return replace(self._description(0), refused=("it has the keys id",))


def test_a_table_of_another_structure_is_refused(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        place = desk(tmp_path, pool, {"table": Refused(TABLE)})
        with pytest.raises(StructureRefused, match="it has the keys id"):
            compare(place.env, opened(ADA), LIVE, only=[TABLE])
