"""The contract suite through the proxy: without faults it is not there, and with them patience gets through."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from tattoo_data.clock import Clock
from tattoo_data.stores.base import Store, Target
from tattoo_data.stores.retrying import Patience, RetryingStore
from tattoo_data.testing.contract import StoreContract, make_entry
from tests.conftest import GetEngine
from tests.faults import FaultRates, Service, fault_proxy
from tests.stores.conftest import fresh_name, images, index, table

#: service -> the embedded engine, and how its store is made.
STORES: Mapping[Service, tuple[str, Callable[[str, str], Store]]] = {
    Service.DYNAMODB: ("ministack", table),
    Service.OPENSEARCH: ("osmem", index),
    Service.S3: ("ministack", images),
}
FAULTS = FaultRates(
    throttled=0.1,
    error500=0.03,
    unavailable=0.05,
    dropped=0.1,
    delayed=0.05,
    delay_seconds=0.01,
    unprocessed=0.1,
    partial=0.1,
)


class TestAStoreBehindAProxyWithoutFaults(StoreContract):
    """Every service, as if the engine were asked itself."""

    @pytest.fixture(params=STORES)
    def store(self, request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[Store]:
        engine, make = STORES[request.param]
        with fault_proxy(get_engine(engine).url, request.param) as proxy:
            store = make(proxy.url, fresh_name())
            yield store
            store.close()
        assert not proxy.injected
        assert not proxy.unanswered


class TestAPatientStoreBehindAProxyWithFaults(StoreContract):
    """Every service, failing as it does under load and on a bad network."""

    @pytest.fixture(params=[(service, turn) for service in STORES for turn in range(2)], ids="{0[0]}-{0[1]}".format)
    def store(self, request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[Store]:
        service = request.param[0]
        engine, make = STORES[service]
        with fault_proxy(get_engine(engine).url, service) as proxy:
            inner = make(proxy.url, fresh_name())
            seed = zlib.crc32(request.node.nodeid.encode())  # each test meets other faults, and the same each time
            proxy.rates = replace(FAULTS, seed=seed)
            yield _patient(inner)
            inner.close()


def test_an_opensearch_that_is_busy_at_first_is_asked_again(get_engine: GetEngine) -> None:
    with fault_proxy(get_engine("osmem").url, Service.OPENSEARCH, FaultRates(throttled=1.0)) as proxy:
        proxy.on_request = lambda number, seen: setattr(proxy, "rates", FaultRates()) if number == 2 else None
        store = index(proxy.url, fresh_name())
        try:
            assert _patient(store).describe() is None
        finally:
            store.close()


def test_an_object_that_was_not_deleted_for_load_is_deleted_in_the_end(get_engine: GetEngine) -> None:
    with fault_proxy(get_engine("ministack").url, Service.S3) as proxy:
        store = images(proxy.url, fresh_name())
        try:
            store.ensure()
            store.put([make_entry(store.name, number) for number in range(5)])
            proxy.rates = FaultRates(partial=0.5, seed=1)
            outcomes = _patient(store).delete([Target(make_entry(store.name, number).key) for number in range(5)])
            assert [outcome.error for outcome in outcomes] == [None] * 5
        finally:
            store.close()


def _patient(store: Store) -> RetryingStore:
    return RetryingStore(store, Clock(sleep=lambda _: None), Patience(attempts=60))
