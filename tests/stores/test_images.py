"""The bucket's door: what only S3 does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tattoo_data import guard
from tattoo_data.errors import StoreError
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Blob, Entry
from tattoo_data.stores.base import CHANGED, Exchange, scan
from tattoo_data.stores.bucket import Bucket
from tattoo_data.stores.objects import ImageStore
from tests.conftest import GetEngine
from tests.stores.conftest import ACCESS, BUCKET_ENGINES, fresh_name, images
from tests.stores.test_bucket import Service, bucket_at
from tests.stub import stub


@pytest.fixture(params=BUCKET_ENGINES)
def store(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[ImageStore]:
    made = images(get_engine(request.param).url, fresh_name())
    made.ensure()
    yield made
    made.close()


@pytest.fixture
def bucket(store: ImageStore) -> Bucket:
    return store.bucket


def etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def image(key: str, body: bytes) -> Entry:
    """An object that is to be written."""
    return Entry(key, canonical_object(etag(body), len(body)), load=lambda: Blob(body, "image/png"))


def client(bucket: Bucket) -> Any:
    return bucket._aws.client


def test_more_objects_than_a_listing_holds_are_listed_and_deleted(bucket: Bucket) -> None:
    keys = [f"many/{number:05}" for number in range(1100)]
    for key in keys:
        bucket.put(key, Blob(b"x", "text/plain"))
    assert [each.key for each in bucket.objects("many/")] == keys
    assert all(outcome.error is None for outcome in bucket.delete(keys))
    assert list(bucket.objects()) == []


@pytest.mark.parametrize(
    "key", ["a/../b", "./b", "a/./b", "../elsewhere/b", "..", "/b", "a//b", "%2e%2e/b", "a b?c#d+e"]
)
def test_a_key_with_dots_and_marks_is_itself(bucket: Bucket, request: pytest.FixtureRequest, key: str) -> None:
    if "seaweedfs" in request.node.name and {"", ".", ".."} & set(key.split("/")):
        pytest.skip("SeaweedFS keeps folders, and takes such a key for another one or for none")
    bucket.put("b", Blob(b"b", "text/plain"))
    bucket.put(key, Blob(b"odd", "text/plain"))
    assert sorted(each.key for each in bucket.objects()) == sorted(["b", key])
    found = bucket.get(key)
    assert found is not None
    assert found.body == b"odd"
    assert all(outcome.error is None for outcome in bucket.delete([key]))
    assert [each.key for each in bucket.objects()] == ["b"]


def test_body_and_type_come_back(bucket: Bucket) -> None:
    body = bytes(range(256)) * 100
    bucket.put("a b/é+%.png", Blob(body, "image/png"))
    assert bucket.get("a b/é+%.png") == Blob(body, "image/png")
    assert bucket.get("nothing") is None


def test_an_object_written_in_parts_has_the_md5_of_its_body(store: ImageStore, bucket: Bucket) -> None:
    parts = [b"a" * (5 * 1024 * 1024), b"b" * 1000]
    s3, place = client(bucket), {"Bucket": bucket.name, "Key": "large"}
    upload = s3.create_multipart_upload(**place)["UploadId"]
    sent = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket.name, Key="large", PartNumber=number, UploadId=upload, Body=body)[
                "ETag"
            ],
        }
        for number, body in enumerate(parts, 1)
    ]
    s3.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": sent}, **place)
    body = b"".join(parts)
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    (entry,) = scan(store)
    assert entry.body == f'{{"md5":"{md5}","size":{len(body)}}}'.encode()
    assert store.exchange([Exchange(entry, image("large", b"small"))])[0].error is None
    assert bucket.get("large") == Blob(b"small", "image/png")


def test_a_missing_bucket_is_empty_and_not_made_by_reading(store: ImageStore, get_engine: GetEngine) -> None:
    missing = Bucket(fresh_name(), store.bucket._aws.endpoint, ACCESS)
    assert not missing.exists()
    assert list(missing.objects()) == []
    assert missing.get("x") is None
    assert [outcome.error for outcome in missing.delete(["x"])] == [None]
    assert not missing.exists()
    missing.close()


def test_making_a_bucket_twice_is_making_it_once(bucket: Bucket) -> None:
    bucket.create()
    bucket.create()
    assert bucket.exists()


def test_entries_bring_their_bodies_when_they_are_asked_for(store: ImageStore, bucket: Bucket) -> None:
    bucket.put("a/é.png", Blob(b"picture", "image/png"))
    for (entry,) in (list(scan(store)), store.get(["a/é.png"])):
        assert entry.load is not None
        assert entry.load() == Blob(b"picture", "image/png")
        assert entry.version == etag(b"picture")


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_body_that_is_not_the_one_listed_any_more_is_not_given(
    store: ImageStore, bucket: Bucket, change: str
) -> None:
    bucket.put("key", Blob(b"picture", "image/png"))
    (entry,) = store.get(["key"])
    bucket.put("key", Blob(b"another", "image/png")) if change == "replaced" else bucket.delete(["key"])
    assert entry.load is not None
    with pytest.raises(StoreError, match="key was changed or deleted"):
        entry.load()


def test_a_large_bucket_is_not_listed_for_a_few_keys(get_engine: GetEngine) -> None:
    sent: list[str] = []
    access = replace(ACCESS, trace=lambda exchange: sent.append(exchange.operation))
    bucket = Bucket(fresh_name(), guard.check(get_engine("ministack").url), access)
    bucket.create()
    keys = [f"many/{number:05}" for number in range(2100)]
    for key in keys:
        bucket.put(key, Blob(b"x", "text/plain"))
    wanted = [keys[3], keys[1500], keys[2050], "many/nothing"]
    sent.clear()
    assert {entry.key for entry in ImageStore(bucket).get(wanted)} == set(wanted[:3])
    assert sent == ["ListObjectsV2"] + ["HeadObject"] * 3
    bucket.close()


def test_an_exchange_that_is_made_already_sends_no_body(store: ImageStore, bucket: Bucket) -> None:
    bucket.put("key", Blob(b"new", "image/png"))
    there = replace(image("key", b"new"), load=None)
    assert store.exchange([Exchange(None, there)])[0].error is None


@pytest.mark.parametrize("conditions", ["honoured", "ignored", "unknown"])
def test_an_exchange_keeps_what_others_wrote_whatever_the_service_makes_of_conditions(conditions: str) -> None:
    service = Service(conditions)
    with stub(service) as server:
        store = ImageStore(bucket_at(server))
        old, theirs = replace(image("key", b"old"), version=etag(b"old")), b"theirs"
        service.body = theirs
        exchanges = [
            Exchange(None, image("key", b"new")),
            Exchange(old, image("key", b"new")),
            Exchange(old, None),
        ]
        assert [outcome.error for outcome in store.exchange(exchanges)] == [CHANGED] * 3
        assert service.body == theirs
        service.body = b"old"
        assert store.exchange([Exchange(old, image("key", b"new"))])[0].error is None
        assert service.body == b"new"
        new = replace(image("key", b"new"), version=etag(b"new"))
        assert store.exchange([Exchange(new, None)])[0].error is None
        assert service.body is None
        store.close()


@pytest.mark.parametrize(("found", "error"), [(b"new", None), (b"theirs", CHANGED)])
def test_a_race_lost_after_the_comparison_is_looked_at_again(found: bytes, error: str | None) -> None:
    service = Service()
    service.body = b"old"

    def load() -> Blob:
        service.body = found
        return Blob(b"new", "image/png")

    with stub(service) as server:
        store = ImageStore(bucket_at(server))
        before = replace(image("key", b"old"), version=etag(b"old"))
        (outcome,) = store.exchange([Exchange(before, replace(image("key", b"new"), load=load))])
        store.close()
    assert outcome.error == error
    assert service.body == found


def test_a_broken_connection_is_an_outcome_that_may_be_sent_again() -> None:
    service = Service(broken=1)
    with stub(service) as server:
        store = ImageStore(bucket_at(server))
        exchange = Exchange(None, image("key", b"new"))
        first, second = (store.exchange([exchange])[0] for _ in range(2))
        store.close()
    assert (first.error, first.transient) == ("TransientError", True)
    assert second.error is None
