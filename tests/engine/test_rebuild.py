"""Rebuild: a lost index filled from the table."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tattoo_data.engine.rebuild import Rebuilt, rebuild_index
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import record_key
from tattoo_data.model.records import Kind
from tattoo_data.stores.base import Outcome, TransientError
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.memory import MemoryStore

TABLE, INDEX, IMAGES = StoreName


@pytest.mark.parametrize("forms", [("METADATA", "PROFILE"), ("PROFILE", "METADATA"), ("PROFILE",)])
def test_of_two_items_of_one_artist_ours_gives_the_document(forms: tuple[str, ...]) -> None:
    table, index, images = map(MemoryStore, StoreName)
    table.ensure()
    for form in forms:
        body = b'{"PK":{"S":"ARTIST#a"},"SK":{"S":"%b"},"bio":{"S":"%b"}}' % (form.encode(), form.encode())
        table.put([Entry(record_key(Kind.ARTIST, "a", form), body)])
    door: Any = index
    with ThreadPoolExecutor(2) as pool:
        assert rebuild_index(LiveStores(table=table, index=index, images=images), pool, door)
    (document,) = index.get(["a"])
    assert document.body == b'{"bio":"%b"}' % min(forms).encode()


class Refusing(MemoryStore):
    """An index that does not take the document `b`."""

    transient = False

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        taken = {each.key: each for each in super().put([entry for entry in entries if entry.key != "b"])}
        refused = Outcome("b", "mapper_parsing_exception", "no point", transient=self.transient)
        return [taken.get(entry.key, refused) for entry in entries]


def rebuilt(index: MemoryStore, *artists: str) -> Rebuilt | None:
    """Rebuild an index from a table of these artists."""
    table = MemoryStore(TABLE)
    table.ensure()
    for artist in artists:
        body = b'{"PK":{"S":"ARTIST#%b"},"SK":{"S":"METADATA"}}' % artist.encode()
        table.put([Entry(record_key(Kind.ARTIST, artist), body)])
    door: Any = index
    door.index = "artists"
    with ThreadPoolExecutor(2) as pool:
        return rebuild_index(LiveStores(table=table, index=index, images=MemoryStore(IMAGES)), pool, door)


def test_what_a_rebuild_that_was_killed_left_is_made_whole() -> None:
    index = MemoryStore(INDEX)
    index.ensure()
    index.put([Entry("a", b'{"half":1}')])
    assert str(rebuilt(index, "a", "b")) == "The index was rebuilt from the table."
    assert {each.key: each.body for each in index.get(["a", "b"])} == {"a": b"{}", "b": b"{}"}


def test_a_document_that_is_refused_keeps_nobody_out_and_is_named() -> None:
    index = Refusing(INDEX)
    found = rebuilt(index, "a", "b", "c")
    assert str(found).endswith("but for 1 document it refused, first b: no point")
    assert len(index.get(["a", "b", "c"])) == 2


def test_a_document_that_may_be_taken_later_leaves_the_rebuild_undone() -> None:
    index = Refusing(INDEX)
    index.transient = True
    with pytest.raises(TransientError, match="b was not taken: no point"):
        rebuilt(index, "a", "b", "c")


def test_without_a_table_nothing_is_made() -> None:
    stores = {name: MemoryStore(name) for name in StoreName}
    door: Any = stores[INDEX]
    with ThreadPoolExecutor(2) as pool:
        found = rebuild_index(LiveStores(table=stores[TABLE], index=door, images=stores[IMAGES]), pool, door)
    assert found is None
    assert stores[INDEX].describe() is None


class Ordered(MemoryStore):
    """A store that notes in which order it is asked."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.asked: list[str] = []

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        self.asked.append("put")
        return super().put(entries)

    def settle(self) -> None:
        self.asked.append("settle")


def test_what_was_written_is_made_visible_afterwards() -> None:
    table, index, images = MemoryStore(TABLE), Ordered(INDEX), MemoryStore(IMAGES)
    table.ensure()
    table.put([Entry(record_key(Kind.ARTIST, "a"), b'{"PK":{"S":"ARTIST#a"},"SK":{"S":"METADATA"}}')])
    door: Any = index
    with ThreadPoolExecutor(2) as pool:
        rebuild_index(LiveStores(table=table, index=index, images=images), pool, door)
    assert index.asked == ["put", "settle"]
