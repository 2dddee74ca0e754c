"""Retrying: any store, with what failed for load or a broken connection sent again, until an end.

Waits grow and are drawn at random between zero and their bound (full jitter), so that several writers do not come
back at once. Only what was not taken is sent again. What remains at the end is an outcome with its key, or the
error itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, TypeVar

import tenacity

from tattoo_data.clock import Clock
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.stores.base import (
    NOT_ROUTED,
    Description,
    Exchange,
    Limits,
    Outcome,
    Page,
    PartlyRead,
    Routing,
    Store,
    Target,
    TransientError,
)
from tattoo_data.stores.bucket import Bucket, Listed, Stored
from tattoo_data.stores.streams import MOST_RECORDS, Records, Shard, Start, TableStream
from tattoo_data.stores.wire import ATTEMPT, READ_SECONDS

T = TypeVar("T")
B = TypeVar("B", Entry, Target, Exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a request is sent at most, between which bounds the waits are drawn, and how long an answer is waited
    for, in seconds."""

    attempts: int = 12
    first_wait: float = 0.05
    longest_wait: float = 5.0
    read_seconds: float = READ_SECONDS


class _SomeLeft(Exception):
    """A part of the batch was not taken yet."""


class RetryingStore:
    """A store behind a patient wrapper. A `Store`."""

    def __init__(self, inner: Store, clock: Clock, patience: Patience | None = None) -> None:
        self.inner = inner
        self._clock = clock
        self._patience = patience or Patience()

    @property
    def name(self) -> StoreName:
        return self.inner.name

    @property
    def limits(self) -> Limits:
        return self.inner.limits

    def describe(self) -> Description | None:
        return self._call(self.inner.describe)

    def ensure(self) -> None:
        self._call(self.inner.ensure)

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        page = self._call(lambda: self.inner.page(segment, segments, cursor))
        return Page(self._patient(page.entries), page.next) if self.name is StoreName.IMAGES else page

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        found: list[Entry] = []
        left = list(keys)

        def ask() -> None:
            try:
                found.extend(self.inner.get(left, routing))
            except PartlyRead as part:
                found.extend(part.found)
                left[:] = part.left
                raise

        self._call(ask)
        return self._patient(found) if self.name is StoreName.IMAGES else found

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return self._write(self.inner.put, entries)

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        return self._write(self.inner.delete, targets)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        return self._write(self.inner.exchange, exchanges)

    def settle(self) -> None:
        self._call(self.inner.settle)

    def shaped(self, structure: Mapping[str, Any]) -> Store:
        return RetryingStore(self.inner.shaped(structure), self._clock, self._patience)

    def close(self) -> None:
        self.inner.close()

    def _patient(self, entries: Sequence[Entry]) -> list[Entry]:
        """Objects whose bodies are read with patience too."""
        return [replace(each, load=partial(self._call, each.load)) if each.load else each for each in entries]

    def _call(self, request: Callable[[], T]) -> T:
        return _begun_anew(self._retrying(TransientError), request)

    def _write(self, write: Callable[[Sequence[B]], list[Outcome]], batch: Sequence[B]) -> list[Outcome]:
        return _written(self._retrying(_SomeLeft), write, batch)

    def _retrying(self, kind: type[Exception]) -> tenacity.Retrying:
        return _retrying(kind, self._clock, self._patience)


class RetryingBucket:
    """A bucket behind the same patience, as the repository uses it."""

    def __init__(self, inner: Bucket, clock: Clock, patience: Patience | None = None) -> None:
        self._inner = inner
        self._retrying = _retrying(TransientError, clock, patience or Patience())
        self._until_taken = _retrying(_SomeLeft, clock, patience or Patience())

    def exists(self) -> bool:
        """Whether the bucket is there."""
        return self._patiently(self._inner.exists)

    def create(self) -> None:
        """Create the bucket. Idempotent."""
        self._patiently(self._inner.create)

    def objects(self, prefix: str = "", *, delimited: bool = False) -> Iterator[Listed]:
        """Every object under `prefix`, in the order of keys; none where there is no bucket. With `delimited`, none in
        folders under it."""
        page, token = partial(self._inner.page, delimited=delimited), ""
        while True:
            found, token = self._patiently(page, prefix, token)
            yield from found
            if not token:
                return

    def get(self, key: str) -> Blob | None:
        """An object, or None."""
        return self._patiently(self._inner.get, key)

    def download(self, key: str, file: BinaryIO) -> bool:
        """Write the body of an object into a file, however large. Returns whether there is one."""
        return self._patiently(self._inner.download, key, file)

    def now(self) -> datetime | None:
        """The time by the service's clock; None where it does not tell."""
        return self._patiently(self._inner.now)

    def read(self, key: str) -> Stored | None:
        """An object with what tells its write from others, or None."""
        return self._patiently(self._inner.read, key)

    def head(self, key: str) -> Listed | None:
        """Size and ETag of an object, or None."""
        return self._patiently(self._inner.head, key)

    def put(self, key: str, blob: Blob) -> None:
        """Create or replace an object."""
        self._patiently(self._inner.put, key, blob)

    def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
        """Create an object where `match` is None, else replace the one whose ETag it is. Returns the new ETag, or
        None where something else is there, or nothing."""
        sent = 0

        def send() -> str | None:
            nonlocal sent
            sent += 1
            return self._inner.put_if(key, blob, match=match)

        etag = self._patiently(send)
        return self._own_etag(key, blob) if etag is None and sent > 1 else etag

    def delete(self, keys: Sequence[str]) -> list[Outcome]:
        """Delete objects; one outcome for each, in their order."""

        def delete(targets: Sequence[Target]) -> list[Outcome]:
            return self._inner.delete([target.key for target in targets])

        return _written(self._until_taken, delete, [Target(key) for key in keys])

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete an object if it still has this ETag. Returns whether it is gone; idempotent."""
        return self._patiently(self._inner.delete_if, key, etag)

    def close(self) -> None:
        """Give connections back."""
        self._inner.close()

    def _own_etag(self, key: str, blob: Blob) -> str | None:
        """The ETag of what was sent, if it is there: an earlier attempt may have been taken although its connection
        broke, and then the next is refused for it."""
        stored = self.read(key)
        return stored.etag if stored and stored.blob.body == blob.body else None

    def _patiently(self, request: Callable[..., T], *arguments: object) -> T:
        return _begun_anew(self._retrying, request, *arguments)


class RetryingStream:
    """A table's stream behind the same patience."""

    def __init__(self, inner: TableStream, clock: Clock, patience: Patience | None = None) -> None:
        self._inner = inner
        self._retrying = _retrying(TransientError, clock, patience or Patience())

    def find(self) -> str | None:
        """The ARN of the stream that is on, or None."""
        return self._patiently(self._inner.find)

    def shards(self, stream: str) -> list[Shard]:
        """Every shard that the stream still has."""
        return self._patiently(self._inner.shards, stream)

    def iterator(self, stream: str, shard: str, start: Start, after: str | None = None) -> str:
        """Where reading of a shard begins."""
        return self._patiently(self._inner.iterator, stream, shard, start, after)

    def records(self, iterator: str, limit: int = MOST_RECORDS) -> Records:
        """The next records, in the order of writing."""
        return self._patiently(self._inner.records, iterator, limit)

    def close(self) -> None:
        """Give connections back."""
        self._inner.close()

    def _patiently(self, request: Callable[..., T], *arguments: object) -> T:
        return _begun_anew(self._retrying, request, *arguments)


def _retrying(kind: type[Exception], clock: Clock, patience: Patience) -> tenacity.Retrying:
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(kind),
        wait=tenacity.wait_random_exponential(multiplier=patience.first_wait, max=patience.longest_wait),
        stop=tenacity.stop_after_attempt(patience.attempts),
        sleep=clock.sleep,
        before=_note_attempt,
        reraise=True,
    )


def _begun_anew(retrying: tenacity.Retrying, request: Callable[..., T], *arguments: object) -> T:
    """The request with its attempts counted from 1, whatever was retried before in the same context."""
    try:
        return retrying(request, *arguments)
    finally:
        ATTEMPT.set(1)


def _written(
    retrying: tenacity.Retrying, write: Callable[[Sequence[B]], list[Outcome]], batch: Sequence[B]
) -> list[Outcome]:
    """The outcomes of a batch of which what was not taken is sent again."""
    outcomes: dict[str, Outcome] = {}
    left = list(batch)

    def send() -> None:
        answered = {outcome.key: outcome for outcome in _outcomes(write, left)}
        outcomes.update(answered)
        left[:] = [each for each in left if answered[each.key].transient]
        if left:
            raise _SomeLeft

    with suppress(_SomeLeft):  # the outcomes say which, and why
        _begun_anew(retrying, send)
    return [outcomes[each.key] for each in batch]


def _note_attempt(state: tenacity.RetryCallState) -> None:
    ATTEMPT.set(state.attempt_number)


def _outcomes(write: Callable[[Sequence[B]], list[Outcome]], batch: Sequence[B]) -> list[Outcome]:
    try:
        return write(batch)
    except TransientError as error:
        return [Outcome(each.key, error.id, error.message, transient=True) for each in batch]
