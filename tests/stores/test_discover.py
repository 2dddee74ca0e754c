"""OpenSearch found through AWS_ENDPOINT_URL alone, against a gateway that routes by Host as LocalStack does."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.errors import NotOpenSearch, StoreError, TargetIncomplete
from tattoo_data.stores.discover import find_domain
from tests.stores.conftest import ACCESS
from tests.stub import Answer, Asked, stub

NAME = "tattoo-directory-local"
HOST = f"{NAME}.eu-west-2.opensearch.localhost.localstack.cloud:4566"


def control_plane(statuses: list[dict[str, object] | None]) -> Callable[[Asked], Answer]:
    """Answers DescribeDomain and CreateDomain with one status after the other; None is: no such domain."""

    def answer(asked: Asked) -> Answer:
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        if status is None:
            return Answer(status=409, body=b'{"__type":"ResourceNotFoundException","message":"no"}')
        return Answer(body=json.dumps({"DomainStatus": status}).encode())

    return answer


def waiting() -> tuple[list[float], Clock]:
    waits: list[float] = []
    return waits, Clock(sleep=waits.append)


@pytest.mark.parametrize(
    ("endpoint", "host", "path"),
    [
        (HOST, HOST, ""),
        (f"http://{HOST}", HOST, ""),
        (
            f"localhost.localstack.cloud:4566/opensearch/eu-west-2/{NAME}",
            "localhost.localstack.cloud:4566",
            f"/opensearch/eu-west-2/{NAME}",
        ),
    ],
)
def test_the_endpoint_of_each_strategy(endpoint: str, host: str, path: str) -> None:
    with stub(control_plane([{"Endpoint": endpoint, "Processing": False}])) as server:
        found = find_domain(NAME, guard.check(server.url), ACCESS, Clock(), create=False)
    assert (found.host, found.path) == (host, path)


def test_a_domain_that_is_made_is_waited_for() -> None:
    waits, clock = waiting()
    statuses: list[dict[str, object] | None] = [
        None,
        {"Processing": True},
        {"Processing": True, "Endpoint": HOST},
        {"Processing": False, "Endpoint": HOST},
    ]
    with stub(control_plane(statuses)) as server:
        found = find_domain(NAME, guard.check(server.url), ACCESS, clock, create=True)
    assert found.host == HOST
    assert [each.method for each in server.asked] == ["GET", "POST", "GET", "GET"]
    assert len(waits) == 2


def test_a_reading_command_makes_no_domain() -> None:
    with stub(control_plane([None])) as server, pytest.raises(TargetIncomplete, match=NAME):
        find_domain(NAME, guard.check(server.url), ACCESS, Clock(), create=False)
    assert [each.method for each in server.asked] == ["GET"]


def test_a_domain_that_never_comes_is_said_so() -> None:
    moments = iter(range(0, 100_000, 200))
    clock = Clock(sleep=lambda seconds: None, monotonic=lambda: float(next(moments)))
    with (
        stub(control_plane([{"Processing": True}])) as server,
        pytest.raises(NotOpenSearch, match="not ready"),
    ):
        find_domain(NAME, guard.check(server.url), ACCESS, clock, create=False)


def test_a_control_plane_that_is_not_there_is_an_error() -> None:
    with (
        stub(lambda asked: Answer(status=501, body=b'{"__type":"NotImplemented","message":"no opensearch"}')) as server,
        pytest.raises(StoreError, match="no opensearch"),
    ):
        find_domain(NAME, guard.check(server.url), ACCESS, Clock(), create=False)
