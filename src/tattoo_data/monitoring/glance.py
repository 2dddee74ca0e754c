"""Glance: a light check, in under ten requests. Read-only.

Each store is described, the index counted as searches see it, and one page of the table held against its documents on
every field. Documents whose artist is gone are found by a full check alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from tattoo_data.engine.scan import second_items
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.monitoring.comparison import NAMED, difference_of
from tattoo_data.monitoring.reading import Reading, tried
from tattoo_data.monitoring.sample import Compared, Consistency
from tattoo_data.stores.base import Store
from tattoo_data.stores.index_door import IndexDoor
from tattoo_data.sync.pair import artist_of

_TABLE, _INDEX = StoreName.TABLE, StoreName.INDEX
#: So many artists of a page are compared: their documents are one request.
_AT_MOST = 1000


@dataclass(slots=True)
class Walk:
    """Where the light checks of one target are in the table: each goes on where the one before ended."""

    cursor: object = None


def glance(env: Environment, walk: Walk) -> tuple[Mapping[StoreName, Reading], Consistency]:
    """Look at each store, and compare the next page of the table."""
    with ThreadPoolExecutor(len(StoreName)) as beside:
        read = dict(zip(StoreName, beside.map(partial(_described, env), StoreName), strict=True))
    page: list[Entry] = []
    compared: list[Consistency] = []

    def read_page() -> Reading:
        start, walk.cursor = walk.cursor, None  # where it fails, the next one begins anew
        found = env.stores.table.page(0, 1, start)
        walk.cursor = found.next
        page.extend(found.entries)
        return read[_TABLE]

    def read_index() -> Reading:
        if read[_TABLE].is_there:
            compared.append(_compare(env.stores.table, env.index, page))
        return replace(read[_INDEX], count=_count(env.index))

    for name, look in ((_TABLE, read_page), (_INDEX, read_index)):
        if read[name].is_there:
            read[name] = tried(look)
    return read, compared[0] if compared and read[_INDEX].is_there else Consistency()


def _described(env: Environment, name: StoreName) -> Reading:
    return tried(lambda: Reading(description=env.stores[name].describe()))


def _count(index: IndexDoor) -> int:
    answer = index.search({"size": 0, "track_total_hits": True})
    return int(answer["hits"]["total"]["value"])


def _compare(table: Store, index: IndexDoor, page: Sequence[Entry]) -> Consistency:
    """The artists of a page of the table, held against their documents."""
    artists = {item.key: record for item in page if (record := artist_of(item.key)) is not None}
    hidden = second_items(table, artists)
    found = ((artists[item.key].id, item) for item in page if item.key in artists and item.key not in hidden)
    items = dict(islice(found, _AT_MOST))
    documents = {each.key: each for each in index.get(list(items))}
    if missing := [key for key in items if key not in documents]:
        documents |= {each.key: each for each in _routed(index, missing)}
    pairs = ((key, item, documents.get(key)) for key, item in sorted(items.items()))
    differences = [each for pair in pairs if (each := difference_of(*pair)) is not None]
    kinds = [each.kind for each in differences]
    return Consistency(
        compared=Compared.SAMPLE,
        artists=len(items),
        consistent=not differences,
        missing=kinds.count("missing"),
        different=kinds.count("different"),
        differences=tuple(differences[:NAMED]),
    )


def _routed(index: IndexDoor, keys: Sequence[str]) -> list[Entry]:
    """Those of some documents that were written with a routing: without it, their keys do not find them."""
    body: dict[str, Any] = {"query": {"ids": {"values": keys}}, "size": len(keys), "_source": False}
    hits = index.search(body)["hits"]["hits"]
    routing = {hit["_id"]: hit["_routing"] for hit in hits if "_routing" in hit}
    return index.get(list(routing), routing) if routing else []
