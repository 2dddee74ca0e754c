"""The bucket's door: what only S3 does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from tattoo_data.model.entry import Blob
from tattoo_data.stores.base import scan
from tattoo_data.stores.objects import Bucket, ImageStore
from tests.conftest import GetEngine
from tests.stores.conftest import ACCESS, BUCKET_ENGINES, fresh_name, images


@pytest.fixture(params=BUCKET_ENGINES)
def store(request: pytest.FixtureRequest, get_engine: GetEngine) -> Iterator[ImageStore]:
    made = images(get_engine(request.param).url, fresh_name())
    made.ensure()
    yield made
    made.close()


@pytest.fixture
def bucket(store: ImageStore) -> Bucket:
    return store.bucket


def client(bucket: Bucket) -> Any:
    return bucket._aws.client


def test_more_objects_than_a_listing_holds_are_listed_and_deleted(bucket: Bucket) -> None:
    keys = [f"many/{number:05}" for number in range(1100)]
    for key in keys:
        bucket.put(key, Blob(b"x", "text/plain"))
    assert [each.key for each in bucket.objects("many/")] == keys
    assert all(outcome.error is None for outcome in bucket.delete(keys))
    assert list(bucket.objects()) == []


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
