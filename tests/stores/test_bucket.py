"""A bucket's conditional writes: on the engines, on services that know no conditions, and over broken connections."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tattoo_data import guard
from tattoo_data.clock import Clock
from tattoo_data.errors import StoreError
from tattoo_data.model.entry import Blob
from tattoo_data.stores.base import TransientError
from tattoo_data.stores.bucket import Bucket, Listed
from tattoo_data.stores.retrying import Patience, RetryingBucket
from tests.conftest import GetEngine
from tests.stores.conftest import ACCESS, BUCKET_ENGINES, fresh_name
from tests.stub import Answer, Asked, Stub, stub

OLD, NEW, THEIRS = (Blob(text, "text/plain") for text in (b"old", b"new", b"theirs"))


def etag_of(blob: Blob) -> str:
    return hashlib.md5(blob.body, usedforsecurity=False).hexdigest()


@pytest.fixture(params=BUCKET_ENGINES)
def bucket(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[Bucket]:
    made = Bucket(fresh_name(), guard.check(get_engine(request.param).url), ACCESS)
    made.create()
    yield made
    made.close()


def test_what_was_put_is_read_with_its_version_and_both_times_of_the_service(bucket: Bucket) -> None:
    assert bucket.read("a/é") is None
    etag = bucket.put_if("a/é", OLD, match=None)
    stored = bucket.read("a/é")
    assert stored is not None
    assert (stored.blob, stored.etag) == (OLD, etag)
    assert timedelta(0) <= stored.now - stored.modified < timedelta(seconds=30)
    assert stored.now.tzinfo is not None


def test_head_gives_what_a_listing_does(bucket: Bucket) -> None:
    assert bucket.head("key") is None
    bucket.put("key", OLD)
    (listed,) = bucket.objects()
    headed = bucket.head("key")
    assert headed == Listed(
        key="key", size=3, etag=etag_of(OLD), modified=headed.modified if headed else listed.modified
    )
    assert listed == Listed(key="key", size=3, etag=etag_of(OLD), modified=listed.modified)
    # one gives whole seconds, the other may give more
    assert headed is not None and abs(listed.modified - headed.modified) < timedelta(seconds=1)


def test_put_if_creates_once(bucket: Bucket) -> None:
    assert bucket.put_if("key", OLD, match=None) == etag_of(OLD)
    assert bucket.put_if("key", NEW, match=None) is None
    assert bucket.put_if("key", OLD, match=None) is None
    assert bucket.get("key") == OLD


def test_put_if_replaces_just_the_version_it_names(bucket: Bucket) -> None:
    assert bucket.put_if("key", NEW, match=etag_of(OLD)) is None
    assert bucket.get("key") is None
    bucket.put("key", OLD)
    assert bucket.put_if("key", NEW, match=etag_of(THEIRS)) is None
    assert bucket.get("key") == OLD
    assert bucket.put_if("key", NEW, match=etag_of(OLD)) == etag_of(NEW)
    assert bucket.get("key") == NEW


def test_delete_if_takes_just_the_version_it_names(bucket: Bucket) -> None:
    bucket.put("key", OLD)
    assert not bucket.delete_if("key", etag_of(NEW))
    assert bucket.get("key") == OLD
    assert bucket.delete_if("key", etag_of(OLD))
    assert bucket.get("key") is None
    assert bucket.delete_if("key", etag_of(OLD)), "what is not there is gone"


def test_a_condition_on_a_missing_bucket_does_not_make_it(bucket: Bucket) -> None:
    missing = Bucket(fresh_name(), bucket._aws.endpoint, ACCESS)
    assert (missing.read("key"), missing.head("key")) == (None, None)
    assert missing.put_if("key", NEW, match=etag_of(OLD)) is None
    assert missing.delete_if("key", etag_of(OLD))
    assert not missing.exists()
    missing.close()


@pytest.mark.parametrize("match", [None, etag_of(OLD)], ids=["create", "replace"])
def test_of_many_writers_at_once_one_is_taken(bucket: Bucket, match: str | None) -> None:
    writers = [Blob(b"writer %d" % number, "text/plain") for number in range(4)]
    start = threading.Barrier(len(writers))

    def write(key: str, blob: Blob) -> Blob | None:
        start.wait()
        return blob if bucket.put_if(key, blob, match=match) else None

    with ThreadPoolExecutor(len(writers)) as pool:
        for key in ("one", "two", "three", "four"):
            if match:
                bucket.put(key, OLD)
            (taken,) = filter(None, pool.map(write, [key] * len(writers), writers))
            assert bucket.get(key) == taken


class Service:
    """A small S3 of one object, to be a service that the engines are not.

    `conditions` are `honoured`, `ignored` or `unknown`. The next answers in `broken` never arrive, though what was
    asked for is done; `before_delete` happens just before a DELETE does.
    """

    def __init__(self, conditions: str = "honoured", broken: int = 0) -> None:
        self.body: bytes | None = None
        self.conditions = conditions
        self.broken = broken
        self.before_delete: Callable[[], None] = lambda: None

    def __call__(self, asked: Asked) -> Answer:
        answer = getattr(self, f"_{asked.method.lower()}")(asked)
        if asked.method in ("PUT", "DELETE") and self.broken:
            self.broken -= 1
            return Answer(body=None)
        assert isinstance(answer, Answer)
        return answer

    def _get(self, asked: Asked) -> Answer:
        if self.body is None:
            return _refusal(404, "NoSuchKey")
        return Answer(body=self.body, headers={"ETag": self._etag, "Content-Type": "text/plain"})

    _head = _get

    def _put(self, asked: Asked) -> Answer:
        if refused := self._refused(asked):
            return refused
        self.body = asked.body
        return Answer(body=b"", headers={"ETag": self._etag})

    def _delete(self, asked: Asked) -> Answer:
        self.before_delete()
        if refused := self._refused(asked):
            return refused
        self.body = None
        return Answer(status=204, body=b"")

    @property
    def _etag(self) -> str:
        return f'"{hashlib.md5(self.body or b"", usedforsecurity=False).hexdigest()}"'

    def _refused(self, asked: Asked) -> Answer | None:
        named = "if-match" in asked.headers or "if-none-match" in asked.headers
        if self.conditions == "unknown" and named:
            return _refusal(501, "NotImplemented")
        if self.conditions == "ignored" or not named:
            return None
        if "if-none-match" in asked.headers:
            return _refusal(412, "PreconditionFailed") if self.body is not None else None
        if self.body is None:
            return _refusal(404, "NoSuchKey")
        return None if asked.headers["if-match"] == self._etag else _refusal(412, "PreconditionFailed")


def _refusal(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Answer(status=status, body=body, headers={"Content-Type": "application/xml"})


def bucket_at(server: Stub) -> Bucket:
    return Bucket("some-bucket", guard.check(server.url), ACCESS)


def patient_at(server: Stub) -> RetryingBucket:
    return RetryingBucket(bucket_at(server), Clock(sleep=lambda seconds: None), Patience(attempts=3))


@pytest.mark.parametrize("conditions", ["ignored", "unknown"])
def test_a_service_without_conditions_writes_and_deletes_just_the_version_named(conditions: str) -> None:
    service = Service(conditions)
    with stub(service) as server:
        bucket = bucket_at(server)
        assert bucket.put_if("key", OLD, match=None) == etag_of(OLD)
        assert bucket.put_if("key", NEW, match=None) == etag_of(NEW)
        assert not bucket.delete_if("key", etag_of(OLD))
        assert service.body == b"new"
        assert bucket.delete_if("key", etag_of(NEW))
        assert service.body is None
        bucket.close()


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "PreconditionFailed"])
def test_a_lost_race_is_an_answer(code: str) -> None:
    with stub(lambda asked: _refusal(409 if "Conflict" in code else 412, code)) as server:
        bucket = bucket_at(server)
        assert bucket.put_if("key", NEW, match=None) is None
        bucket.close()


def test_what_is_changed_just_before_its_delete_stays() -> None:
    service = Service()
    service.body = OLD.body

    def change() -> None:
        service.body = THEIRS.body

    service.before_delete = change
    with stub(service) as server:
        bucket = bucket_at(server)
        assert not bucket.delete_if("key", etag_of(OLD))
        assert service.body == THEIRS.body
        bucket.close()


def test_another_refusal_is_an_error() -> None:
    with stub(lambda asked: _refusal(400, "InvalidRequest")) as server:
        bucket = bucket_at(server)
        with pytest.raises(StoreError, match="InvalidRequest"):
            bucket.put_if("key", NEW, match=None)
        bucket.close()


@pytest.mark.parametrize("match", [None, etag_of(OLD)], ids=["create", "replace"])
def test_a_write_whose_answer_was_lost_is_known_as_ours(match: str | None) -> None:
    service = Service(broken=1)
    service.body = OLD.body if match else None
    with stub(service) as server:
        bucket = patient_at(server)
        assert bucket.put_if("key", NEW, match=match) == etag_of(NEW)
        bucket.close()
    assert [asked.method for asked in server.asked] == ["PUT", "PUT", "GET"]


def test_a_lost_race_is_not_taken_for_ours_after_a_broken_connection() -> None:
    service = Service(broken=1)
    service.body = THEIRS.body
    with stub(service) as server:
        bucket = patient_at(server)
        assert bucket.put_if("key", NEW, match=etag_of(OLD)) is None
        bucket.close()


def test_a_refusal_at_once_is_not_read_back_even_where_the_same_is_there() -> None:
    service = Service()
    service.body = NEW.body
    with stub(service) as server:
        bucket = patient_at(server)
        assert bucket.put_if("key", NEW, match=None) is None
        bucket.close()
    assert [asked.method for asked in server.asked] == ["PUT"]


def test_a_delete_whose_answer_was_lost_is_done() -> None:
    service = Service(broken=1)
    service.body = OLD.body
    with stub(service) as server:
        bucket = patient_at(server)
        assert bucket.delete_if("key", etag_of(OLD))
        bucket.close()
    assert service.body is None


def test_patience_ends_in_the_error() -> None:
    with stub(Service(broken=9)) as server:
        bucket = patient_at(server)
        with pytest.raises(TransientError):
            bucket.put_if("key", NEW, match=None)
        bucket.close()


def test_a_service_that_tells_no_time_has_objects_of_no_age() -> None:
    service = Service()
    service.body = OLD.body
    with stub(service) as server:
        bucket = bucket_at(server)
        stored = bucket.read("key")
        bucket.close()
    assert stored is not None
    assert stored.modified == stored.now
    assert stored.now > datetime(2020, 1, 1, tzinfo=UTC), "the Date header, where only Last-Modified is missing"
