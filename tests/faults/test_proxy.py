"""The proxy as a server: it changes nothing unasked, counts what it sees, and ends with its block."""

from __future__ import annotations

import hashlib
import http.client
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.conftest import GetEngine
from tests.faults import FaultProxy, FaultRates, Seen, Service, fault_proxy
from tests.faults.conftest import Got, aws, browser
from tests.faults.messages import header
from tests.stores.conftest import fresh_name
from tests.stub import Answer, Asked, Stub, stub

#: Headers that an engine gives anew for each answer.
_ANEW = ("date", "last-modified", "x-amz-request-id", "x-amz-id-2", "x-amzn-requestid")


@pytest.fixture
def engine() -> Iterator[Stub]:
    with stub(lambda asked: Answer(body=b'{"asked":true}')) as running:
        yield running


def same(got: Got) -> tuple[int, list[tuple[str, str]], bytes]:
    """What two answers to one question have in common."""
    return got.status, [each for each in got.headers if each[0].lower() not in _ANEW], got.body


def test_a_request_arrives_as_it_was_sent(engine: Stub) -> None:
    headers = {
        "Host": "opensearch.localhost:4566",
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c, Signature=d",
        "If_Match": '"etag"',
        "Content_MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "X_Amz_Checksum_CRC32": "AAAAAA==",
        "X_Amz_Meta_Note": "caf\xe9",
        "Accept_Encoding": "gzip",
    }
    for path in ("/", "/bucket/a%2Fb%20c?x=1&y=%C3%A9&delete", "/bucket//key"):
        with fault_proxy(engine.url, Service.S3) as proxy, browser(engine.url) as direct, browser(proxy.url) as through:
            direct.ask("PUT", path, b"body", **headers)
            through.ask("PUT", path, b"body", **headers)
    assert engine.asked[0::2] == engine.asked[1::2]


def test_an_answer_comes_as_it_was_given(get_engine: GetEngine) -> None:
    bucket = fresh_name()
    asked = [
        ("PUT", f"/{bucket}", None),
        ("PUT", f"/{bucket}/key", b"content"),
        ("GET", f"/{bucket}/key", None),
        ("HEAD", f"/{bucket}/key", None),
        ("GET", f"/{bucket}?list-type=2", None),
        ("GET", f"/{bucket}/none", None),
        ("HEAD", f"/{bucket}/none", None),
        ("DELETE", f"/{bucket}/key", None),
        ("GET", "/", None),
    ]
    url = get_engine("ministack").url
    with fault_proxy(url, Service.S3) as proxy, browser(url) as direct, browser(proxy.url) as through:
        for method, path, body in asked:
            directly, got = direct.ask(method, path, body), through.ask(method, path, body)
            if b"LastModified" in got.body:
                assert len(directly.body) == len(got.body)
            elif got.status < 400 and path != "/":  # errors and listings of all name the request, or other buckets
                assert same(directly) == same(got), path
            assert directly.status == got.status
    assert proxy.requests == len(asked)


@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_a_connection_is_used_again_after_every_kind_of_answer(status: int) -> None:
    body = b"{}" if status in (200, 404) else b""
    with _before(lambda asked: Answer(status=status, body=body)) as proxy, browser(proxy.url) as client:
        for method in ("HEAD", "GET", "HEAD", "PUT", "GET"):
            got = client.ask(method, "/key")
            assert (got.status, got.body) == (status, body if method != "HEAD" else b"")


def test_a_body_in_chunks_arrives_whole(get_engine: GetEngine) -> None:
    bucket = fresh_name()
    with fault_proxy(get_engine("ministack").url, Service.S3) as proxy, browser(proxy.url) as client:
        client.ask("PUT", f"/{bucket}")
        for parts in ([b"one", b"two" * 1000, b"three"], []):
            assert client.ask("PUT", f"/{bucket}/key", iter(parts)).status == 200
            assert client.ask("GET", f"/{bucket}/key").body == b"".join(parts)
    assert proxy.seen[1].size == len(b"one" + b"two" * 1000 + b"three")


def test_large_bodies_pass(get_engine: GetEngine) -> None:
    bucket, body = fresh_name(), b"0123456789abcdef" * (20 * 65_536)
    with fault_proxy(get_engine("ministack").url, Service.S3) as proxy, aws("s3", proxy.url) as client:
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="large", Body=body)  # expects 100 Continue
        read = client.get_object(Bucket=bucket, Key="large")["Body"].read()
    assert hashlib.md5(read).digest() == hashlib.md5(body).digest()


def test_the_body_is_asked_for_where_the_client_waits_for_that(engine: Stub) -> None:
    with fault_proxy(engine.url, Service.S3) as proxy, _connected(proxy.url) as client:
        client.sendall(b"PUT /key HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert not engine.asked
        client.sendall(b"body")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert [asked.body for asked in engine.asked] == [b"body"]


def test_a_client_that_wants_an_end_gets_it(engine: Stub) -> None:
    with fault_proxy(engine.url, Service.S3) as proxy:
        for request in (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
            with _connected(proxy.url) as client:
                client.sendall(request)
                answer = b"".join(iter(lambda: client.recv(4096), b""))
                assert b"\r\nConnection: close\r\n" in answer
                assert answer.endswith(b'{"asked":true}')


def test_an_engine_that_ends_a_connection_is_asked_on_another() -> None:
    closing = Answer(headers={"Connection": "close"})
    with _before(lambda asked: closing) as proxy, browser(proxy.url) as client:
        for _ in range(3):
            assert client.ask("GET", "/").status == 200
    assert not proxy.unanswered


def test_what_the_engine_breaks_is_broken_for_the_client() -> None:
    with _before(lambda asked: Answer(body=None)) as proxy:
        _ask_in_vain(proxy.url)
    assert proxy.unanswered == 1
    assert not proxy.injected


def test_half_a_request_never_reaches_the_engine(engine: Stub) -> None:
    with fault_proxy(engine.url, Service.S3) as proxy:
        for framing in (b"Content-Length: 10\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"):
            with _connected(proxy.url) as client:
                client.sendall(b"PUT /key HTTP/1.1\r\nHost: x\r\n" + framing)
    assert (engine.asked, proxy.requests) == ([], 0)


def test_many_clients_at_once(get_engine: GetEngine) -> None:
    bucket = fresh_name()
    with fault_proxy(get_engine("ministack").url, Service.S3) as proxy:
        with browser(proxy.url) as client:
            client.ask("PUT", f"/{bucket}")

        def work(worker: int) -> None:
            with browser(proxy.url) as client:
                for number in range(20):
                    body = f"{worker} {number}".encode()
                    client.ask("PUT", f"/{bucket}/{worker}-{number}", body)
                    assert client.ask("GET", f"/{bucket}/{worker}-{number}").body == body

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    assert proxy.requests == 1 + 8 * 40


def test_everything_ends_with_the_block(engine: Stub) -> None:
    before = set(threading.enumerate())
    slow = FaultRates(delayed=1.0, delay_seconds=30.0)
    with fault_proxy(engine.url, Service.S3) as proxy, _connected(proxy.url), browser(proxy.url) as client:
        client.ask("GET", "/")
        came = threading.Event()
        proxy.on_request = lambda number, seen: came.set()
        proxy.rates = slow
        waiting = threading.Thread(target=_ask_in_vain, args=(proxy.url,))
        waiting.start()
        came.wait()
    waiting.join()
    ours = {thread for thread in set(threading.enumerate()) - before if "process_request_thread" not in thread.name}
    assert not ours


def test_what_came_is_counted_and_the_last_of_it_kept(engine: Stub) -> None:
    with fault_proxy(engine.url, Service.DYNAMODB) as proxy, browser(proxy.url) as client:
        client.ask("POST", "/", b"{}", X_Amz_Target="DynamoDB_20120810.BatchWriteItem")
        assert list(proxy.seen) == [Seen(method="POST", path="/", operation="BatchWriteItem", size=2)]
        for _ in range(10):
            client.ask("GET", "/")
        assert proxy.requests == 11
        assert proxy.seen.maxlen
    with fault_proxy(engine.url, Service.OPENSEARCH) as proxy, browser(proxy.url) as client:
        for path in ("/_bulk?refresh=true", "/index/_bulk", "/index/_doc/_1", "/index", "/_search/point_in_time"):
            client.ask("GET", path)
    assert [seen.operation for seen in proxy.seen] == ["_bulk", "_bulk", "_doc", "", "_search"]


# Hooks


def test_hooks_are_called_before_the_engine_is_asked_and_before_the_client_hears_of_it(engine: Stub) -> None:
    calls: list[tuple[str, int, str, int]] = []
    with fault_proxy(engine.url, Service.S3) as proxy, browser(proxy.url) as client:
        proxy.on_request = lambda number, seen: calls.append(("request", number, seen.path, len(engine.asked)))
        proxy.on_answer = lambda number, seen: calls.append(("answer", number, seen.path, len(engine.asked)))
        client.ask("GET", "/a")
        client.ask("GET", "/b")
    assert calls == [("request", 1, "/a", 0), ("answer", 1, "/a", 1), ("request", 2, "/b", 1), ("answer", 2, "/b", 2)]


def test_a_hook_may_change_the_rates_for_the_request_it_sees(engine: Stub) -> None:
    with fault_proxy(engine.url, Service.S3) as proxy, browser(proxy.url) as client:

        def fail_from_the_third(number: int, seen: Seen) -> None:
            if number == 3:
                proxy.rates = FaultRates(unavailable=1.0)

        proxy.on_request = fail_from_the_third
        assert [client.ask("GET", "/").status for _ in range(4)] == [200, 200, 503, 503]
        proxy.rates = FaultRates()
        assert client.ask("GET", "/").status == 200


@pytest.mark.parametrize("moment", ["on_request", "on_answer"])
def test_a_client_that_a_hook_kills_was_heard_only_after_the_answer(engine: Stub, moment: str) -> None:
    program = "import sys, urllib.request as r; r.urlopen(sys.argv[1], b'data').read()"
    with fault_proxy(engine.url, Service.S3) as proxy:
        started = threading.Event()

        def kill(number: int, seen: Seen) -> None:
            started.wait()
            client.kill()
            client.wait()

        setattr(proxy, moment, kill)
        client = subprocess.Popen([sys.executable, "-c", program, proxy.url])
        started.set()
        assert client.wait() != 0
    assert len(engine.asked) == (moment == "on_answer")


@pytest.mark.parametrize("moment", ["on_request", "on_answer"])
def test_what_a_hook_raises_is_raised_where_the_block_ends(engine: Stub, moment: str) -> None:
    def fail(number: int, seen: Seen) -> None:
        raise OSError("the hook's own")

    with pytest.raises(ExceptionGroup) as caught, fault_proxy(engine.url, Service.S3) as proxy:
        setattr(proxy, moment, fail)
        _ask_in_vain(proxy.url)
    assert [str(each) for each in caught.value.exceptions] == ["the hook's own"]


# The clock


@pytest.mark.parametrize("hours", [-1, 0, 1, 30])
def test_a_server_s_clock_may_be_wrong(get_engine: GetEngine, hours: int) -> None:
    bucket, offset = fresh_name(), timedelta(hours=hours)
    rates = FaultRates(clock_offset_seconds=offset.total_seconds())
    with fault_proxy(get_engine("ministack").url, Service.S3, rates) as proxy, aws("s3", proxy.url) as client:
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="key", Body=b"body")
        head = client.head_object(Bucket=bucket, Key="key")
        listed = client.list_objects_v2(Bucket=bucket)
        dates = [
            parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"]),
            head["LastModified"],
            listed["Contents"][0]["LastModified"],
        ]
        proxy.rates = FaultRates(unavailable=1.0, clock_offset_seconds=offset.total_seconds())
        with browser(proxy.url) as plain:
            dates.append(parsedate_to_datetime(header(plain.ask("GET", "/").headers, "date")))
    assert all(abs(date - offset - datetime.now(UTC)) < timedelta(seconds=30) for date in dates), dates


@contextmanager
def _before(answer: Callable[[Asked], Answer]) -> Iterator[FaultProxy]:
    with stub(answer) as engine, fault_proxy(engine.url, Service.S3) as proxy:
        yield proxy


def _connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def _ask_in_vain(url: str) -> None:
    with browser(url) as client, pytest.raises((ConnectionError, http.client.HTTPException)):
        client.ask("GET", "/")
