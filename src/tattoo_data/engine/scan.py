"""Scan: what live stores hold, as digests. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import msgspec

from tattoo_data.engine.flow import Progress, no_progress
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import Sum, digest
from tattoo_data.model.keys import record_of
from tattoo_data.model.project import document_of
from tattoo_data.stores.base import Description, Store, scan
from tattoo_data.stores.live import LiveStores

OTHER = "other"
#: Below this many entries one scan is quicker than several beside each other.
_WORTH_SEGMENTS = 2_000


@dataclass(slots=True, kw_only=True)
class Live:
    """What one store holds: a digest for each key, the fingerprint's sum, and how many of each kind.

    `artists` is the sum of the index's artist documents, or of the documents that the table's artists give; the
    latter is filled on request only.
    """

    store: StoreName
    description: Description | None
    digests: dict[str, bytes] = field(default_factory=dict)
    routing: dict[str, str] = field(default_factory=dict)
    total: Sum = field(default_factory=Sum)
    kinds: Counter[str] = field(default_factory=Counter)
    artists: Sum = field(default_factory=Sum)

    @property
    def exists(self) -> bool:
        """Whether the store is there at all."""
        return self.description is not None

    @property
    def is_refused(self) -> bool:
        """Whether its structure is another one, so that it was not read."""
        return self.description is not None and bool(self.description.refused)


class _Document(msgspec.Struct):
    artistId: object = None


_decode_document = msgspec.json.Decoder(_Document).decode


def read_all(
    stores: LiveStores,
    pool: Executor,
    *,
    only: Iterable[StoreName] = tuple(StoreName),
    project: bool = False,
    progress: Progress = no_progress,
) -> dict[StoreName, Live]:
    """Scan the stores beside each other; one whose structure is refused is described only, since what it holds may
    have no key of ours. With `project`, the table's `artists` is the sum of the documents that
    its items give, to be compared with the index's."""
    names = list(only)
    found = dict(zip(names, pool.map(lambda name: stores[name].describe(), names), strict=True))
    units = [
        (stores[name], segment, segments)
        for name in names
        if (description := found[name]) is not None and not description.refused
        for segments in [_segments(stores[name], description)]
        for segment in range(segments)
    ]
    live = {name: Live(store=name, description=found[name]) for name in names}

    def work(unit: tuple[Store, int, int]) -> Live:
        return _read_segment(*unit, project=project)

    for part in pool.map(work, units):
        _merge(live[part.store], part)
        progress("scanned", sum(each.total.count for each in live.values()), None)
    return live


def kind_of(store: StoreName, entry: Entry) -> str:
    """How counts call an entry: `artists`, `studios`, `styles`, `images`, or `other` for what is no record."""
    if store is StoreName.IMAGES:
        return "images"
    if store is StoreName.TABLE:
        return kind_of_item(entry.key)
    try:
        is_artist = _decode_document(entry.body).artistId == entry.key
    except msgspec.ValidationError:
        is_artist = False
    return "artists" if is_artist else OTHER


def kind_of_item(key: str) -> str:
    """How counts call the item of a key."""
    record = record_of(key)
    return record.kind.plural if record else OTHER


def _segments(store: Store, description: Description) -> int:
    return store.limits.segments if description.count > _WORTH_SEGMENTS else 1


def _read_segment(store: Store, segment: int, segments: int, *, project: bool) -> Live:
    live = Live(store=store.name, description=None)
    for entry in scan(store, segment, segments):
        _count(live, entry, project=project)
    return live


def _count(live: Live, entry: Entry, *, project: bool) -> None:
    entry_digest = digest(live.store, entry)
    kind = kind_of(live.store, entry)
    live.digests[entry.key] = entry_digest
    live.total.add(entry_digest)
    live.kinds[kind] += 1
    if entry.routing is not None:
        live.routing[entry.key] = entry.routing
    if live.store is StoreName.INDEX and kind != OTHER:
        live.artists.add(entry_digest)
    elif project and live.store is StoreName.TABLE and (document := document_of(entry)) is not None:
        live.artists.add(digest(StoreName.INDEX, document))


def _merge(live: Live, part: Live) -> None:
    live.digests |= part.digests
    live.routing |= part.routing
    live.total.join(part.total)
    live.artists.join(part.artists)
    live.kinds += part.kinds
