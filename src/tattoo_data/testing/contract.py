"""The contract suite: what every store promises, as tests.

A subclass gives the fixture `store`: a store that does not exist yet, of any engine. Whatever it is, all of these
pass, or it is no store of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.model.keys import item_key
from tattoo_data.stores.base import CHANGED, Exchange, Store, Target, scan


def make_entry(name: StoreName, number: int, content: str = "") -> Entry:
    """An entry of a store; the same number gives the same key."""
    return _MAKERS[name](number, content)


def _item(number: int, content: str) -> Entry:
    key = item_key(f"ARTIST#artist-{number:05}", "METADATA")
    fields = f'"artistName":{{"S":"{content or "Ada"} \u00e9"}},"n":{{"N":"{number}.50"}}'
    return Entry(key, f"{key[:-1]},{fields}}}".encode())


def _document(number: int, content: str) -> Entry:
    key = f"artist-{number:05}"
    return Entry(key, f'{{"artistId":"{key}","artistName":"{content or "Ada"} \u00e9","rating":4.50}}'.encode())


def _object(number: int, content: str) -> Entry:
    body = f"{content or 'picture'} {number}".encode()
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return Entry(f"pictures/{number:05} é.png", canonical_object(md5, len(body)), load=lambda: Blob(body, "image/png"))


_MAKERS: dict[StoreName, Callable[[int, str], Entry]] = {
    StoreName.TABLE: _item,
    StoreName.INDEX: _document,
    StoreName.IMAGES: _object,
}


def content(store: Store) -> dict[str, bytes]:
    """What a store holds: a digest for each key."""
    return {entry.key: digest(store.name, entry) for entry in scan(store)}


def wanted(store: Store, entries: list[Entry]) -> dict[str, bytes]:
    """What a store that holds just `entries` gives as `content`."""
    return {entry.key: digest(store.name, entry) for entry in entries}


class StoreContract:
    """Subclass it and give the fixture `store`."""

    def entries(self, store: Store, count: int, first: int = 0, text: str = "") -> list[Entry]:
        """Some entries of the store's kind."""
        return [make_entry(store.name, number, text) for number in range(first, first + count)]

    def fill(self, store: Store, entries: list[Entry]) -> None:
        """Put entries in batches, and require that each was taken."""
        size = store.limits.entries
        for start in range(0, len(entries), size):
            outcomes = store.put(entries[start : start + size])
            assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
        store.settle()

    def test_a_missing_store_is_described_as_none_and_holds_nothing(self, store: Store) -> None:
        assert store.describe() is None
        assert list(scan(store)) == []
        assert store.get([make_entry(store.name, 1).key]) == []

    def test_ensure_makes_a_store_that_differs_in_nothing_and_is_idempotent(self, store: Store) -> None:
        store.ensure()
        store.ensure()
        about = store.describe()
        assert about is not None
        assert (about.refused, about.missing, about.rebuild) == ((), (), ())
        assert about.engine

    def test_what_was_put_is_scanned_once_each(self, store: Store) -> None:
        store.ensure()
        entries = self.entries(store, 60)
        self.fill(store, entries)
        scanned = list(scan(store))
        assert len(scanned) == 60
        assert content(store) == wanted(store, entries)

    def test_a_put_is_seen_by_the_next_scan(self, store: Store) -> None:
        store.ensure()
        for number in range(3):
            entry = make_entry(store.name, number)
            store.put([entry])
            assert entry.key in content(store)

    def test_all_segments_together_are_all_of_it(self, store: Store) -> None:
        store.ensure()
        entries = self.entries(store, 40)
        self.fill(store, entries)
        segments = store.limits.segments
        parts = [entry.key for segment in range(segments) for entry in scan(store, segment, segments)]
        assert sorted(parts) == sorted(entry.key for entry in entries)

    def test_put_replaces(self, store: Store) -> None:
        store.ensure()
        self.fill(store, self.entries(store, 5))
        changed = self.entries(store, 2, text="Zora")
        self.fill(store, changed)
        assert content(store) == wanted(store, changed + self.entries(store, 3, first=2))

    def test_put_twice_is_put_once(self, store: Store) -> None:
        store.ensure()
        entries = self.entries(store, 5)
        self.fill(store, entries)
        self.fill(store, entries)
        assert content(store) == wanted(store, entries)

    def test_outcomes_come_in_the_order_of_the_entries(self, store: Store) -> None:
        store.ensure()
        entries = self.entries(store, min(10, store.limits.entries))
        assert [outcome.key for outcome in store.put(entries)] == [entry.key for entry in entries]
        targets = [Target(entry.key) for entry in reversed(entries)]
        assert [outcome.key for outcome in store.delete(targets)] == [target.key for target in targets]

    def test_get_gives_those_that_are_there(self, store: Store) -> None:
        store.ensure()
        entries = self.entries(store, 4)
        self.fill(store, entries)
        absent = make_entry(store.name, 99).key
        found = {entry.key: digest(store.name, entry) for entry in store.get([absent, entries[2].key, entries[0].key])}
        assert found == wanted(store, [entries[0], entries[2]])

    def test_get_takes_more_keys_than_a_batch(self, store: Store) -> None:
        store.ensure()
        entries = self.entries(store, 130)
        self.fill(store, entries)
        assert len(store.get([entry.key for entry in entries])) == 130

    def test_delete_takes_away_just_what_it_names(self, store: Store) -> None:
        store.ensure()
        entries = self.entries(store, 6)
        self.fill(store, entries)
        outcomes = store.delete([Target(entries[1].key), Target(entries[4].key)])
        store.settle()
        assert [outcome.error for outcome in outcomes] == [None, None]
        assert content(store) == wanted(store, [entries[0], entries[2], entries[3], entries[5]])

    def test_deleting_what_is_not_there_is_done(self, store: Store) -> None:
        store.ensure()
        outcomes = store.delete([Target(make_entry(store.name, 7).key)])
        assert [outcome.error for outcome in outcomes] == [None]

    def test_an_exchange_creates_replaces_and_deletes_what_is_as_it_was_read(self, store: Store) -> None:
        store.ensure()
        self.fill(store, self.entries(store, 3))
        held = {entry.key: entry for entry in store.get([entry.key for entry in self.entries(store, 3)])}
        kept, replaced, deleted = (held[entry.key] for entry in self.entries(store, 3))
        changed, created = make_entry(store.name, 1, "Zora"), make_entry(store.name, 7)
        exchanges = [Exchange(replaced, changed), Exchange(deleted, None), Exchange(None, created)]
        outcomes = store.exchange(exchanges)
        store.settle()
        assert [(outcome.key, outcome.error) for outcome in outcomes] == [(each.key, None) for each in exchanges]
        assert content(store) == wanted(store, [kept, changed, created])

    def test_an_exchange_leaves_what_somebody_changed_and_names_it(self, store: Store) -> None:
        store.ensure()
        self.fill(store, self.entries(store, 4))
        read = {entry.key: entry for entry in store.get([entry.key for entry in self.entries(store, 4)])}
        zero, one, two, three = (read[entry.key] for entry in self.entries(store, 4))
        self.fill(store, [make_entry(store.name, 0, "Mae"), make_entry(store.name, 1, "Mae")])
        store.delete([Target(two.key)])
        outcomes = store.exchange(
            [
                Exchange(zero, make_entry(store.name, 0, "Zora")),
                Exchange(one, None),
                Exchange(two, make_entry(store.name, 2, "Zora")),
                Exchange(None, make_entry(store.name, 3, "Zora")),
                Exchange(None, make_entry(store.name, 5)),
            ]
        )
        store.settle()
        assert [outcome.error for outcome in outcomes] == [CHANGED, CHANGED, CHANGED, CHANGED, None]
        theirs = [make_entry(store.name, number, "Mae") for number in (0, 1)]
        assert content(store) == wanted(store, [*theirs, three, make_entry(store.name, 5)])

    def test_an_exchange_that_was_made_is_done_when_it_is_sent_again(self, store: Store) -> None:
        store.ensure()
        self.fill(store, self.entries(store, 2))
        zero, one = sorted(store.get([entry.key for entry in self.entries(store, 2)]), key=lambda entry: entry.key)
        exchanges = [
            Exchange(zero, make_entry(store.name, 0, "Zora")),
            Exchange(one, None),
            Exchange(None, make_entry(store.name, 5)),
        ]
        for _ in range(2):
            assert [outcome.error for outcome in store.exchange(exchanges)] == [None, None, None]
        store.settle()
        assert content(store) == wanted(store, [make_entry(store.name, 0, "Zora"), make_entry(store.name, 5)])

    def test_exchanges_by_the_hundred(self, store: Store) -> None:
        store.ensure()
        self.fill(store, self.entries(store, 230))
        read = sorted(store.get([entry.key for entry in self.entries(store, 230)]), key=lambda entry: entry.key)
        changed = self.entries(store, 230, text="Zora")
        exchanges = [Exchange(*pair) for pair in zip(read, changed, strict=True)]
        size = store.limits.entries
        for start in range(0, len(exchanges), size):
            outcomes = store.exchange(exchanges[start : start + size])
            assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
        store.settle()
        assert content(store) == wanted(store, changed)

    def test_an_empty_batch_does_nothing(self, store: Store) -> None:
        store.ensure()
        assert store.put([]) == []
        assert store.delete([]) == []
        assert store.exchange([]) == []
        assert store.get([]) == []

    def test_close_is_idempotent(self, store: Store) -> None:
        store.close()
        store.close()
