"""What is measured with: copies of the catalogue's artists, as entries and as ready bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date

from bench.floor import INDEX, TABLE, Floor, index_bodies, table_bodies
from bench.measure import TOOL
from tattoo_data import guard
from tattoo_data.catalog import Context, load
from tattoo_data.catalog.copies import copies
from tattoo_data.clock import Clock
from tattoo_data.model.entry import Entry
from tattoo_data.model.project import documents_of, item_of
from tattoo_data.stores.aws import Access
from tattoo_data.stores.index import IndexOptions, IndexStore
from tattoo_data.stores.search import SearchClient
from tattoo_data.stores.table import TableStore

Engines = Callable[[], AbstractContextManager[Mapping[str, str]]]
_ACCESS = Access(access_key="test", secret_key="test", session_token=None, region="eu-west-2")
_DAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Items and the documents that they give; `scale` is that of the reset which makes them."""

    scale: int
    items: Sequence[Entry]
    documents: Sequence[Entry]

    @classmethod
    def of(cls, artists: int) -> Content:
        """About so many artists."""
        context = Context(as_of=_DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images")
        dataset = load(context)
        scale = max(1, round(artists / len(dataset.artists)) - 1)
        items = [item_of(record) for record in copies(dataset, scale).records()]
        return cls(scale=scale, items=items, documents=list(documents_of(iter(items))))

    @property
    def reset(self) -> list[str]:
        """The command that fills the stores with it."""
        return [TOOL, "reset", "performance-test", "--scale", str(self.scale), "--as-of", _DAY.isoformat()]

    def changed(self, *, every: int) -> Content:
        """One artist in so many, with another name."""
        items, documents = _changed(self.items, every), _changed(self.documents, every)
        return Content(scale=self.scale, items=items, documents=documents)

    def floor(self, environment: Mapping[str, str]) -> Floor:
        """The same in ready bodies, for a target."""
        return Floor.of(environment, list(table_bodies(TABLE, self.items)), list(index_bodies(self.documents)))


def make(environment: Mapping[str, str]) -> None:
    """Table and index, empty: their making is not measured."""
    endpoint = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment["AWS_ENDPOINT_URL"]
    table = TableStore(TABLE, guard.check(endpoint), _ACCESS, Clock())
    search = SearchClient(guard.check(environment["OPENSEARCH_ENDPOINT"]))
    table.ensure()
    IndexStore(INDEX, search, Clock(), IndexOptions()).ensure()
    table.close()
    search.close()


def _changed(entries: Sequence[Entry], every: int) -> list[Entry]:
    old, new = (
        (b'"artistName":', b'"artistName":{"S":"Changed"},"was":')
        if b'{"S":' in entries[-1].body
        else (b'"artistName":', b'"artistName":"Changed","was":')
    )
    picked = [entry for entry in entries if old in entry.body][::every]
    return [Entry(entry.key, entry.body.replace(old, new, 1)) for entry in picked]
