"""The image bucket as a live store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Any, TypeVar

from tattoo_data.errors import StoreError
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.stores.base import (
    CHANGED,
    NOT_ROUTED,
    Description,
    Exchange,
    Limits,
    Outcome,
    Page,
    Routing,
    Store,
    Target,
)
from tattoo_data.stores.bucket import Bucket, Listed

LIMITS = Limits(entries=16, size=32_000_000)
#: How often an object is read that somebody else keeps writing.
_RACES = 8
T = TypeVar("T")
_MD5 = re.compile(r"[0-9a-f]{32}")


class ImageStore:
    """The live image bucket. A `Store`; an entry's `version` is the object's ETag."""

    name = StoreName.IMAGES
    limits = LIMITS

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def describe(self) -> Description | None:
        if not self.bucket.exists():
            return None
        return Description(name=self.bucket.name, engine=self.bucket.server)

    def ensure(self) -> None:
        if not self.bucket.exists():
            self.bucket.create()

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        found, token = self.bucket.page(token=str(cursor or ""))
        return Page([self._entry(listed) for listed in found], token or None)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        wanted = set(keys)
        listing, more = self.bucket.page(_common_prefix(keys)) if wanted else ([], "")
        found = [listed for listed in listing if listed.key in wanted]
        if more:  # a large bucket is not listed for the sake of a few keys
            missing = sorted(wanted.difference(listed.key for listed in found))
            found += [listed for listed in map(self.bucket.head, missing) if listed]
        return [self._entry(listed) for listed in found]

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return [self._put(entry) for entry in entries]

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        return self.bucket.delete([target.key for target in targets])

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        return [self._exchange(each) for each in exchanges]

    def settle(self) -> None:
        """Nothing to do: S3 reads what was written."""

    def shaped(self, structure: Mapping[str, Any]) -> ImageStore:
        return self

    def close(self) -> None:
        self.bucket.close()

    def _put(self, entry: Entry) -> Outcome:
        try:
            self.bucket.put(entry.key, _body_of(entry))
        except StoreError as error:
            return _failed(entry.key, error)
        return Outcome(entry.key)

    def _exchange(self, exchange: Exchange) -> Outcome:
        try:
            done = self._replace(exchange) if exchange.after else self._remove(exchange)
        except StoreError as error:
            return _failed(exchange.key, error)
        return Outcome(exchange.key) if done else Outcome(exchange.key, CHANGED, "it is not as it was read")

    def _remove(self, exchange: Exchange) -> bool:
        return self.bucket.delete_if(exchange.key, _version(exchange.before) or "")

    def _replace(self, exchange: Exchange) -> bool:
        """Whether `after` is there now. What is there is compared before it is written, too: a service that ignores
        conditions would write over anything."""
        key, after, version = exchange.key, exchange.after, _version(exchange.before)
        assert after is not None
        there = self.bucket.head(key)
        if self._holds(there, after):
            return True
        if (there.etag if there else None) != version:
            return False
        if self.bucket.put_if(key, _body_of(after), match=version) is not None:
            return True
        return self._holds(self.bucket.head(key), after)

    def _holds(self, there: Listed | None, entry: Entry) -> bool:
        return there is not None and self._entry(there).body == entry.body

    def _entry(self, listed: Listed) -> Entry:
        md5 = listed.etag if _MD5.fullmatch(listed.etag) else self._read_md5(listed.key)
        body = canonical_object(md5, listed.size)
        load = partial(self._load, listed)
        return Entry(listed.key, body, load=load, version=listed.etag, modified=listed.modified)

    def _load(self, listed: Listed) -> Blob:
        """The body that an entry speaks of: never another one that has taken its place since."""
        stored = self.bucket.read(listed.key)
        if stored is None or stored.etag != listed.etag:
            raise self.bucket.failure("get_object", f"{listed.key} was changed or deleted while it was read")
        return stored.blob

    def _read_md5(self, key: str) -> str:
        """An object written in several parts has another kind of ETag: its body is read."""
        blob = self.bucket.get(key)
        return hashlib.md5(blob.body, usedforsecurity=False).hexdigest() if blob else ""


def with_body(images: Store, found: Entry, use: Callable[[Entry], T]) -> T | None:
    """What `use` makes of an object whose body it reads: as it is by now where somebody wrote it in between, and None
    where it is gone. Raises what `use` does where the object is as it was, and `StoreError` where it never stands."""
    for _ in range(_RACES):
        try:
            return use(found)
        except StoreError:
            again = images.get([found.key])
            if not again:
                return None
            if again[0].version == found.version:
                raise
            found = again[0]
    raise StoreError(
        service="s3",
        endpoint="the image bucket",
        operation="get_object",
        reason=f"{found.key} was written {_RACES} times while it was read: somebody else keeps writing it",
    )


def _body_of(entry: Entry) -> Blob:
    assert entry.load is not None, "an object that is to be written carries its body"
    return entry.load()


def _version(entry: Entry | None) -> str | None:
    return None if entry is None else str(entry.version)


def _failed(key: str, error: StoreError) -> Outcome:
    return Outcome(key, error.id, error.message, transient=error.id == "TransientError")


def _common_prefix(keys: Sequence[str]) -> str:
    first, last = min(keys, default=""), max(keys, default="")
    return "".join(takewhile(bool, (one if one == other else "" for one, other in zip(first, last, strict=False))))
