"""The table's door: what only DynamoDB does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tattoo_data.clock import Clock
from tattoo_data.errors import StoreError, StructureRefused
from tattoo_data.model.canonical import canonical_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.stores.base import CHANGED, Exchange, Outcome, scan
from tattoo_data.stores.retrying import RetryingStore
from tattoo_data.stores.table import TableStore
from tattoo_data.stores.table_condition import Write, conditional_write
from tattoo_data.stores.table_transact import Cancelled, Reason, write_together
from tattoo_data.testing.contract import make_entry
from tests.conftest import GetEngine
from tests.model.strategies import body, items
from tests.stores.conftest import TABLE_ENGINES, fresh_name, table
from tests.stub import Answer, Asked, stub


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


# Exchanges.

ODD: dict[str, Any] = {
    "long": {"N": "12345678901234567890123456789012345678"},
    "tiny": {"N": "1.0E-130"},
    "words": {"SS": ["b", "a", "é"]},
    "numbers": {"NS": ["2.50", "1"]},
    "bytes": {"B": "AAECAw=="},
    "several": {"BS": ["AAE=", "/w=="]},
    "empty": {"S": ""},
    "none": {"NULL": True},
    "nested": {"M": {"list": {"L": [{"N": "0.10"}, {"BOOL": False}, {"M": {"set": {"SS": ["z", "y"]}}}]}}},
    "size": {"S": "a reserved word"},
}
CHANGES: dict[str, Any] = {
    "long": {"N": "12345678901234567890123456789012345679"},
    "tiny": {"N": "1.1E-130"},
    "words": {"SS": ["b", "a"]},
    "numbers": {"NS": ["2.5", "1", "3"]},
    "bytes": {"B": "AAECBA=="},
    "several": {"BS": ["AAE=", "/g=="]},
    "empty": {"S": " "},
    "none": {"BOOL": True},
    "nested": {"M": {"list": {"L": [{"N": "0.10"}, {"BOOL": False}, {"M": {"set": {"SS": ["z", "x"]}}}]}}},
    "size": {"N": "5"},
}


def held(store: TableStore, number: int) -> Entry:
    (found,) = store.get([entry(number).key])
    return found


def errors(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.error for outcome in outcomes]


def attributes(store: TableStore, number: int) -> Any:
    return json.loads(held(store, number).body)


def test_an_exchange_compares_values_of_every_type(store: TableStore) -> None:
    store.ensure()
    for number, name in enumerate(ODD):
        store.put([entry(number, **ODD)])
        before = held(store, number)
        store.put([entry(number, **ODD | {name: CHANGES[name]})])
        (outcome,) = store.exchange([Exchange(before, entry(number, new={"S": "x"}))])
        assert (name, outcome.error) == (name, CHANGED)
        (outcome,) = store.exchange([Exchange(held(store, number), entry(number, new={"S": "x"}))])
        assert (name, outcome.error) == (name, None)


def test_an_exchange_takes_the_canonical_form_of_what_is_there(store: TableStore) -> None:
    store.ensure()
    store.put([entry(1, **ODD)])
    canonical = Entry(entry(1).key, canonical_item(held(store, 1).body))
    assert errors(store.exchange([Exchange(canonical, None)])) == [None]


def test_an_exchange_does_not_write_over_an_attribute_that_somebody_added(store: TableStore) -> None:
    store.ensure()
    store.put([entry(1)])
    before = held(store, 1)
    store.put([entry(1, note={"S": "theirs"})])
    assert errors(store.exchange([Exchange(before, entry(1, note={"S": "ours"}))])) == [CHANGED]
    assert attributes(store, 1)["note"] == {"S": "theirs"}


@pytest.mark.parametrize("changed", ["a000", "a199"])
def test_an_item_of_200_attributes_is_compared_in_all_of_them(store: TableStore, changed: str) -> None:
    store.ensure()
    many = {f"a{number:03}": {"S": f"value {number}"} for number in range(200)}
    store.put([entry(1, **many), entry(2, **many), entry(3, **many)])
    one, two, three = (held(store, number) for number in (1, 2, 3))
    store.put([entry(1, **many | {changed: {"S": "theirs"}})])
    outcomes = store.exchange(
        [Exchange(one, entry(1)), Exchange(two, entry(2)), Exchange(three, None), Exchange(None, entry(4))]
    )
    assert errors(outcomes) == [CHANGED, None, None, None]
    assert attributes(store, 1)[changed] == {"S": "theirs"}
    wider = {f"b{number:03}": {"S": "new"} for number in range(200)}
    assert errors(store.exchange([Exchange(held(store, 2), entry(2, **wider))])) == [None]


def test_one_of_100_that_somebody_changed_keeps_no_other_out(store: TableStore) -> None:
    store.ensure()
    entries = [entry(number) for number in range(100)]
    for start in range(0, 100, 25):
        store.put(entries[start : start + 25])
    read = {each.key: each for each in store.get([each.key for each in entries])}
    store.put([entry(42, note={"S": "theirs"})])
    exchanges = [Exchange(read[each.key], entry(n, note={"S": "ours"})) for n, each in enumerate(entries)]
    outcomes = store.exchange(exchanges)
    assert [number for number, outcome in enumerate(outcomes) if outcome.error] == [42]
    assert outcomes[42].error == CHANGED
    notes = [json.loads(each.body)["note"]["S"] for each in scan(store)]
    assert sorted(notes) == ["ours"] * 99 + ["theirs"]


def test_an_exchange_that_is_refused_keeps_no_other_out(store: TableStore) -> None:
    store.ensure()
    store.put([entry(1), entry(2)])
    one, two = held(store, 1), held(store, 2)
    outcomes = store.exchange(
        [
            Exchange(None, entry(3)),
            Exchange(one, entry(1, bio={"S": "x" * 500_000})),
            Exchange(two, entry(2, gsi1pk={"N": "5"}, gsi1sk={"S": "x"})),
            Exchange(None, entry(4, gsi2pk={"S": ""}, gsi2sk={"S": "x"})),
            Exchange(None, entry(5)),
        ]
    )
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, True, True, False]
    assert all(outcome.message and not outcome.transient for outcome in outcomes if outcome.error)
    assert CHANGED not in errors(outcomes)
    assert len(list(scan(store))) == 4


def test_large_items_are_exchanged(store: TableStore) -> None:
    store.ensure()
    large = [entry(number, bio={"S": "x" * 390_000}) for number in range(13)]
    assert errors(store.exchange([Exchange(None, each) for each in large])) == [None] * 13
    replaced = [entry(number, bio={"S": "y" * 390_000}) for number in range(13)]
    exchanges = [Exchange(held(store, number), each) for number, each in enumerate(replaced)]
    assert errors(store.exchange(exchanges)) == [None] * 13
    assert errors(store.exchange([Exchange(each, None) for each in replaced])) == [None] * 13


def test_an_exchange_with_a_missing_table_is_an_error(store: TableStore) -> None:
    with pytest.raises(StoreError, match="ResourceNotFoundException"):
        store.exchange([Exchange(None, entry(1))])


def test_writers_at_the_same_time_lose_no_exchange(store: TableStore) -> None:
    store.ensure()
    store.put([entry(number, count={"N": "0"}) for number in range(4)])
    patient = RetryingStore(store, Clock(sleep=lambda seconds: None))

    def count_up(writer: int) -> int:
        exchanges = []
        for each in patient.get([entry(number).key for number in range(4)]):
            item = json.loads(each.body)
            item |= {"count": {"N": str(int(item["count"]["N"]) + 1)}, "by": {"N": str(writer)}}
            exchanges.append(Exchange(each, Entry(each.key, json.dumps(item).encode())))
        return errors(patient.exchange(exchanges)).count(None)

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(count_up, range(24)))
    assert sum(int(attributes(store, number)["count"]["N"]) for number in range(4)) == done > 0


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items, items)
def test_any_item_is_exchanged_for_any_other(store: TableStore, one: Any, other: Any) -> None:
    store.ensure()
    key = item_key("ARTIST#a", "METADATA")
    first, second = (
        Entry(key, body({name: value for name, value in item.items() if not name.startswith("gsi")}))
        for item in (one, other)
    )
    store.put([first])
    (read,) = store.get([key])
    for exchange in (Exchange(read, second), Exchange(second, None)):
        (outcome,) = store.exchange([exchange])
        assert outcome.error is None, outcome.message
    assert store.get([key]) == []


def refused(code: str) -> Answer:
    name = f"com.amazonaws.dynamodb.v20120810#{code}"
    return Answer(status=400, body=json.dumps({"__type": name, "Message": f"because of {code}"}).encode())


@pytest.mark.parametrize(
    "code", ["TransactionConflictException", "ThrottlingException", "ProvisionedThroughputExceededException"]
)
def test_what_stood_in_an_exchanges_way_for_now_is_transient(code: str) -> None:
    answers = [Answer(), refused(code), Answer()]
    with stub(lambda asked: answers.pop(0)) as server:
        outcomes = table(server.url, "t").exchange([Exchange(None, entry(number)) for number in range(3)])
    assert [(bool(outcome.error), outcome.transient) for outcome in outcomes] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    assert code in outcomes[1].message


def writes(count: int) -> list[Write]:
    return [conditional_write("t", Exchange(None, entry(number))) for number in range(count)]


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_what_stood_in_a_transactions_way_for_now_is_transient(code: str) -> None:
    sent: list[bytes] = []

    def send(body: bytes) -> Cancelled | None:
        sent.append(body)
        if len(sent) > 1:
            return None
        return Cancelled(
            "TransactionCanceledException", "", [Reason("None", ""), Reason(code, "busy"), Reason("None", "")]
        )

    outcomes = list(write_together(writes(3), send).values())
    assert [len(json.loads(body)["TransactItems"]) for body in sent] == [3, 2]
    assert {(outcome.key, outcome.error, outcome.transient) for outcome in outcomes} == {
        (entry(0).key, None, False),
        (entry(1).key, code, True),
        (entry(2).key, None, False),
    }


def test_a_cancelled_transaction_that_blames_nobody_is_halved() -> None:
    def send(body: bytes) -> Cancelled | None:
        items = json.loads(body)["TransactItems"]
        bad = any(each["Put"]["Item"]["PK"] == json.loads(entry(2).body)["PK"] for each in items)
        return Cancelled("ValidationException", "no", []) if bad else None

    outcomes = write_together(writes(4), send)
    assert [outcomes[entry(number).key].error for number in range(4)] == [None, None, "ValidationException", None]


def test_many_exchanges_go_the_quicker_way_and_a_few_one_by_one(store: TableStore) -> None:
    store.ensure()
    entries = [entry(number) for number in range(300)]
    for start in range(0, 300, 25):
        store.put(entries[start : start + 25])
    read = {each.key: each for each in store.get([each.key for each in entries])}
    for start in range(0, 300, 25):
        batch = entries[start : start + 25]
        assert errors(store.exchange([Exchange(read[each.key], None) for each in batch])) == [None] * len(batch)
    ways = store._exchanger.ways
    assert ways.singly.entries >= 200
    assert ways.together.entries >= 50
    assert list(scan(store)) == []


def test_a_lost_race_for_what_is_there_as_it_was_read_may_be_tried_again() -> None:
    before = entry(1)

    def answer(asked: Asked) -> Answer:
        if asked.headers["x-amz-target"].endswith("BatchGetItem"):
            return Answer(body=b'{"Responses":{"t":[%s]}}' % before.body)
        return refused("ConditionalCheckFailedException")

    with stub(answer) as server:
        (outcome,) = table(server.url, "t").exchange([Exchange(before, None)])
    assert (outcome.error, outcome.transient) == ("ConditionalCheckFailedException", True)
