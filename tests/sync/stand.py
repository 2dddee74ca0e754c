"""Stand: a target in memory whose table and index hold artists, and the commands of sync on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from tattoo_data.model.canonical import canonical_document, canonical_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.model.project import document_of
from tattoo_data.runs.session import WriteOptions
from tattoo_data.stores.base import NOT_ROUTED, Routing, Target
from tattoo_data.sync.across import Synced, SyncOptions, index_to_table, table_to_index
from tattoo_data.sync.conflict import Side
from tattoo_data.sync.detect import Detected, detect
from tattoo_data.sync.point import take_point
from tattoo_data.sync.policy import Policy, Strategy
from tattoo_data.sync.resolve import Resolved, ResolveOptions, resolve
from tests.engine.derived import Live
from tests.engine.test_plan import held
from tests.runs import Desk, Shelf, desk

TABLE, INDEX, IMAGES = StoreName.TABLE, StoreName.INDEX, StoreName.IMAGES
Fields = Mapping[str, object]


class Sharded(Live):
    """An index of many shards: a document that was written with a routing is found by it alone."""

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return [each for each in super().get(keys, routing) if each.routing == routing.get(each.key)]


class Stand:
    """Table, index and images in memory, written past the commands by `put`, `index` and so on."""

    def __init__(self, folder: Path, pool: Executor, shelf: Shelf | None = None) -> None:
        self.table, self.documents, self.images = Live(TABLE), Sharded(INDEX), Live(IMAGES)
        stores = {"table": self.table, "index": self.documents, "images": self.images}
        self.desk: Desk = desk(folder, pool, stores, shelf)
        self.env = self.desk.env
        for store in (self.table, self.documents, self.images):
            store.ensure()

    def item(self, artist: str, sort_key: str = "METADATA", /, **attributes: Any) -> Entry:
        """Put an artist's item of typed attributes; texts may be given as they are."""
        typed = {name: {"S": value} if isinstance(value, str) else value for name, value in attributes.items()}
        body = {"PK": {"S": f"ARTIST#{artist}"}, "SK": {"S": sort_key}, "artistId": {"S": artist}, **typed}
        entry = Entry(key_of(artist, sort_key), canonical_item(json.dumps(body).encode()))
        self.table.put([entry])
        return entry

    def document(self, artist: str, /, **fields: object) -> Entry:
        """Put a document as an application would write it."""
        return self.raw(artist, {"artistId": artist, **fields})

    def raw(self, key: str, body: object, routing: str | None = None) -> Entry:
        """Put any document."""
        entry = Entry(key, json.dumps(body).encode(), routing)
        self.documents.put([entry])
        return entry

    def both(self, artist: str, /, **attributes: Any) -> None:
        """Put an item and the document that it gives."""
        document = document_of(self.item(artist, **attributes))
        assert document is not None
        self.documents.put([document])

    def lose(self, artist: str, *stores: StoreName) -> None:
        """Delete an artist from some stores."""
        if TABLE in stores:
            self.table.delete([Target(key_of(artist))])
        if INDEX in stores:
            self.documents.delete([Target(artist)])

    def to_index(self, *, write: WriteOptions | None = None, **options: bool) -> Synced:
        """`sync dynamo-to-os`."""
        return table_to_index(self.env, SyncOptions(write=write or WriteOptions(), **options))

    def to_table(self, *, write: WriteOptions | None = None, **options: bool) -> Synced:
        """`sync os-to-dynamo`."""
        return index_to_table(self.env, SyncOptions(write=write or WriteOptions(), **options))

    def point(self, name: str = "base") -> str:
        """`sync sync-point`, without the file."""
        self.desk.machine.passes(1)
        return take_point(self.env, name).reference

    def detect(self) -> Detected:
        """`sync detect-conflicts`."""
        return detect(self.env)

    def kinds(self) -> dict[str, str]:
        """What is in conflict, by artist."""
        return {each.id: each.kind for each in self.detect().conflicts}

    def resolve(
        self,
        strategy: Strategy = Strategy.LATEST,
        *,
        prefer: Side | None = None,
        apply: Path | None = None,
        allow_empty: bool = False,
        write: WriteOptions | None = None,
    ) -> Resolved:
        """`sync resolve-conflicts`."""
        self.desk.machine.passes(1)
        policy = Policy(strategy=strategy, prefer=prefer)
        options = ResolveOptions(policy=policy, apply=apply, allow_empty=allow_empty, write=write or WriteOptions())
        return resolve(self.env, options)

    def items(self) -> dict[str, Any]:
        """Every item's attributes, by key."""
        return {key: json.loads(body) for key, body in held(self.env.stores)[TABLE].items()}

    def attributes(self, artist: str, sort_key: str = "METADATA") -> Any:
        """The attributes of an artist's item; None where there is none."""
        return self.items().get(key_of(artist, sort_key))

    def fields(self, artist: str) -> Any:
        """The fields of a document; None where there is none."""
        body = held(self.env.stores)[INDEX].get(artist)
        return None if body is None else json.loads(body)

    def state(self) -> dict[StoreName, dict[str, bytes]]:
        """All that the stores hold."""
        return held(self.env.stores)

    def disagree(self) -> set[str]:
        """The artists whose document is not what their item gives, or who lack one of both; of documents, only those
        whose artistId is their id."""
        state = self.state()
        found = (document_of(Entry(key, body)) for key, body in state[TABLE].items())
        given = {made.key: made.body for made in found if made is not None}
        there = {key: canonical_document(body) for key, body in state[INDEX].items()}
        artists = {key for key, body in there.items() if json.loads(body).get("artistId") == key}
        return {key for key in given.keys() | artists if given.get(key) != there.get(key)}


def key_of(artist: str, sort_key: str = "METADATA") -> str:
    """The key of an artist's item."""
    return item_key(f"ARTIST#{artist}", sort_key)


def failed(synced: Synced | Resolved) -> set[tuple[str, str, str]]:
    """What failed: store, key and error."""
    return {(each.store.value, each.key, each.error) for each in synced.change.failures}
