"""Wrappers: retrying what failed for load, and failing on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.errors import StoreError
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.stores.base import NOT_ROUTED, Outcome, Routing, Store, Target, TransientError, scan
from tattoo_data.stores.bucket import Bucket
from tattoo_data.stores.faulty import FaultyStore, Rates
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.stores.retrying import Patience, RetryingBucket, RetryingStore
from tattoo_data.stores.table import TableStore
from tattoo_data.testing.contract import StoreContract, make_entry
from tests.stores.conftest import ACCESS
from tests.stub import Answer, Asked, stub


class Sleeper:
    """A clock that does not wait, and knows how long it would have."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.clock = Clock(sleep=self.waits.append)


def broken(operation: str) -> TransientError:
    return TransientError(service="table", endpoint="memory", operation=operation, reason="throttled")


def entries(count: int) -> list[Entry]:
    return [make_entry(StoreName.TABLE, number) for number in range(count)]


class TestRetryingAFaultyStore(StoreContract):
    """The whole contract, through a store that fails as engines do."""

    @pytest.fixture(params=range(3))
    def store(self, request: pytest.FixtureRequest) -> Iterator[Store]:
        rates = Rates(throttled=0.2, dropped_before=0.1, dropped_after=0.1, unprocessed=0.2, seed=request.param)
        inner = FaultyStore(MemoryStore(StoreName.TABLE), rates)
        yield RetryingStore(inner, Sleeper().clock, Patience(attempts=60))


def test_only_what_was_not_taken_is_sent_again() -> None:
    sent: list[list[str]] = []

    class Slow(MemoryStore):
        def put(self, batch: Sequence[Entry]) -> list[Outcome]:
            sent.append([entry.key for entry in batch])
            taken = {outcome.key for outcome in super().put(batch[:2])}
            return [
                Outcome(each.key, None if each.key in taken else "UnprocessedItems", "", each.key not in taken)
                for each in batch
            ]

    inner = Slow(StoreName.TABLE)
    inner.ensure()
    outcomes = RetryingStore(inner, Sleeper().clock).put(entries(5))
    assert [outcome.error for outcome in outcomes] == [None] * 5
    assert [len(keys) for keys in sent] == [5, 3, 1]
    assert sent[1] == sent[0][2:]


def test_what_is_never_taken_is_named_in_the_end() -> None:
    class Never(MemoryStore):
        def put(self, batch: Sequence[Entry]) -> list[Outcome]:
            return [Outcome(each.key, "UnprocessedItems", "not taken", transient=True) for each in batch]

    sleeper = Sleeper()
    outcomes = RetryingStore(Never(StoreName.TABLE), sleeper.clock, Patience(attempts=5)).put(entries(3))
    assert [outcome.error for outcome in outcomes] == ["UnprocessedItems"] * 3
    assert [outcome.key for outcome in outcomes] == [entry.key for entry in entries(3)]
    assert len(sleeper.waits) == 4


def test_a_refusal_is_not_sent_again() -> None:
    class Refusing(MemoryStore):
        calls = 0

        def put(self, batch: Sequence[Entry]) -> list[Outcome]:
            Refusing.calls += 1
            return [Outcome(each.key, "ValidationException", "no") for each in batch]

    RetryingStore(Refusing(StoreName.TABLE), Sleeper().clock).put(entries(2))
    assert Refusing.calls == 1


def test_a_read_that_fails_for_load_comes_in_the_end() -> None:
    class Flaky(MemoryStore):
        left = 3

        def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
            Flaky.left -= 1
            if Flaky.left > 0:
                raise broken("get")
            return super().get(keys, routing)

    inner = Flaky(StoreName.TABLE)
    inner.ensure()
    inner.put(entries(1))
    assert len(RetryingStore(inner, Sleeper().clock).get([entries(1)[0].key])) == 1


def test_keys_that_the_table_did_not_read_are_asked_again_after_a_wait() -> None:
    keys = [f'{{"PK":{{"S":"{name}"}},"SK":{{"S":"x"}}}}' for name in "abc"]
    asked: list[list[str]] = []

    def answer(request: Asked) -> Answer:
        wanted = [
            json.dumps(key, separators=(",", ":")) for key in json.loads(request.body)["RequestItems"]["t-t"]["Keys"]
        ]
        asked.append(wanted)
        read, left = ",".join(wanted[:1]), ",".join(wanted[1:])
        unprocessed = f'"t-t":{{"Keys":[{left}]}}' if left else ""
        return Answer(body=f'{{"Responses":{{"t-t":[{read}]}},"UnprocessedKeys":{{{unprocessed}}}}}'.encode())

    sleeper = Sleeper()
    with stub(answer) as server:
        inner = TableStore("t-t", guard.check(server.url), ACCESS, sleeper.clock)
        found = RetryingStore(inner, sleeper.clock).get(keys)
        with pytest.raises(TransientError, match="2 of 3 keys were not read"):
            RetryingStore(inner, sleeper.clock, Patience(attempts=1)).get(keys)
        inner.close()
    assert [entry.key for entry in found] == keys
    assert asked[:3] == [keys, keys[1:], keys[2:]]
    assert len(sleeper.waits) == 2


@pytest.mark.parametrize("operation", ["describe", "ensure", "settle"])
def test_the_error_comes_out_when_patience_ends(operation: str) -> None:
    inner = FaultyStore(MemoryStore(StoreName.TABLE), Rates(throttled=1.0))
    sleeper = Sleeper()
    store = RetryingStore(inner, sleeper.clock, Patience(attempts=4))
    with pytest.raises(TransientError):
        getattr(store, operation)()
    assert inner.calls[operation] == 4
    assert len(sleeper.waits) == 3


def test_waits_are_drawn_between_nothing_and_a_growing_bound() -> None:
    patience = Patience(attempts=12, first_wait=0.05, longest_wait=5.0)
    for _ in range(20):
        sleeper = Sleeper()
        store = RetryingStore(FaultyStore(MemoryStore(StoreName.TABLE), Rates(throttled=1.0)), sleeper.clock, patience)
        with pytest.raises(TransientError):
            store.describe()
        for number, wait in enumerate(sleeper.waits):
            assert 0 <= wait <= min(patience.longest_wait, patience.first_wait * 2 ** (number + 1))
    assert len(set(sleeper.waits)) > 1, "full jitter: waits differ"


def test_another_error_passes_at_once() -> None:
    class Wrong(MemoryStore):
        def describe(self) -> None:
            raise StoreError(service="s", endpoint="e", operation="o", reason="r")

    sleeper = Sleeper()
    with pytest.raises(StoreError):
        RetryingStore(Wrong(StoreName.TABLE), sleeper.clock).describe()
    assert sleeper.waits == []


def test_faults_come_again_from_the_same_seed() -> None:
    def outcomes(seed: int) -> list[str | None]:
        store = FaultyStore(MemoryStore(StoreName.TABLE), Rates(unprocessed=0.5, seed=seed))
        store.ensure()
        return [outcome.error for outcome in store.put(entries(20))]

    assert outcomes(1) == outcomes(1)
    assert outcomes(1) != outcomes(2)


def test_a_connection_that_breaks_afterwards_has_written() -> None:
    inner = MemoryStore(StoreName.TABLE)
    store = FaultyStore(inner, Rates(dropped_after=1.0))
    inner.ensure()
    with pytest.raises(TransientError):
        store.put(entries(2))
    assert len(list(scan(inner))) == 2
    with pytest.raises(TransientError):
        store.delete([Target(entries(1)[0].key)])
    assert len(list(scan(inner))) == 1


def test_a_bucket_that_is_busy_is_asked_again() -> None:
    answers = iter([503, 500, 200, 503, 200])
    body = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
    with stub(lambda asked: Answer(status=next(answers), body=body)) as server:
        bucket = RetryingBucket(Bucket("some-bucket", guard.check(server.url), ACCESS), Sleeper().clock)
        bucket.put("key", Blob(b"body", "text/plain"))
        assert list(bucket.objects()) == []
        bucket.close()
    assert [asked.method for asked in server.asked] == ["PUT", "PUT", "PUT", "GET", "GET"]
