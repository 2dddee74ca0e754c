"""Each fault as a client meets it: the right error, about as often as asked, and the engine in the right state."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tattoo_data.model.entry import StoreName
from tattoo_data.stores.base import Store, Target, TransientError, scan
from tattoo_data.stores.table import TableStore
from tattoo_data.testing.contract import make_entry
from tests.conftest import GetEngine
from tests.faults import FaultProxy, FaultRates, Moment, Service, fault_proxy
from tests.faults.conftest import aws, browser
from tests.faults.test_contract import STORES
from tests.stores.conftest import fresh_name

NAMES = {
    Service.DYNAMODB: StoreName.TABLE,
    Service.OPENSEARCH: StoreName.INDEX,
    Service.S3: StoreName.IMAGES,
}


@pytest.fixture
def proxy(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[FaultProxy]:
    """A proxy before the embedded engine of a service, without faults yet."""
    with fault_proxy(get_engine(STORES[request.param][0]).url, request.param) as running:
        yield running


dynamodb = pytest.mark.parametrize("proxy", [Service.DYNAMODB], indirect=True)
opensearch = pytest.mark.parametrize("proxy", [Service.OPENSEARCH], indirect=True)
s3 = pytest.mark.parametrize("proxy", [Service.S3], indirect=True)
every_service = pytest.mark.parametrize("proxy", list(Service), indirect=True)


@pytest.fixture
def store(proxy: FaultProxy) -> Iterator[Store]:
    """The service's store, which is there and empty."""
    made = STORES[proxy.service][1](proxy.url, fresh_name())
    made.ensure()
    yield made
    made.close()


def entries(proxy: FaultProxy, count: int) -> list[Any]:
    return [make_entry(NAMES[proxy.service], number) for number in range(count)]


def held(store: Store, proxy: FaultProxy) -> set[str]:
    """What the engine holds, asked without faults."""
    rates, proxy.rates = proxy.rates, FaultRates()
    keys = {entry.key for entry in scan(store)}
    proxy.rates = rates
    return keys


# Requests


@every_service
@pytest.mark.parametrize("fault", ["throttled", "error500", "unavailable", "dropped"])
def test_our_stores_know_each_fault_as_one_that_passes(proxy: FaultProxy, store: Store, fault: str) -> None:
    """Many seeds: a service's words, a gateway's, a connection that is reset, closed, or ends in a body."""
    for seed in range(12):
        proxy.rates = FaultRates(seed=seed, **{fault: 1.0})  # type: ignore[arg-type]  # the names of rates
        with pytest.raises(TransientError):
            store.get([entries(proxy, 1)[0].key])
    assert proxy.injected == {fault: 12}
    assert fault != "dropped" or set(proxy.dropped_at) == set(Moment)


@pytest.mark.parametrize("service", list(Service))
@pytest.mark.parametrize(
    ("fault", "statuses", "codes"),
    [
        (
            "throttled",
            {400, 429, 503},
            {b"#ProvisionedThroughputExceededException", b"rejected_execution_exception", b"<Code>SlowDown</Code>"},
        ),
        ("error500", {500}, {b"#InternalServerError", b'"status":500', b"<Code>InternalError</Code>"}),
        ("unavailable", {503}, {b"#ServiceUnavailable", b'"status":503', b"<Code>ServiceUnavailable</Code>"}),
    ],
)
def test_a_fault_has_the_words_of_its_service_or_of_a_gateway(
    service: Service, fault: str, statuses: set[int], codes: set[bytes]
) -> None:
    gateways = 0
    with fault_proxy("http://127.0.0.1:1", service) as proxy, browser(proxy.url) as client:
        for seed in range(40):
            proxy.rates = FaultRates(seed=seed, **{fault: 1.0})  # type: ignore[arg-type]  # the names of rates
            got = client.ask("POST", "/", b"{}")
            assert got.status in statuses
            gateway = got.body.startswith((b"<html>", b"upstream"))
            gateways += gateway
            assert gateway != any(code in got.body for code in codes)
            assert client.ask("HEAD", "/").body == b""
    assert (gateways > 0) == (fault != "throttled")
    assert not proxy.unanswered, "nothing is forwarded"


@dynamodb
def test_boto3_reads_the_codes(proxy: FaultProxy) -> None:
    with aws("dynamodb", proxy.url) as client:
        for fault, code in [
            ("throttled", "ProvisionedThroughputExceededException"),
            ("error500", "InternalServerError"),
            ("unavailable", "ServiceUnavailable"),
        ]:
            proxy.rates = FaultRates(seed=1, **{fault: 1.0})  # type: ignore[arg-type]  # the names of rates
            with pytest.raises(ClientError) as caught:
                client.list_tables()
            assert caught.value.response["Error"]["Code"] == code


@dynamodb
def test_faults_come_at_about_their_rates_and_from_the_same_seed_again(proxy: FaultProxy) -> None:
    first, again, other = (_outcomes(proxy.engine, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    counts = Counter(first)
    assert counts["200"] > 100
    for outcome, rate in [("400", 0.2), ("500", 0.1), ("503", 0.1), ("broken", 0.2)]:
        assert 0.5 * rate < counts[outcome] / len(first) < 1.5 * rate, counts


def _outcomes(engine: tuple[str, int], seed: int) -> list[str]:
    rates = FaultRates(throttled=0.2, error500=0.1, unavailable=0.1, dropped=0.2, seed=seed)
    url = f"http://{engine[0]}:{engine[1]}"
    outcomes: list[str] = []
    with fault_proxy(url, Service.DYNAMODB, rates) as proxy, browser(proxy.url) as client:
        for _ in range(300):
            try:
                got = client.ask("POST", "/", b"{}", X_Amz_Target="DynamoDB_20120810.ListTables")
                outcomes.append(str(got.status))
            except (ConnectionError, http.client.HTTPException):
                outcomes.append("broken")
                client.close()
    assert proxy.injected.total() == 300 - outcomes.count("200")
    return outcomes


@every_service
def test_nothing_gets_through_where_everything_fails(proxy: FaultProxy, store: Store) -> None:
    proxy.rates = FaultRates.everything(seed=3)
    for entry in entries(proxy, 30):
        try:
            (outcome,) = store.put([entry])
            assert outcome.transient
        except TransientError:
            pass
    assert set(proxy.injected) == {"throttled", "unavailable", "dropped"}
    assert held(store, proxy) == set()


@every_service
@pytest.mark.parametrize("moment", list(Moment))
def test_what_was_dropped_after_the_engine_took_it_is_written(proxy: FaultProxy, store: Store, moment: Moment) -> None:
    entry = entries(proxy, 1)[0]
    proxy.rates = FaultRates(dropped=1.0, dropped_at=(moment,))
    try:
        (outcome,) = store.put([entry])
        assert outcome.transient
    except TransientError:
        pass
    assert held(store, proxy) == (set() if moment is Moment.BEFORE else {entry.key})
    assert proxy.dropped_at[moment] == proxy.injected["dropped"] == 1


@s3
def test_a_body_ends_in_its_middle(proxy: FaultProxy) -> None:
    bucket = fresh_name()
    with browser(proxy.url) as client:
        client.ask("PUT", f"/{bucket}")
        client.ask("PUT", f"/{bucket}/key", b"x" * 1000)
        proxy.rates = FaultRates(dropped=1.0, dropped_at=(Moment.MIDDLE,))
        with pytest.raises(http.client.IncompleteRead) as caught:
            client.ask("GET", f"/{bucket}/key")
    assert caught.value.partial == b"x" * 500


@every_service
def test_a_delay_is_all_that_happens(proxy: FaultProxy, store: Store) -> None:
    proxy.rates = FaultRates(delayed=1.0, delay_seconds=0.02)
    assert [outcome.error for outcome in store.put(entries(proxy, 3))] == [None] * 3
    assert proxy.injected["delayed"] >= 1


# DynamoDB


@dynamodb
def test_items_that_stay_unprocessed_are_not_written_and_named(proxy: FaultProxy, store: Store) -> None:
    proxy.rates = FaultRates(unprocessed=0.3, seed=5)
    batch = entries(proxy, 25)
    outcomes = store.put(batch)
    left = {outcome.key for outcome in outcomes if outcome.error == "UnprocessedItems"}
    assert 0 < len(left) < 25
    assert held(store, proxy) == {entry.key for entry in batch} - left
    assert proxy.injected == {"unprocessed": len(left)}
    gone = {outcome.key for outcome in store.delete([Target(entry.key) for entry in batch]) if outcome.error is None}
    assert held(store, proxy) == {entry.key for entry in batch} - left - gone


@dynamodb
def test_where_no_item_is_taken_the_engine_is_not_asked(proxy: FaultProxy, store: Store) -> None:
    asked: list[str] = []
    proxy.on_answer = lambda number, seen: asked.append(seen.operation)
    proxy.rates = FaultRates(unprocessed=1.0)
    outcomes = store.put(entries(proxy, 25))
    assert {outcome.error for outcome in outcomes} == {"UnprocessedItems"}
    assert asked == []
    assert held(store, proxy) == set()


@dynamodb
def test_keys_that_stay_unprocessed_are_named_as_they_were_asked_for(proxy: FaultProxy, store: TableStore) -> None:
    store.put(entries(proxy, 20))
    keys = [{"PK": {"S": f"ARTIST#artist-{number:05}"}, "SK": {"S": "METADATA"}} for number in range(20)]
    asked = {store.table: {"Keys": keys, "ConsistentRead": True}}
    with aws("dynamodb", proxy.url) as client:
        for rate, low, high in [(0.4, 1, 19), (1.0, 20, 20)]:
            proxy.rates = FaultRates(unprocessed=rate, seed=5)
            answer = client.batch_get_item(RequestItems=asked)
            left = answer["UnprocessedKeys"][store.table]
            read = answer["Responses"].get(store.table, [])
            assert low <= len(left["Keys"]) <= high
            assert left["ConsistentRead"] is True
            found = [{"PK": item["PK"], "SK": item["SK"]} for item in read]
            assert sorted(map(str, [*found, *left["Keys"]])) == sorted(map(str, keys))


@dynamodb
def test_a_refused_item_is_refused_each_time_and_with_it_its_batch(proxy: FaultProxy, store: Store) -> None:
    proxy.rates = FaultRates(refused=0.2, seed=2)
    batch = entries(proxy, 25)
    refused = {entry.key for entry in batch if proxy.rates.refuses(entry.key)}
    assert 0 < len(refused) < 25
    for _ in range(2):
        outcomes = store.put(batch)
        assert {outcome.key for outcome in outcomes if outcome.error == "ValidationException"} == refused
        assert [outcome.error for outcome in outcomes].count(None) == 25 - len(refused)
    assert held(store, proxy) == {entry.key for entry in batch} - refused
    with aws("dynamodb", proxy.url) as client, pytest.raises(ClientError) as caught:
        client.put_item(TableName="any", Item={"PK": {"S": "ARTIST#artist-00000"}, "SK": {"S": "METADATA"}})
    assert ("ValidationException" in str(caught.value)) == (batch[0].key in refused)


@dynamodb
def test_a_transaction_is_cancelled_for_what_could_not_be_taken(proxy: FaultProxy, store: TableStore) -> None:
    items = [{"PK": {"S": f"ARTIST#{number}"}, "SK": {"S": "METADATA"}} for number in range(10)]
    parts = [{"Put": {"TableName": store.table, "Item": item}} for item in items]
    with aws("dynamodb", proxy.url) as client:
        proxy.rates = FaultRates(unprocessed=0.3, seed=1)
        with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
            client.transact_write_items(TransactItems=parts)
        codes = Counter(reason["Code"] for reason in caught.value.response["CancellationReasons"])
        assert codes["None"] == 10 - proxy.injected["unprocessed"]
        assert set(codes) <= {"None", "ThrottlingError", "TransactionConflict"}
        assert held(store, proxy) == set()
        proxy.rates = FaultRates(refused=1.0)
        with pytest.raises(ClientError, match="ValidationException"):
            client.transact_write_items(TransactItems=parts)
        proxy.rates = FaultRates(unprocessed=1e-9)
        client.transact_write_items(TransactItems=parts)
    assert len(held(store, proxy)) == 10


# OpenSearch


@opensearch
def test_actions_that_are_not_taken_come_back_in_their_places(proxy: FaultProxy, store: Store) -> None:
    proxy.rates = FaultRates(partial=0.3, seed=4)
    batch = entries(proxy, 40)
    outcomes = store.put(batch)
    left = [outcome for outcome in outcomes if outcome.error]
    assert 0 < len(left) < 40
    assert {(outcome.error, outcome.transient) for outcome in left} == {("rejected_execution_exception", True)}
    there = {entry.key for entry in batch} - {outcome.key for outcome in left}
    assert held(store, proxy) == there
    assert proxy.injected == {"partial": len(left)}
    gone = {outcome.key for outcome in store.delete([Target(entry.key) for entry in batch]) if outcome.error is None}
    assert held(store, proxy) == there - gone


@opensearch
def test_where_no_action_is_taken_the_engine_is_not_asked(proxy: FaultProxy, store: Store) -> None:
    proxy.rates = FaultRates(partial=1.0)
    assert all(outcome.transient for outcome in store.put(entries(proxy, 5)))
    assert held(store, proxy) == set()


@opensearch
def test_a_refused_document_is_refused_each_time_and_alone(proxy: FaultProxy, store: Store) -> None:
    proxy.rates = FaultRates(refused=0.2, partial=0.2, seed=2)
    batch = entries(proxy, 40)
    refused = {entry.key for entry in batch if proxy.rates.refuses(entry.key)}
    assert 0 < len(refused) < 40
    for _ in range(2):
        outcomes = {outcome.key: outcome for outcome in store.put(batch) if not outcome.transient}
        assert {key for key, outcome in outcomes.items() if outcome.error} == refused
    assert {outcomes[key].error for key in refused} == {"mapper_parsing_exception"}


# S3


@s3
def test_objects_that_are_not_deleted_are_named(proxy: FaultProxy) -> None:
    bucket = fresh_name()
    keys = {f"a&b <{number}> é" for number in range(20)}
    with aws("s3", proxy.url) as client:
        client.create_bucket(Bucket=bucket)
        for key in keys:
            client.put_object(Bucket=bucket, Key=key, Body=b"")
        for rate, low, high in [(0.4, 1, 19), (1.0, 1, 20)]:
            proxy.rates = FaultRates(partial=rate, seed=3)
            there = {each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]}
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in sorted(there)]})
            left = {each["Key"] for each in answer["Errors"]}
            assert low <= len(left) <= high
            assert {each["Key"] for each in answer.get("Deleted", ())} == there - left
            assert {each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]} == left
