"""Every store on every engine, each test with a table, index or bucket of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.model.entry import StoreName
from tattoo_data.stores.aws import Access
from tattoo_data.stores.base import Store
from tattoo_data.stores.bucket import Bucket
from tattoo_data.stores.index import IndexOptions, IndexStore
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.stores.objects import ImageStore
from tattoo_data.stores.search import SearchClient
from tattoo_data.stores.table import TableStore
from tests.conftest import GetEngine
from tests.tool import database_of

ACCESS = Access(access_key="test", secret_key="test", session_token=None, region="eu-west-2")
TABLE_ENGINES = ("ministack", "dynamodb-local")
INDEX_ENGINES = ("osmem", "opensearch-3", "opensearch-2")
BUCKET_ENGINES = ("ministack", "seaweedfs")
ONE_SHARD = IndexOptions()
MANY_SHARDS = IndexOptions(shards=5, page=7)

Make = Callable[[str, str], Store]


def table(url: str, name: str) -> TableStore:
    return TableStore(name, guard.check(url), replace(ACCESS, access_key=database_of(name)), Clock())


def index(url: str, name: str, options: IndexOptions = ONE_SHARD) -> IndexStore:
    return IndexStore(name, SearchClient(guard.check(url)), Clock(), options)


def images(url: str, name: str) -> ImageStore:
    return ImageStore(Bucket(name, guard.check(url), ACCESS))


def _in_memory(store: StoreName, url: str, name: str) -> MemoryStore:
    return MemoryStore(store)


def _all_stores() -> Iterator[tuple[str, str | None, Make]]:
    for each in StoreName:
        yield f"memory-{each}", None, partial(_in_memory, each)
    for engine in TABLE_ENGINES:
        yield f"table-{engine}", engine, table
    for engine in INDEX_ENGINES:
        yield f"index-{engine}", engine, index
        yield f"index-5-shards-{engine}", engine, lambda url, name: index(url, name, MANY_SHARDS)
    for engine in BUCKET_ENGINES:
        yield f"images-{engine}", engine, images


STORES = {name: (engine, make) for name, engine, make in _all_stores()}


def fresh_name() -> str:
    """A name that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[Store]:
    """Each store in turn; it does not exist yet."""
    engine, make = STORES[request.param]
    url = get_engine(engine).url if engine else ""
    made = make(url, fresh_name())
    yield made
    made.close()
