"""Sources and stores for the tests of transfer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tattoo_data.errors import StoreError
from tattoo_data.formats.source import Found
from tattoo_data.model.canonical import canonical_document, canonical_item, canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.stores.base import NOT_ROUTED, Page, Routing
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry


@dataclass(slots=True)
class FakeSource:
    """A source that says what it is told."""

    found: Sequence[Found]
    stores: Sequence[StoreName] = (StoreName.TABLE, StoreName.INDEX)
    fingerprints: Mapping[StoreName, str] = field(default_factory=dict)
    kind: str = "tattoo-data export"
    path: str = "./x"
    notes: Sequence[str] = ()
    blobs: Mapping[str, Blob] = field(default_factory=dict)
    structures: Mapping[StoreName, Mapping[str, Any]] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    routed: bool = True
    closed: int = 0

    def read(self) -> Iterator[Found]:
        return iter(self.found)

    def blob(self, key: str) -> Blob:
        return self.blobs[key]

    def close(self) -> None:
        self.closed += 1


def canonical(store: StoreName, number: int, text: str = "") -> Entry:
    """An entry as readers give it: in canonical bytes."""
    made = make_entry(store, number, text)
    return Entry(made.key, _CANONICAL[store](made.body), made.routing, made.load)


_CANONICAL: Mapping[StoreName, Callable[[bytes], bytes]] = {
    StoreName.TABLE: canonical_item,
    StoreName.INDEX: canonical_document,
    StoreName.IMAGES: bytes,
}


def lines(store: StoreName, entries: Iterable[Entry | str], file: str = "data.json") -> list[Found]:
    """Lines of one file; a text is the problem of a line that cannot be used."""
    return [
        Found(store, file, number, None, each) if isinstance(each, str) else Found(store, file, number, each)
        for number, each in enumerate(entries, 1)
    ]


class Pictures(MemoryStore):
    """A bucket of images in memory. `etags` are what it says is the MD5 of some; `changes` happen to some
    between the listing and the reading."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        super().__init__(StoreName.IMAGES)
        self.ensure()
        self.bodies = dict(bodies)
        self.etags: dict[str, str] = {}
        self.changes: dict[str, bytes | None] = {}

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        return Page([self._listed(key) for key in self.bodies])

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return [self._listed(key) for key in keys if key in self.bodies]

    def _listed(self, key: str) -> Entry:
        body = self.bodies[key]
        md5 = self.etags.get(key) or hashlib.md5(body).hexdigest()
        return Entry(key, canonical_object(md5, len(body)), load=lambda: self._load(key, body))

    def _load(self, key: str, listed: bytes) -> Blob:
        if key in self.changes:
            changed = self.changes.pop(key)
            if changed is None:
                del self.bodies[key]
            else:
                self.bodies[key] = changed
        if self.bodies.get(key) != listed:
            raise StoreError(service="s3", endpoint="memory", operation="get_object", reason=f"{key} was changed")
        return Blob(listed, "image/png")
