"""A stream in memory: shards that split, end and are trimmed, iterators that expire."""

from __future__ import annotations

from dataclasses import dataclass, field

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

ARN = "arn:aws:dynamodb:eu-west-2:000000000000:table/tattoo-directory/stream/2026-11-28T00:00:00.000"


@dataclass(slots=True)
class Part:
    """One shard: every record it ever got, and how many of them were trimmed."""

    id: str
    parent: str | None
    records: list[Record] = field(default_factory=list)
    trimmed: int = 0
    closed: bool = False


class MemoryStream:
    """A stream of one table; `most` is how many records a page has at most."""

    def __init__(self, most: int = 3) -> None:
        self.arn: str | None = ARN
        self.most = most
        self.parts = {"shard-0": Part("shard-0", None)}
        self.written = 0
        self.moment = 0.0
        self.failures: list[Exception | None] = []  # of the next requests; None is one that is answered
        self.closes = 0
        self._before: tuple[str | None, dict[str, Part]] = None, {}  # the stream of the table before it was made anew
        self._generation = 0

    def write(self, key: str) -> None:
        """A record for a write to `key`, in the open shard that is its own."""
        open_parts = [part for part in self.parts.values() if not part.closed]
        part = open_parts[sum(key.encode()) % len(open_parts)]
        self.written += 1
        part.records.append(Record(key, f"{self.written:09d}", self.moment))

    def split(self, name: str | None = None, *, late: bool = False) -> None:
        """End a shard; two others go on, `late` ones with `arrive` only."""
        name = name or next(part.id for part in self.parts.values() if not part.closed)
        self.parts[name].closed = True
        self._late = [Part(f"{name}.{number}", name) for number in range(2)]
        if not late:
            self.arrive()

    def arrive(self) -> None:
        """Shards that came late are there."""
        self.parts |= {part.id: part for part in self._late}
        self._late = []

    def trim(self, name: str | None = None) -> None:
        """A day goes by: records are dropped, and ended shards with them."""
        for part in [self.parts[name]] if name else list(self.parts.values()):
            part.trimmed = len(part.records)
            if part.closed:
                del self.parts[part.id]

    def expire(self) -> None:
        """A quarter of an hour goes by: no iterator is good any more."""
        self._generation += 1

    def make_anew(self) -> None:
        """The table is deleted and made anew: its stream is another one, and the old one answers for a day."""
        self._before = self.arn, self.parts
        self.arn, self.parts = f"{ARN}-anew", {"anew-0": Part("anew-0", None)}

    def find(self) -> str | None:
        self._fail()
        return self.arn

    def shards(self, stream: str) -> list[Shard]:
        self._fail()
        parts = self._parts_of(stream)
        return [Shard(id=part.id, parent=part.parent, closed=part.closed) for part in parts.values()]

    def iterator(self, stream: str, shard: str, start: Start, after: str | None = None) -> str:
        self._fail()
        parts = self._parts_of(stream)
        if shard not in parts:
            raise _error(StreamGone)
        part = parts[shard]
        match start:
            case Start.OLDEST:
                position = part.trimmed
            case Start.END:
                position = len(part.records)
            case Start.AFTER:
                position = 1 + next(n for n, each in enumerate(part.records) if each.sequence == after)
                if position < part.trimmed:
                    raise _error(RecordsTrimmed)
        return f"{self._generation} {shard} {position}"

    def records(self, iterator: str, limit: int = MOST_RECORDS) -> Records:
        self._fail()
        generation, shard, position = iterator.split()
        if int(generation) != self._generation:
            raise _error(IteratorExpired)
        parts = self._before[1] | self.parts
        if shard not in parts:
            raise _error(StreamGone)
        part, first = parts[shard], int(position)
        if first < part.trimmed:
            raise _error(RecordsTrimmed)
        found = part.records[first : first + min(limit, self.most)]
        last = first + len(found)
        ended = part.closed and last == len(part.records)
        return Records(found, None if ended else f"{generation} {shard} {last}")

    def close(self) -> None:
        self.closes += 1

    def _fail(self) -> None:
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    def _parts_of(self, stream: str) -> dict[str, Part]:
        if stream == self.arn:
            return self.parts
        if stream != self._before[0]:
            raise _error(StreamGone)
        return self._before[1]


def _error(kind: type[StreamGone] | type[IteratorExpired] | type[RecordsTrimmed]) -> Exception:
    return kind(service="dynamodbstreams", endpoint="memory", operation="GetRecords", reason=kind.__name__)
