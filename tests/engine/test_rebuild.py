"""Rebuild: a lost index filled from the table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tattoo_data.engine.rebuild import rebuild_index
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import record_key
from tattoo_data.model.records import Kind
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
