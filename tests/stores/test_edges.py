"""The edge: foreign exceptions become ours, and nothing leaves for another host."""

from __future__ import annotations

import hashlib
import inspect
import json
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import botocore.exceptions
import pytest
import urllib3.exceptions
from botocore.credentials import Credentials
from opensearchpy import Urllib3AWSV4SignerAuth

from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.errors import (
    CredentialsRefused,
    NotOpenSearch,
    StoreError,
    StoreUnreachable,
    TargetNotAllowed,
    TattooDataError,
)
from tattoo_data.stores.aws import CREDENTIAL_CODES, TRANSIENT_CODES, Access, AwsClient
from tattoo_data.stores.base import TransientError
from tattoo_data.stores.bucket import Bucket
from tattoo_data.stores.search import OpenSearchError, SearchClient, sigv4
from tattoo_data.stores.table import TableStore
from tattoo_data.stores.wire import Exchange, Wire
from tests.stores.conftest import ACCESS
from tests.stub import Answer, Asked, stub

NOBODY = "http://127.0.0.1:9"


def _all(root: type[Exception]) -> list[type[Exception]]:
    found = [root]
    for each in root.__subclasses__():
        found += _all(each)
    return found


def _made(kind: type[Exception]) -> Exception:
    """An exception of a foreign class, whatever its constructor wants."""
    made: Exception = kind.__new__(kind)
    Exception.__init__(made, "foreign")
    made.__dict__ |= {"kwargs": {}, "partial": 0, "expected": 1, "length": b"1"}
    return made


@pytest.mark.parametrize("kind", _all(botocore.exceptions.BotoCoreError), ids=lambda kind: kind.__name__)
def test_every_error_of_botocore_is_mapped(kind: type[Exception]) -> None:
    client = AwsClient("dynamodb", guard.check(NOBODY), ACCESS, "table")
    with pytest.raises(TattooDataError), client.errors("scan"):
        raise _made(kind)


@pytest.mark.parametrize("kind", _all(urllib3.exceptions.HTTPError), ids=lambda kind: kind.__name__)
def test_every_error_of_urllib3_is_mapped(kind: type[Exception]) -> None:
    client = AwsClient("s3", guard.check(NOBODY), ACCESS, "images")
    with pytest.raises(TattooDataError), client.errors("get_object"):
        raise _made(kind)


@pytest.mark.parametrize("kind", _all(urllib3.exceptions.HTTPError), ids=lambda kind: kind.__name__)
def test_every_error_on_the_way_to_opensearch_is_mapped(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise _made(kind)

    client = SearchClient(guard.check(NOBODY))
    monkeypatch.setattr(client._wire, "request", fail)
    with pytest.raises(TattooDataError):
        client.ask("GET", "/x")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 418, 429, 500, 502, 503, 504])
def test_every_status_of_opensearch_has_a_meaning(status: int) -> None:
    body = json.dumps({"error": {"type": "some_exception", "reason": "because"}}).encode()
    with stub(lambda asked: Answer(status=status, body=body)) as server:
        client = SearchClient(guard.check(server.url))
        with pytest.raises((TattooDataError, OpenSearchError), match="some_exception: because") as raised:
            client.ask("GET", "/x")
        client.close()
    wanted: dict[int, type[Exception]] = {401: CredentialsRefused, 403: CredentialsRefused}
    wanted |= dict.fromkeys((429, 500, 502, 503, 504), TransientError)
    assert isinstance(raised.value, wanted.get(status, OpenSearchError))


@pytest.mark.parametrize("code", sorted(TRANSIENT_CODES | CREDENTIAL_CODES))
def test_codes_of_aws_have_a_meaning(code: str) -> None:
    body = json.dumps({"__type": f"com.amazonaws#{code}", "message": "because"}).encode()
    with stub(lambda asked: Answer(status=400, body=body)) as server:
        store = TableStore("some-table", guard.check(server.url), ACCESS, Clock())
        wanted = TransientError if code in TRANSIENT_CODES else CredentialsRefused
        with pytest.raises(wanted, match="because"):
            store.describe()
        store.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_statuses_of_aws_without_a_code_are_transient(status: int) -> None:
    with stub(lambda asked: Answer(status=status, body=b"<html>busy</html>")) as server:
        store = TableStore("some-table", guard.check(server.url), ACCESS, Clock())
        with pytest.raises(TransientError):
            store.describe()
        store.close()


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b"[]", b'{"version":"1"}', b'{"version":{}}', b"null"])
def test_a_web_server_is_no_opensearch(body: bytes) -> None:
    with stub(lambda asked: Answer(body=body, headers={"Content-Type": "text/html"})) as server:
        client = SearchClient(guard.check(server.url))
        with pytest.raises(NotOpenSearch):
            client.identify()
        client.close()
    assert [(each.method, each.path) for each in server.asked] == [("GET", "/")]


@pytest.mark.parametrize("make", [lambda endpoint: TableStore("t-t", endpoint, ACCESS, Clock())])
def test_nobody_there_is_unreachable_and_says_which_variable(make: Callable[[Any], TableStore]) -> None:
    store = make(guard.check(NOBODY))
    with pytest.raises(StoreUnreachable, match="refused") as raised:
        store.describe()
    assert "AWS_ENDPOINT_URL" in raised.value.hint
    assert raised.value.exit_code == 14
    search = SearchClient(guard.check(NOBODY))
    with pytest.raises(StoreUnreachable):
        search.identify()


def test_a_broken_connection_is_transient() -> None:
    with stub(lambda asked: Answer(body=None)) as server:
        store = TableStore("t-t", guard.check(server.url), ACCESS, Clock())
        with pytest.raises(TransientError):
            store.describe()
        search = SearchClient(guard.check(server.url))
        with pytest.raises(TransientError):
            search.ask("GET", "/x")
        store.close()
        search.close()


def test_a_redirect_is_not_followed() -> None:
    with stub(lambda asked: Answer(body=b"{}")) as other:

        def away(asked: Asked) -> Answer:
            return Answer(status=307, body=b"", headers={"Location": f"{other.url}{asked.path}"})

        with stub(away) as server:
            store = TableStore("t-t", guard.check(server.url), ACCESS, Clock())
            with pytest.raises(StoreError):
                store.describe()
            bucket = Bucket("some-bucket", guard.check(server.url), ACCESS)
            with pytest.raises(StoreError):
                list(bucket.objects())
            search = SearchClient(guard.check(server.url))
            with pytest.raises(NotOpenSearch):
                search.identify()
            for each in (store, bucket, search):
                each.close()
        assert other.asked == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with stub(lambda asked: Answer(body=b'{"TableNames":[]}')) as proxy, stub(lambda asked: Answer()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        search = SearchClient(guard.check(server.url))
        search.ask("GET", "/x")
        search.close()
        assert len(server.asked) == 1
        assert proxy.asked == []


def test_a_profile_of_the_machine_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-east-1\nendpoint_url = http://8.8.8.8\n[profile other]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://8.8.8.8")
    with stub(lambda asked: Answer(status=400, body=b'{"__type":"ResourceNotFoundException"}')) as server:
        store = TableStore("t-t", guard.check(server.url), ACCESS, Clock())
        assert store.describe() is None
        store.close()
    assert "/eu-west-2/dynamodb/" in server.asked[0].headers["authorization"]


def test_another_host_is_refused_at_the_wire() -> None:
    wire = Wire(guard.check("http://127.0.0.1:4566"), "s3")
    for url in ("http://8.8.8.8/", "http://bucket.127.0.0.1:4566/", "https://127.0.0.1:4566/", "http://127.0.0.1:1/"):
        with pytest.raises(TargetNotAllowed):
            wire.request("GET", url, operation="x")


def test_the_host_header_names_the_host_and_the_connection_goes_to_the_checked_address() -> None:
    with stub(lambda asked: Answer()) as server:
        endpoint = guard.check(f"http://some-name:{server.port}", resolve=lambda host: ["127.0.0.1"])
        wire = Wire(endpoint, "s3")
        wire.request("GET", f"http://some-name:{server.port}/x", operation="x").read()
        wire.close()
    assert server.asked[0].headers["host"] == f"some-name:{server.port}"


def test_the_trace_names_every_request_and_holds_no_secret() -> None:
    seen: list[Exchange] = []
    access = Access(
        access_key="AKIAKEY", secret_key="s3cr3t", session_token="t0ken", region="eu-west-2", trace=seen.append
    )
    with stub(lambda asked: Answer(body=b'{"Responses":{},"UnprocessedKeys":{}}')) as server:
        store = TableStore("t-t", guard.check(server.url), access, Clock())
        store.get(['{"PK":{"S":"a"},"SK":{"S":"b"}}'])
        store.close()
    (exchange,) = seen
    assert (exchange.store, exchange.operation, exchange.status, exchange.attempt) == (
        "table",
        "BatchGetItem",
        200,
        1,
    )
    assert exchange.sent_bytes > 50
    assert exchange.received_bytes == 37
    assert not any(secret in repr(seen) + repr(access) for secret in ("s3cr3t", "t0ken", "AKIAKEY"))


def test_user_and_password_are_sent_and_never_told() -> None:
    with stub(lambda asked: Answer(status=401, body=b"no")) as server:
        client = SearchClient(guard.check(server.url), credentials=("user", "s3cr3t"))
        with pytest.raises(CredentialsRefused) as raised:
            client.ask("GET", "/")
        client.close()
    assert server.asked[0].headers["authorization"].startswith("Basic ")
    assert "s3cr3t" not in str(raised.value.document())


@pytest.mark.parametrize("service", ["es", "aoss"])
def test_a_request_to_an_opensearch_of_aws_is_signed_as_opensearch_py_signs_it(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime(2026, 11, 30, tzinfo=UTC))
    with stub(lambda asked: Answer()) as server:
        client = SearchClient(guard.check(server.url), signer=sigv4(ACCESS, service))
        client.ask("POST", "/some-index/_bulk", b"{}\n", params={"filter_path": "items.*.status,took"})
        client.close()
    (asked,) = server.asked
    credentials = Credentials(ACCESS.access_key, ACCESS.secret_key, ACCESS.session_token)
    theirs = Urllib3AWSV4SignerAuth(credentials, ACCESS.region, service)("POST", f"{server.url}{asked.path}", b"{}\n")
    assert {name: asked.headers.get(name.lower()) for name in theirs} == theirs
    assert f"/{ACCESS.region}/{service}/aws4_request" in asked.headers["authorization"]
    assert asked.headers["x-amz-content-sha256"] == hashlib.sha256(b"{}\n").hexdigest()


def test_unprocessed_items_are_told_by_key() -> None:
    def left(asked: Asked) -> Answer:
        put = json.loads(asked.body)["RequestItems"]["t-t"][1]
        return Answer(body=json.dumps({"UnprocessedItems": {"t-t": [put]}}).encode())

    from tattoo_data.model.entry import StoreName
    from tattoo_data.testing.contract import make_entry

    with stub(left) as server:
        store = TableStore("t-t", guard.check(server.url), ACCESS, Clock())
        outcomes = store.put([make_entry(StoreName.TABLE, number) for number in range(3)])
        store.close()
    assert [(outcome.error, outcome.transient) for outcome in outcomes] == [
        (None, False),
        ("UnprocessedItems", True),
        (None, False),
    ]


@pytest.fixture(autouse=True)
def no_open_sockets() -> Iterator[None]:
    """An exception that was made by hand may leave a socket to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def test_the_lists_above_are_not_empty() -> None:
    assert len(_all(botocore.exceptions.BotoCoreError)) > 50
    assert inspect.isclass(urllib3.exceptions.HTTPError)
