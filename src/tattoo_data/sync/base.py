"""Base: what a sync point held of each artist, to hold both sides against. Read-only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from tattoo_data.backups.catalogue import Snapshot
from tattoo_data.backups.contents import content_of
from tattoo_data.engine.spool import Spool, place_of
from tattoo_data.environment import Environment
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import SORT_KEY
from tattoo_data.sync.conflict import Base, base_of
from tattoo_data.sync.pair import BROKEN, artist_of


class _Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One side of an artist at the sync point. `key` is the artist's id, `entry` the entry's own key."""

    key: str
    store: str
    entry: str
    body: bytes

    @property
    def size(self) -> int:
        """The bytes of its body."""
        return len(self.body)


class Bases:
    """The bases of one sync point, spooled; those of one place are at hand. It is read when the first one is asked
    for. Safe from several threads."""

    def __init__(self, env: Environment, point: Snapshot | None) -> None:
        self._env = env
        self._point = point
        self._kept: Spool[_Kept] | None = None
        self._place = -1
        self._items: dict[str, Entry] = {}
        self._documents: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def of(self, artist: str) -> Base | None:
        """None without a sync point, and where what it held cannot be told. Raises `IntegrityFailed` where it is
        damaged."""
        if self._point is None:
            return None
        with self._lock:
            if (place := place_of(StoreName.INDEX, artist)) != self._place:
                self._turn_to(place, self._point)
            with suppress(*BROKEN):
                return base_of(self._items.get(artist), self._documents.get(artist))
        return None

    def has(self, artist: str) -> bool:
        """Whether both sides held the artist at the sync point."""
        base = self.of(artist)
        return base is not None and base.form is not None

    def _turn_to(self, place: int, point: Snapshot) -> None:
        if self._kept is None:
            self._kept = Spool(_Kept, StoreName.INDEX)
            self._kept.add(self._read(point))
        self._place, self._items, self._documents = place, {}, {}
        for each in self._kept.part(place):
            entry = Entry(each.entry, each.body)
            if each.store == StoreName.INDEX:
                self._documents[each.key] = entry
            elif each.key not in self._items or _is_own(each.entry):
                self._items[each.key] = entry

    def _read(self, point: Snapshot) -> Iterator[_Kept]:
        for store, entry in content_of(self._env, point.manifest).entries():
            if store is StoreName.INDEX:
                yield _Kept(entry.key, store.value, entry.key, entry.body)
            elif store is StoreName.TABLE and (record := artist_of(entry.key)) is not None:
                yield _Kept(record.id, store.value, entry.key, entry.body)


def _is_own(key: str) -> bool:
    """Whether an artist's key is of the application's form, which counts where there are two."""
    record = artist_of(key)
    return record is not None and record.sort_key == SORT_KEY
