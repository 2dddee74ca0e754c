"""Spools: the same records whether they fit into memory or not."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.engine.plan import Wanted
from tattoo_data.engine.scan import Held
from tattoo_data.engine.spool import LIMIT, PLACES, Spool, place_of
from tattoo_data.errors import ScratchFailed
from tattoo_data.model.before import BeforeImage, BlobRef
from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import item_key

texts = st.text(st.characters(codec="utf-8"), max_size=6)
bodies = st.binary(max_size=40)
images = st.builds(
    BeforeImage,
    texts,
    st.none() | bodies,
    st.none() | bodies,
    st.none() | texts,
    st.none() | st.builds(BlobRef, texts, texts),
    st.booleans(),
)
#: In memory, in a file from some point on, and in a file at once.
LIMITS = (LIMIT, 1_000, 0)


def spooled(records: Sequence[BeforeImage], limit: int, length: int = 3) -> Spool[BeforeImage]:
    spool = Spool(BeforeImage, StoreName.INDEX, limit)
    for start in range(0, len(records), length):
        spool.add(iter(records[start : start + length]))
    return spool


@pytest.mark.parametrize("limit", LIMITS)
@given(st.lists(images, max_size=30), st.integers(1, 10))
def test_what_is_added_is_read_in_its_order_within_a_place(limit: int, records: list[BeforeImage], length: int) -> None:
    spool = spooled(records, limit, length)
    assert spool.count == len(records)
    for place, part in enumerate(spool.parts()):
        assert part == [each for each in records if place_of(StoreName.INDEX, each.key) == place]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_part_is_read_as_often_as_one_likes(limit: int) -> None:
    spool = spooled([BeforeImage(f"k{number}", b"x", None) for number in range(100)], limit)
    assert [spool.part(place) for place in range(PLACES)] == list(spool.parts()) == list(spool.parts())


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize(
    "record",
    [
        Held("é", b"\x00\xff" * 16, "routing"),
        Held("k", b"", None),
        Wanted("k", b"d" * 32, b'{"n":1.50}', "r"),
        BeforeImage("k", None, None),
        BeforeImage("k", b"", b"after", "r", BlobRef("sha", "image/png"), True),
    ],
)
def test_every_kind_of_record_comes_back(limit: int, record: Held | Wanted | BeforeImage) -> None:
    spool: Spool[Held | Wanted | BeforeImage] = Spool(type(record), StoreName.IMAGES, limit)
    spool.add([record])
    spool.add([record])
    assert spool.part(place_of(StoreName.IMAGES, record.key)) == [record, record]


@pytest.mark.parametrize("limit", LIMITS)
def test_several_threads_add_at_once(limit: int) -> None:
    spool = Spool(Held, StoreName.INDEX, limit)

    def add(thread: int) -> None:
        for number in range(50):
            spool.add(Held(f"{thread}-{number}-{each}", b"d" * 32) for each in range(5))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    found = [record.key for part in spool.parts() for record in part]
    assert spool.count == len(found) == 8 * 50 * 5
    assert set(found) == {f"{a}-{b}-{c}" for a in range(8) for b in range(50) for c in range(5)}


@pytest.mark.parametrize("limit", LIMITS)
def test_parts_are_read_at_once(limit: int) -> None:
    spool = spooled([BeforeImage(f"k{number}", b"x" * 50, None) for number in range(2_000)], limit)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(spool.part, range(PLACES))) == list(spool.parts())


@given(texts, texts, texts)
def test_all_items_of_a_partition_share_a_place(pk: str, one: str, other: str) -> None:
    assert place_of(StoreName.TABLE, item_key(pk, one)) == place_of(StoreName.TABLE, item_key(pk, other))


def test_the_two_forms_of_a_record_share_a_place() -> None:
    places = [
        {place_of(StoreName.TABLE, item_key(f"ARTIST#artist-{number}", key)) for key in ("METADATA", "PROFILE")}
        for number in range(500)
    ]
    assert all(len(each) == 1 for each in places)
    assert len({place for each in places for place in each}) > PLACES // 2


def test_a_key_that_looks_like_another_is_no_other() -> None:
    keys = [item_key('A"},"SK":', "x"), item_key("A", '"},"SK":')]
    assert len(set(keys)) == 2
    assert place_of(StoreName.TABLE, keys[1]) == place_of(StoreName.TABLE, item_key("A", "x"))


@given(st.sampled_from(list(StoreName)), texts)
def test_every_key_has_one_of_the_places(store: StoreName, text: str) -> None:
    key = item_key(text, text) if store is StoreName.TABLE else text
    assert 0 <= place_of(store, key) < PLACES


def test_what_is_few_is_not_written_to_a_file() -> None:
    spool = spooled([BeforeImage("k", b"x", None)], LIMIT)
    assert spool._file is None


def test_memory_is_let_go_when_the_limit_is_passed() -> None:
    spool = Spool(BeforeImage, StoreName.INDEX, 10_000)
    for number in range(100):
        spool.add([BeforeImage(f"k{number}", b"x" * 1_000, None)])
        assert sum(map(len, spool._places)) < 10
    assert spool._file is not None


def test_the_file_goes_with_its_spool() -> None:
    spool = spooled([BeforeImage("k", b"x", None)], 0)
    file = spool._file
    assert file is not None
    assert not file.closed
    del spool
    gc.collect()
    assert file.closed


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "missing"
    monkeypatch.setattr(tempfile, "tempdir", str(missing))
    with pytest.raises(ScratchFailed, match=f"{missing} could not be written: No such file") as caught:
        spooled([BeforeImage("k", b"x", None)], 0)
    assert "TMPDIR" in caught.value.hint
    assert "half done" not in caught.value.hint, "an apply that was begun is"
