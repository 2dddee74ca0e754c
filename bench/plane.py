"""The data plane: client CPU beside the ways of boto3 and opensearch-py, and wall clock beside ready bodies.

Engines are processes of their own, so the CPU of this one is what a client costs. Both sides send the same content
to the same engine, turn by turn; making the content and the clients is not measured.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import boto3
import msgspec
import opensearchpy
from boto3.dynamodb.types import TypeDeserializer
from opensearchpy import helpers

from bench.content import Engines
from bench.floor import Floor, table_bodies
from bench.measure import Cost, Series, here, rounds
from bench.report import Figure
from bench.stub import INDEX, TABLE
from bench.stub.artists import Artists
from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.engine.flow import IN_FLIGHT, batches, in_flight
from tattoo_data.model.entry import Entry
from tattoo_data.stores.aws import Access
from tattoo_data.stores.base import Outcome, Store, scan
from tattoo_data.stores.index import IndexOptions, IndexStore
from tattoo_data.stores.search import SearchClient
from tattoo_data.stores.table import TableStore

SIZE = 2500
_WARM_UP = 50
_ACCESS = Access(access_key="test", secret_key="test", session_token=None, region="eu-west-2")
_decode_item = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


def cpu_figures(environment: Mapping[str, str], artists: int, count: int) -> list[Figure]:
    """CPU of this process for each operation of the data plane, beside what a user of the libraries would write."""
    made = Artists(artists, SIZE)
    items = [made.entry(number) for number in range(artists)]
    documents = [made.document_entry(number) for number in range(artists)]
    with stores(environment) as (table, index):

        def acts(several: int) -> dict[str, Callable[[], Cost]]:
            part = items[:several]
            return _table_acts(table, part, environment) | _index_acts(index, documents[:several], environment)

        rounds(1, acts(_WARM_UP))  # what is loaded or opened once is no part of a rate
        measured = acts(artists)
        gc.freeze()  # the content is nobody's garbage, and neither side is to be charged for looking at it
        done = rounds(count, measured)
        gc.unfreeze()
    return [
        _cpu("put of items", done, "put", "boto3's `batch_writer`", "their put", 1 / 15),
        _cpu("scan of items, to lines", done, "lines", "boto3's `Table.scan`", "their scan", 1 / 20),
        _cpu("scan of items, decoded", done, "decoded", "boto3's `Table.scan`", "their scan", 1 / 15),
        _cpu("`_bulk` of documents", done, "bulk", "opensearch-py's `helpers.bulk`", "their bulk", 1 / 5),
        _cpu("read of documents", done, "read", "opensearch-py's `helpers.scan`", "their read", 1 / 3),
    ]


def wall_figures(engines: Engines, artists: int, count: int) -> list[Figure]:
    """Wall clock of a put and a scan of the table beside the floor, each on engines that were just started."""
    made = Artists(artists, SIZE)
    items = [made.entry(number) for number in range(artists)]
    bodies = list(table_bodies(TABLE, items))
    scans: dict[str, list[Cost]] = {"floor": [], "ours": []}

    def floor() -> Cost:
        with engines() as environment, stores(environment):
            bare = Floor.of(environment, bodies, ())
            cost = here(bare.put_table)
            scans["floor"].append(here(bare.scan_table))
            return cost

    def ours() -> Cost:
        with engines() as environment, stores(environment) as (table, _):
            cost = here(lambda: put_all(table, items))
            scans["ours"].append(here(lambda: scan_segments(table, artists)))
            return cost

    done = rounds(count, {"floor": floor, "ours": ours})
    return [
        Figure.of("put of items", done["ours"], "the floor", done["floor"], "wall", 1.15),
        Figure.of("scan of items", Series(scans["ours"]), "the floor", Series(scans["floor"]), "wall", 1.3),
    ]


def put_all(store: Store, entries: Sequence[Entry]) -> None:
    """Put entries as the engine does: batches within the limits, 4 in flight. Raises where one is refused."""

    def put(batch: list[Entry]) -> list[Outcome]:
        return store.put(batch)

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for outcomes in in_flight(pool, put, batches(entries, store.limits, lambda entry: len(entry.body))):
            if refused := [outcome for outcome in outcomes if outcome.error]:
                raise RuntimeError(f"the {store.name} refused {refused[0]}")


def scan_segments(store: Store, wanted: int, look: Callable[[bytes], object] | None = None) -> None:
    """Scan in as many segments as the store allows, beside each other, and `look` at every body. Raises where the
    number of entries is another."""
    segments = store.limits.segments

    def one(segment: int) -> int:
        return _count(scan(store, segment, segments), look)

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        _require(sum(pool.map(one, range(segments))), wanted)


@contextmanager
def stores(environment: Mapping[str, str]) -> Iterator[tuple[TableStore, IndexStore]]:
    """Table and index of a target, made if they are missing."""
    endpoint = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment["AWS_ENDPOINT_URL"]
    table = TableStore(TABLE, guard.check(endpoint), _ACCESS, Clock())
    search = SearchClient(guard.check(environment["OPENSEARCH_ENDPOINT"]))
    index = IndexStore(INDEX, search, Clock(), IndexOptions())
    try:
        table.ensure()
        index.ensure()
        yield table, index
    finally:
        table.close()
        index.close()


def _table_acts(
    table: TableStore, items: Sequence[Entry], environment: Mapping[str, str]
) -> dict[str, Callable[[], Cost]]:
    endpoint = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment["AWS_ENDPOINT_URL"]
    resource = boto3.resource(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=_ACCESS.region,
        aws_access_key_id=_ACCESS.access_key,
        aws_secret_access_key=_ACCESS.secret_key,
    ).Table(TABLE)
    to_python = TypeDeserializer().deserialize
    plain = [{name: to_python(value) for name, value in _decode_item(entry.body).items()} for entry in items]
    wanted = len(items)
    return {
        "put": lambda: here(lambda: put_all(table, items)),
        "their put": lambda: here(lambda: _their_put(resource, plain)),
        "lines": lambda: here(lambda: scan_segments(table, wanted)),
        "decoded": lambda: here(lambda: scan_segments(table, wanted, _decode_item)),
        "their scan": lambda: here(lambda: _their_scan(resource, wanted)),
    }


def _index_acts(
    index: IndexStore, documents: Sequence[Entry], environment: Mapping[str, str]
) -> dict[str, Callable[[], Cost]]:
    client = opensearchpy.OpenSearch([environment["OPENSEARCH_ENDPOINT"]])
    actions = [{"_index": INDEX, "_id": each.key, "_source": msgspec.json.decode(each.body)} for each in documents]
    wanted = len(documents)
    return {
        "bulk": lambda: here(lambda: put_all(index, documents)),
        "their bulk": lambda: here(partial(helpers.bulk, client, actions)),
        "read": lambda: here(lambda: scan_segments(index, wanted)),
        "their read": lambda: here(lambda: _require(_count(helpers.scan(client, index=INDEX)), wanted)),
    }


def _their_put(table: Any, items: Iterable[dict[str, Any]]) -> None:
    with table.batch_writer() as writer:
        for item in items:
            writer.put_item(item)


def _their_scan(table: Any, wanted: int) -> None:
    page = table.scan(ConsistentRead=True)
    found = len(page["Items"])
    while start := page.get("LastEvaluatedKey"):
        page = table.scan(ConsistentRead=True, ExclusiveStartKey=start)
        found += len(page["Items"])
    _require(found, wanted)


def _count(entries: Iterable[Any], look: Callable[[bytes], object] | None = None) -> int:
    found = 0
    for entry in entries:
        if look is not None:
            look(entry.body)
        found += 1
    return found


def _require(found: int, wanted: int) -> None:
    if found != wanted:
        raise RuntimeError(f"{found} entries were read, not {wanted}")


def _cpu(what: str, done: Mapping[str, Series], ours: str, peer: str, theirs: str, limit: float) -> Figure:
    return Figure.of(what, done[ours], peer, done[theirs], "cpu", round(limit, 3))
