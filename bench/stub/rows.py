"""Rows: bodies by key, kept as bytes or made by a rule, and scanned so that any key is a place to go on from.

Keys are spread over buckets by a hash. A scan gives bucket after bucket, each whole, so what is written meanwhile
moves nothing that is still to come.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: 60 rows each where there are a million: less than a page of any service.
BUCKETS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the rows number 0 to `count` - 1 are made. `number_of` gives None for the key of every other row."""

    count: int
    key: Callable[[int], str]
    body: Callable[[int], bytes]
    number_of: Callable[[str], int | None]

    @classmethod
    def none(cls) -> Rule:
        """Makes no rows."""
        return cls(count=0, key=str, body=lambda number: b"", number_of=lambda key: None)


#: A row of a bucket; the number is that of a row whose body the rule gives.
Row = tuple[str, bytes | int]


class Rows:
    """Those of the rule that were not written to since, and those that were put."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._gone = bytearray(rule.count)
        self._kept: list[dict[str, bytes]] = [{} for _ in range(BUCKETS)]
        self._views: list[View] = []
        self.count = rule.count

    def bucket_of(self, key: str) -> int:
        """The bucket that a key belongs to."""
        number = self._rule.number_of(key)
        return (zlib.crc32(key.encode()) if number is None else number) % BUCKETS

    def get(self, key: str) -> bytes | None:
        """The body of a key, or None."""
        number = self._rule.number_of(key)
        if number is not None and not self._gone[number]:
            return self._rule.body(number)
        return self._kept[self.bucket_of(key)].get(key)

    def put(self, key: str, body: bytes) -> None:
        """Create or replace a row."""
        self.delete(key)
        self._kept[self.bucket_of(key)][key] = body
        self.count += 1

    def delete(self, key: str) -> bool:
        """Delete a row. Whether it was there."""
        bucket = self.bucket_of(key)
        for view in self._views:
            view.keep(bucket)
        number = self._rule.number_of(key)
        if number is not None and not self._gone[number]:
            self._gone[number] = True
        elif self._kept[bucket].pop(key, None) is None:
            return False
        self.count -= 1
        return True

    def bucket(self, number: int) -> list[Row]:
        """The rows of a bucket, in an order that stays while it is not written to."""
        rule, gone = self._rule, self._gone
        made = [(rule.key(each), each) for each in range(number, rule.count, BUCKETS) if not gone[each]]
        return [*made, *self._kept[number].items()]

    def body(self, row: Row) -> bytes:
        """The body of a row that `bucket` gave."""
        body = row[1]
        return self._rule.body(body) if isinstance(body, int) else body

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """The rows that were put."""
        for bucket in self._kept:
            yield from bucket.items()

    def view(self) -> View:
        """What is there now, whatever is written from now on."""
        view = View(self)
        self._views.append(view)
        return view

    def forget(self, view: View) -> None:
        """Keep nothing for a view any more."""
        self._views.remove(view)


class View:
    """Rows as they were when it was made: a bucket is copied just before it is first written to."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._copies: dict[int, Sequence[Row]] = {}
        self.count = rows.count

    def keep(self, bucket: int) -> None:
        """Copy a bucket that is about to change."""
        if bucket not in self._copies:
            self._copies[bucket] = self._rows.bucket(bucket)

    def bucket(self, number: int) -> Sequence[Row]:
        """The rows of a bucket, always in the same order."""
        copy = self._copies.get(number)
        return self._rows.bucket(number) if copy is None else copy

    def body(self, row: Row) -> bytes:
        """The body of a row that `bucket` gave."""
        return self._rows.body(row)
