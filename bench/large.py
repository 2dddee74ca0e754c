"""10,000 artists: a reset from empty stores, held against the floor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bench.floor import Floor, index_bodies, table_bodies
from bench.measure import TOOL, Cost, here, process, rounds
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
_FLOOR_TABLE, _FLOOR_INDEX = "bench-floor", "bench-floor"
_OURS = {"DYNAMODB_TABLE_NAME": "bench-ours", "OPENSEARCH_INDEX": "bench-ours"}
_DAY = date(2026, 1, 1)


def figures(environment: Mapping[str, str], artists: int, count: int) -> list[Figure]:
    """Reset from empty, again with nothing to do, each against the floor of the same engine."""
    dataset = load(Context(as_of=_DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"))
    scale = max(1, round(artists / len(dataset.artists)) - 1)
    items = [item_of(record) for record in copies(dataset, scale).records()]
    floor = Floor(
        dynamodb=environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment["AWS_ENDPOINT_URL"],
        opensearch=environment["OPENSEARCH_ENDPOINT"],
        table=_FLOOR_TABLE,
        index=_FLOOR_INDEX,
        table_bodies=list(table_bodies(_FLOOR_TABLE, items)),
        index_bodies=list(index_bodies(documents_of(iter(items)))),
    )
    ours = {**environment, **_OURS}

    def reset() -> Cost:
        arguments = ["reset", "performance-test", "--scale", str(scale), "--as-of", _DAY.isoformat()]
        return process([TOOL, *arguments], ours)

    def reset_from_nothing() -> Cost:
        _empty(floor, _OURS["DYNAMODB_TABLE_NAME"], _OURS["OPENSEARCH_INDEX"])
        return reset()

    def floor_from_nothing() -> Cost:
        _empty(floor, _FLOOR_TABLE, _FLOOR_INDEX)
        return here(floor.write_and_scan)

    done = rounds(count, {"floor": floor_from_nothing, "reset": reset_from_nothing, "again": reset})
    return [
        Figure.of("`reset` from empty", done["reset"], "the floor", done["floor"], "wall", 1.5),
        Figure.of("`reset` with nothing to do", done["again"], "the floor", done["floor"], "wall", None),
    ]


def _empty(floor: Floor, table: str, index: str) -> None:
    """The stores anew: the engines slow down as removed rows gather."""
    tables = TableStore(table, guard.check(floor.dynamodb), _ACCESS, Clock())
    search = SearchClient(guard.check(floor.opensearch))
    if tables.describe() is not None:
        tables._aws.client.delete_table(TableName=table)
    tables.ensure()
    search.client.transport.perform_request("DELETE", f"/{index}", params={"ignore": 404})
    IndexStore(index, search, Clock(), IndexOptions()).ensure()
    tables.close()
    search.close()
