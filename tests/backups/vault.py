"""A backup bucket in memory as the rooms use it, which counts, and a bucket of images with their bodies."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO

from tattoo_data.errors import StoreError
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.stores.base import NOT_ROUTED, Outcome, Page, Routing
from tattoo_data.stores.bucket import Listed, Stored
from tattoo_data.stores.memory import MemoryStore

BEGUN = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


@dataclass(slots=True)
class Vault:
    """Objects by key, safe from several threads. `asked` counts operations by the first folder of their key
    (`get packs`, `put snapshots`); `refuses` are keys that are not deleted; `before` is told of each operation and key
    before it is done."""

    there: bool = True
    held: dict[str, tuple[Blob, datetime]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    refuses: set[str] = field(default_factory=set)
    before: Callable[[str, str], None] = lambda operation, key: None
    clock: Callable[[], datetime] = lambda: BEGUN
    _mutex: threading.RLock = field(default_factory=threading.RLock)

    def exists(self) -> bool:
        return self.there

    def create(self) -> None:
        self.there = True

    def objects(self, prefix: str = "", *, delimited: bool = False) -> Iterator[Listed]:
        self._note("list", prefix)
        with self._mutex:
            found = sorted((key, *held) for key, held in self.held.items() if key.startswith(prefix))
        for key, blob, modified in found:
            if not (delimited and "/" in key.removeprefix(prefix)):
                yield Listed(key=key, size=len(blob.body), etag=md5(blob.body), modified=modified)

    def get(self, key: str) -> Blob | None:
        self._note("get", key)
        with self._mutex:
            return self.held[key][0] if key in self.held else None

    def download(self, key: str, file: BinaryIO) -> bool:
        blob = self.get(key)
        if blob is not None:
            file.write(blob.body)
        return blob is not None

    def now(self) -> datetime | None:
        return self.clock()

    def read(self, key: str) -> Stored | None:
        with self._mutex:
            if key not in self.held:
                return None
            blob, modified = self.held[key]
        return Stored(blob=blob, etag=md5(blob.body), modified=modified, now=self.clock())

    def head(self, key: str) -> Listed | None:
        return next((each for each in self.objects(key) if each.key == key), None)

    def put(self, key: str, blob: Blob) -> None:
        assert self.there, "a bucket is made before anything is put into it"
        self._note("put", key)
        with self._mutex:
            self.held[key] = blob, self.clock()

    def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
        assert self.there
        self._note("put", key)
        with self._mutex:
            if self._version(key) != match:
                return None
            self.held[key] = blob, self.clock()
            return md5(blob.body)

    def delete(self, keys: Sequence[str]) -> list[Outcome]:
        return [self._delete(key) for key in keys]

    def delete_if(self, key: str, etag: str) -> bool:
        with self._mutex:
            if self._version(key) == etag:
                del self.held[key]
            return key not in self.held

    def under(self, prefix: str = "") -> list[str]:
        """The keys under a prefix, in order; nobody counts it."""
        return sorted(key for key in self.held if key.startswith(prefix))

    def place(self, key: str, body: bytes) -> None:
        """Put something past all counting."""
        self.held[key] = Blob(body, "binary/octet-stream"), self.clock()

    def _delete(self, key: str) -> Outcome:
        self._note("delete", key)
        if key in self.refuses:
            return Outcome(key, "AccessDenied", "not yours")
        with self._mutex:
            self.held.pop(key, None)
        return Outcome(key)

    def _version(self, key: str) -> str | None:
        return md5(self.held[key][0].body) if key in self.held else None

    def _note(self, operation: str, key: str) -> None:
        self.before(operation, key)
        with self._mutex:
            self.asked[f"{operation} {key.partition('/')[0]}"] += 1


class Gallery(MemoryStore):
    """A bucket of images in memory whose bodies are there. `reads` counts by key how often one was read."""

    def __init__(self, clock: Callable[[], datetime] = lambda: BEGUN) -> None:
        super().__init__(StoreName.IMAGES)
        self.blobs: dict[str, Blob] = {}
        self.modified: dict[str, datetime] = {}
        self.reads: Counter[str] = Counter()
        self.before_read: Callable[[str], None] = lambda key: None
        self._clock = clock

    def hang(self, key: str, blob: Blob) -> None:
        """Put an image, as somebody else does."""
        self.ensure()
        self._put(picture(key, blob))

    def take_down(self, key: str) -> None:
        """Remove an image, as somebody else does."""
        (self._entries or {}).pop(key, None)

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        page = super().page(segment, segments, cursor)
        return Page([self._shown(entry) for entry in page.entries], page.next)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return [self._shown(entry) for entry in super().get(keys, routing)]

    def _put(self, entry: Entry) -> Outcome:
        assert entry.load is not None, "an image that is written has a body"
        blob = entry.load()
        outcome = super()._put(entry)
        if outcome.error is None:
            self.blobs[entry.key], self.modified[entry.key] = blob, self._clock()
        return outcome

    def _shown(self, entry: Entry) -> Entry:
        load = partial(self._load, entry.key, entry.body)
        return Entry(entry.key, entry.body, load=load, version=entry.body, modified=self.modified[entry.key])

    def _load(self, key: str, listed: bytes) -> Blob:
        self.before_read(key)
        self.reads[key] += 1
        there = (self._entries or {}).get(key)
        if there is None or there.body != listed:
            raise StoreError(service="s3", endpoint="memory", operation="get_object", reason=f"{key} was changed")
        return self.blobs[key]


def picture(key: str, blob: Blob) -> Entry:
    """An image as it is written."""
    return Entry(key, canonical_object(md5(blob.body), len(blob.body)), load=lambda: blob)


def md5(body: bytes) -> str:
    """As S3 tells it."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
