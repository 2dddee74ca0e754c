"""An index of several shards in memory, in which documents share an `_id`."""

from __future__ import annotations

from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import Description, Page
from tattoo_data.stores.memory import MemoryStore


class Sharded(MemoryStore):
    """`more` are documents that a scan finds besides."""

    def __init__(self, *more: Entry, shards: int = 5) -> None:
        super().__init__(StoreName.INDEX)
        self.more = list(more)
        self._shards = shards
        self.ensure()

    def _description(self, count: int) -> Description:
        structure = {"settings": {"index": {"number_of_shards": str(self._shards)}}}
        return Description(name="idx", engine="memory", count=count, structure=structure)

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        page = super().page(segment, segments, cursor)
        last = page.next is None and segment == segments - 1
        return Page([*page.entries, *self.more], None) if last else page


def shared(*routings: str | None) -> list[Entry]:
    """Documents of one `_id`, one under each routing."""
    return [Entry("same", b'{"artistId":"same"}', routing) for routing in routings]
