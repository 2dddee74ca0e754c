"""Shards: a table's stream read from a place on, a shard to its end before those that it was split into. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from tattoo_data.repository.checkpoints import Place
from tattoo_data.stores.streams import (
    MOST_RECORDS,
    IteratorExpired,
    Record,
    Records,
    RecordsTrimmed,
    Shard,
    Start,
    StreamGone,
)


class Stream(Protocol):
    """What is read of a stream; see `stores.streams.TableStream`."""

    def find(self) -> str | None:
        """The ARN of the stream that is on, or None."""

    def shards(self, stream: str) -> list[Shard]:
        """Every shard that the stream still has."""

    def iterator(self, stream: str, shard: str, start: Start, after: str | None = None) -> str:
        """Where reading of a shard begins."""

    def records(self, iterator: str, limit: int = MOST_RECORDS) -> Records:
        """The next records of a shard."""

    def close(self) -> None:
        """Give connections back."""


class RecordsLost(Exception):
    """Something was written that the stream does not have any more: only comparing everything finds it."""


@dataclass(slots=True, kw_only=True)
class _Reader:
    """One shard: `after` and `done` as in a `Place`. Without `iterator`, reading goes on after `after`, or where there
    is none at the `start`."""

    shard: Shard
    start: Start
    after: str | None = None
    done: bool = False
    iterator: str | None = None


class Shards:
    """The shards of one stream, and how far each was read. `_begun` reads on while what was read is used, and nothing
    else is done with the shards meanwhile."""

    def __init__(self, stream: Stream, arn: str) -> None:
        self.arn = arn
        self._stream = stream
        self._readers: dict[str, _Reader] = {}
        self._places: dict[str, Place] = {}
        self._found: list[Record] = []  # what was read before reading on failed
        self._thread = ThreadPoolExecutor(1, "shards")
        self._begun: Future[list[Record]] | None = None

    def close(self) -> None:
        """End with the request that is on its way. Idempotent."""
        self._thread.shutdown(cancel_futures=True)

    def start_at_end(self) -> None:
        """Go on with what is written from now on. Whoever reads the table afterwards sees everything before it."""
        self._settle()
        self._begun = None
        self._found = []
        there = self._stream.shards(self.arn)
        self._readers = {shard.id: _Reader(shard=shard, start=Start.END, done=shard.closed) for shard in there}
        for reader in self._readers.values():
            if not reader.done:
                reader.iterator = self._stream.iterator(self.arn, reader.shard.id, Start.END)
        self._places = self._now()

    def start_after(self, places: Mapping[str, Place]) -> None:
        """Go on after these places, which are younger than what the stream keeps: a shard of which nothing was read by
        then is read from its oldest record, since what is read twice does no harm. Raises `RecordsLost` where something
        between them and now may be gone."""
        there = {shard.id: shard for shard in self._stream.shards(self.arn)}
        if any(not place.done and name not in there for name, place in places.items()):
            raise RecordsLost
        self._readers = {
            name: _Reader(shard=there[name], start=Start.OLDEST, after=place.after, done=place.done)
            for name, place in places.items()
            if name in there
        }
        self._find_new(there.values(), known=places)
        self.reopen()
        self._places = self._now()

    def reopen(self) -> None:
        """Go on after what was read, whatever became of the iterators. Raises `RecordsLost`."""
        self._settle()
        for reader in self._readers.values():
            if not reader.done:
                reader.iterator = self._open(reader)

    def begin(self, most: int = MOST_RECORDS) -> None:
        """Begin to read on: what comes is what the next `read` gives."""
        if self._begun is None:
            self._begun = self._thread.submit(self._read, most)

    def read(self, most: int = MOST_RECORDS) -> list[Record]:
        """The next records, about `most` of them, in the order of writing for each key; none where there is nothing
        new. Raises `RecordsLost`."""
        begun, self._begun = self._begun, None
        found = begun.result() if begun else self._read(most)
        self._places = self._now()
        return found

    def places(self) -> dict[str, Place]:
        """How far each shard was given by `read`, of those that the stream still has."""
        return self._places

    def _settle(self) -> None:
        """Wait for what was begun. Where it failed, it will again if there is a reason to: what it found is kept."""
        if self._begun is not None and self._begun.exception() is not None:
            self._begun = None

    def _read(self, most: int) -> list[Record]:
        if self._lacks_children():
            self._find_new(self._stream.shards(self.arn), known=self._readers)
        for reader in self._due():
            while not reader.done and len(self._found) < most:
                if not self._page(reader, most - len(self._found)):
                    break
        found, self._found = self._found, []
        return found

    def _now(self) -> dict[str, Place]:
        return {name: Place(after=reader.after, done=reader.done) for name, reader in self._readers.items()}

    def _due(self) -> Iterator[_Reader]:
        """The shards to be read now; those that come of one that ends are read next."""
        for reader in list(self._readers.values()):
            parent = self._readers.get(reader.shard.parent or "")
            if not reader.done and (parent is None or parent.done):
                yield reader

    def _lacks_children(self) -> bool:
        """Whether a shard has ended of which no other comes: what goes on may show a moment later."""
        parents = {reader.shard.parent for reader in self._readers.values()}
        return any(reader.done and name not in parents for name, reader in self._readers.items())

    def _page(self, reader: _Reader, most: int) -> int:
        """Read on in one shard. Returns how many records came."""
        if reader.iterator is None:
            reader.iterator = self._open(reader)
        try:
            page = self._stream.records(reader.iterator, min(most, MOST_RECORDS))
        except IteratorExpired:
            reader.iterator = self._open(reader)
            page = self._stream.records(reader.iterator, min(most, MOST_RECORDS))
        except RecordsTrimmed:
            raise RecordsLost from None
        self._found += page.records
        if page.records:
            reader.after = page.records[-1].sequence
        reader.iterator = page.next
        if page.next is None:
            reader.done = True
            self._find_new(self._stream.shards(self.arn), known=self._readers)
        return len(page.records)

    def _open(self, reader: _Reader) -> str:
        if reader.after is None and reader.start is Start.END:
            raise RecordsLost  # where the end was by then, nobody knows any more
        start = Start.OLDEST if reader.after is None else Start.AFTER
        try:
            return self._stream.iterator(self.arn, reader.shard.id, start, reader.after)
        except (RecordsTrimmed, StreamGone):
            raise RecordsLost from None

    def _find_new(self, there: Iterable[Shard], known: Mapping[str, object]) -> None:
        """Add the shards that are not known yet, and forget those that the stream has not any more. Raises
        `RecordsLost` where the parent of one came and went meanwhile."""
        shards = {shard.id: shard for shard in there}
        for shard in shards.values():
            if shard.id in known:
                continue
            if shard.parent is not None and shard.parent not in shards and shard.parent not in known:
                raise RecordsLost
            self._readers[shard.id] = _Reader(shard=shard, start=Start.OLDEST)
        for name in [name for name, reader in self._readers.items() if reader.done and name not in shards]:
            del self._readers[name]
