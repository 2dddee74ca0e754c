"""A store in memory: the door without an engine, for tests and as the model that the others are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import CHANGED, NOT_ROUTED, Description, Exchange, Limits, Outcome, Page, Routing, Target

_PAGE = 10


class MemoryStore:
    """Entries in a dictionary. A `Store`; writes to it before `ensure` are refused, as an engine does."""

    limits = Limits(entries=25, size=1_000_000, segments=2)

    def __init__(self, name: StoreName) -> None:
        self.name = name
        self._entries: dict[str, Entry] | None = None

    def describe(self) -> Description | None:
        return None if self._entries is None else self._description(len(self._entries))

    def _description(self, count: int) -> Description:
        return Description(name="memory", engine="memory", count=count)

    def ensure(self) -> None:
        if self._entries is None:
            self._entries = {}

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        entries = list((self._entries or {}).values())[segment::segments]
        start = cursor if isinstance(cursor, int) else 0
        end = start + _PAGE
        return Page(entries[start:end], end if end < len(entries) else None)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        entries = self._entries or {}
        return [entries[key] for key in keys if key in entries]

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return [self._put(entry) for entry in entries]

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        for target in targets:
            (self._entries or {}).pop(target.key, None)
        return [Outcome(target.key) for target in targets]

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        return [self._exchange(each) for each in exchanges]

    def settle(self) -> None:
        """Nothing to do."""

    def shaped(self, structure: Mapping[str, Any]) -> MemoryStore:
        return self

    def close(self) -> None:
        """Nothing to do."""

    def _put(self, entry: Entry) -> Outcome:
        if self._entries is None:
            return Outcome(entry.key, "StoreMissing", f"the {self.name} does not exist")
        self._entries[entry.key] = Entry(entry.key, entry.body, entry.routing)
        return Outcome(entry.key)

    def _exchange(self, exchange: Exchange) -> Outcome:
        key = exchange.key
        there = self._digest((self._entries or {}).get(key))
        if there == self._digest(exchange.after) and not self._moves(exchange):
            return Outcome(key)
        if there != self._digest(exchange.before):
            return Outcome(key, CHANGED, "it is not as it was read")
        if exchange.after is not None:
            return self._put(exchange.after)
        return self.delete([Target(key)])[0]

    def _moves(self, exchange: Exchange) -> bool:
        there, after = (self._entries or {}).get(exchange.key), exchange.after
        return there is not None and after is not None and there.routing != after.routing

    def _digest(self, entry: Entry | None) -> bytes | None:
        return None if entry is None else digest(self.name, entry)
