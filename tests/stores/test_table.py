"""The table's door: what only DynamoDB does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tattoo_data.errors import StructureRefused
from tattoo_data.model.canonical import canonical_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.stores.base import scan
from tattoo_data.stores.table import TableStore
from tattoo_data.testing.contract import make_entry
from tests.conftest import GetEngine
from tests.model.strategies import body, items
from tests.stores.conftest import TABLE_ENGINES, fresh_name, table


@pytest.fixture(params=TABLE_ENGINES)
def store(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[TableStore]:
    made = table(get_engine(request.param).url, fresh_name())
    yield made
    made.close()


def client(store: TableStore) -> Any:
    return store._aws.client


def entry(number: int, **attributes: Any) -> Entry:
    made = make_entry(StoreName.TABLE, number)
    item = json.loads(made.body) | attributes
    return Entry(made.key, json.dumps(item).encode())


def test_a_bad_item_keeps_no_other_out_and_is_named(store: TableStore) -> None:
    store.ensure()
    batch = [entry(number) for number in range(25)]
    batch[7] = entry(7, gsi1pk={"N": "5"}, gsi1sk={"S": "x"})
    batch[19] = entry(19, gsi2pk={"BOOL": True}, gsi2sk={"S": "x"})
    outcomes = store.put(batch)
    assert [number for number, outcome in enumerate(outcomes) if outcome.error] == [7, 19]
    assert all(outcome.error == "ValidationException" and outcome.message for outcome in outcomes if outcome.error)
    assert len(list(scan(store))) == 23


def test_an_item_that_is_too_large_is_refused_alone(store: TableStore) -> None:
    store.ensure()
    outcomes = store.put([entry(1), entry(2, bio={"S": "x" * 500_000}), entry(3)])
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False]


def test_a_missing_index_and_stream_are_added_and_the_rest_is_kept(store: TableStore) -> None:
    client(store).create_table(
        TableName=store.table,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK", "gsi1pk", "gsi1sk")
        ],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "style-geohash-index",
                "KeySchema": [
                    {"AttributeName": "gsi1pk", "KeyType": "HASH"},
                    {"AttributeName": "gsi1sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    store.put([entry(1)])
    about = store.describe()
    assert about is not None
    assert set(about.missing) == {"the index artist-name-index", "the index instagram-index", "the stream"}
    store.ensure()
    after = store.describe()
    assert after is not None
    assert after.missing == ()
    assert len(list(scan(store))) == 1


def test_another_key_schema_is_refused_and_left_alone(store: TableStore) -> None:
    client(store).create_table(
        TableName=store.table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(StructureRefused, match="id \\(S, hash\\)"):
        store.ensure()
    about = store.describe()
    assert about is not None
    assert about.refused


def test_more_than_one_page_is_read(store: TableStore) -> None:
    store.ensure()
    entries = [entry(number, bio={"S": "x" * 100_000}) for number in range(25)]
    assert all(outcome.error is None for outcome in store.put(entries))
    assert store.page(0, 1, None).next is not None
    assert len(list(scan(store))) == 25
    assert len(store.get([each.key for each in entries])) == 25


def test_items_of_every_kind_are_scanned(store: TableStore) -> None:
    store.ensure()
    keys = [item_key(pk, sk) for pk, sk in (("AUDIT#1", "2026"), ("STATUS#é", "x y"), ("ARTIST#a", "AUDIT#1"))]
    store.put([Entry(key, key.encode()) for key in keys])
    assert sorted(each.key for each in scan(store)) == sorted(keys)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items)
def test_any_item_comes_back_as_it_was(store: TableStore, item: Any) -> None:
    store.ensure()
    key = item_key("ARTIST#a", "METADATA")
    clean = {name: value for name, value in item.items() if not name.startswith("gsi")}
    (outcome,) = store.put([Entry(key, body(clean))])
    assert outcome.error is None, outcome.message
    (back,) = store.get([key])
    assert canonical_item(back.body) == canonical_item(body(clean))
    (scanned,) = scan(store)
    assert canonical_item(scanned.body) == canonical_item(body(clean))
