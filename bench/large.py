"""10,000 artists: a reset from empty stores, held against the floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date

from bench.floor import INDEX, TABLE, Floor, index_bodies, table_bodies
from bench.measure import TOOL, Cost, Series, here, process, rounds
from bench.report import Figure
from tattoo_data import guard
from tattoo_data.catalog import Context, load
from tattoo_data.catalog.copies import copies
from tattoo_data.clock import Clock
from tattoo_data.model.project import documents_of, item_of
from tattoo_data.stores.aws import Access
from tattoo_data.stores.index import IndexOptions, IndexStore
from tattoo_data.stores.search import SearchClient
from tattoo_data.stores.table import TableStore

_ACCESS = Access(access_key="test", secret_key="test", session_token=None, region="eu-west-2")
Engines = Callable[[], AbstractContextManager[Mapping[str, str]]]
_DAY = date(2026, 1, 1)


def figures(engines: Engines, artists: int, count: int) -> list[Figure]:
    """Reset from empty, and again with nothing to do, against the floor; each on engines that were just started,
    because they slow down as they fill."""
    dataset = load(Context(as_of=_DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"))
    scale = max(1, round(artists / len(dataset.artists)) - 1)
    items = [item_of(record) for record in copies(dataset, scale).records()]
    tables, indexes = list(table_bodies(TABLE, items)), list(index_bodies(documents_of(iter(items))))
    again: list[Cost] = []

    def floor() -> Cost:
        with engines() as environment:
            _make(environment)
            return here(Floor.of(environment, tables, indexes).write_and_scan)

    def reset() -> Cost:
        arguments = ["reset", "performance-test", "--scale", str(scale), "--as-of", _DAY.isoformat()]
        with engines() as environment:
            _make(environment)
            cost = process([TOOL, *arguments], environment)
            again.append(process([TOOL, *arguments], environment))
            return cost

    done = rounds(count, {"floor": floor, "reset": reset})
    return [
        Figure.of("`reset` from empty", done["reset"], "the floor", done["floor"], "wall", 1.5),
        Figure.of("`reset` with nothing to do", Series(again), "the floor", done["floor"], "wall", None),
    ]


def _make(environment: Mapping[str, str]) -> None:
    """Table and index, empty: their making is not measured."""
    endpoint = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment["AWS_ENDPOINT_URL"]
    table = TableStore(TABLE, guard.check(endpoint), _ACCESS, Clock())
    search = SearchClient(guard.check(environment["OPENSEARCH_ENDPOINT"]))
    table.ensure()
    IndexStore(INDEX, search, Clock(), IndexOptions()).ensure()
    table.close()
    search.close()
