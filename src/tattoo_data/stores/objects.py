"""The door to S3: a bucket, and the image bucket as a live store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from botocore.exceptions import ClientError

from tattoo_data.errors import StoreError
from tattoo_data.guard import Endpoint
from tattoo_data.model.canonical import canonical_object
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.stores.aws import Access, AwsClient, code_of
from tattoo_data.stores.base import Description, Limits, Outcome, Page, Target

LIMITS = Limits(entries=16, size=32_000_000)
_GONE = ("NoSuchBucket", "NoSuchKey", "404", "NotFound")
_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")
_DELETE_KEYS = 1000
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One object of a listing. `etag` is its MD5 where it was written in one part."""

    key: str
    size: int
    etag: str


class Bucket:
    """One S3 bucket: objects by key. A missing bucket is empty for readers."""

    def __init__(self, name: str, endpoint: Endpoint, access: Access) -> None:
        self.name = name
        self.region = access.region
        self._aws = AwsClient("s3", endpoint, access)
        self._client = self._aws.client

    @property
    def server(self) -> str:
        """What the service calls itself."""
        return self._aws.engine

    def exists(self) -> bool:
        """Whether the bucket is there."""
        try:
            with self._aws.errors("head_bucket"):
                self._client.head_bucket(Bucket=self.name)
                return True
        except ClientError as error:
            if code_of(error) in _GONE:
                return False
            if code_of(error) == "403":  # some services answer so for a bucket that is not there
                return self._is_listed()
            raise self._aws.unexpected(error, "head_bucket") from error

    def create(self) -> None:
        """Create the bucket. Idempotent."""
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        try:
            with self._aws.errors("create_bucket"):
                self._client.create_bucket(Bucket=self.name, **(place if self.region != "us-east-1" else {}))
        except ClientError as error:
            if code_of(error) not in _THERE:
                raise self._aws.unexpected(error, "create_bucket") from error

    def objects(self, prefix: str = "") -> Iterator[Listed]:
        """Every object under `prefix`, in the order of keys; none where there is no bucket."""
        token = ""
        while True:
            found, token = self.page(prefix, token)
            yield from found
            if not token:
                return

    def page(self, prefix: str = "", token: str = "") -> tuple[list[Listed], str]:
        """One page of a listing and the token of the next, empty at the end."""
        following = {"ContinuationToken": token} if token else {}
        try:
            with self._aws.errors("list_objects_v2"):
                page = self._client.list_objects_v2(Bucket=self.name, Prefix=prefix, **following)
        except ClientError as error:
            if code_of(error) in _GONE:
                return [], ""
            raise self._aws.unexpected(error, "list_objects_v2") from error
        found = [Listed(key=x["Key"], size=x["Size"], etag=x["ETag"].strip('"')) for x in page.get("Contents", ())]
        return found, page.get("NextContinuationToken", "") if page.get("IsTruncated") else ""

    def get(self, key: str) -> Blob | None:
        """Body and content type of an object, or None."""
        try:
            with self._aws.errors("get_object"):
                answer = self._client.get_object(Bucket=self.name, Key=key)
                return Blob(answer["Body"].read(), answer.get("ContentType", "binary/octet-stream"))
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise self._aws.unexpected(error, "get_object") from error

    def put(self, key: str, blob: Blob) -> None:
        """Create or replace an object."""
        try:
            with self._aws.errors("put_object"):
                self._client.put_object(Bucket=self.name, Key=key, Body=blob.body, ContentType=blob.content_type)
        except ClientError as error:
            raise self._aws.unexpected(error, "put_object") from error

    def delete(self, keys: Sequence[str]) -> list[Outcome]:
        """Delete objects; one outcome for each, in their order. What is not there is deleted already."""
        failed: dict[str, Outcome] = {}
        for start in range(0, len(keys), _DELETE_KEYS):
            part = keys[start : start + _DELETE_KEYS]
            request = {"Objects": [{"Key": key} for key in part], "Quiet": True}
            try:
                with self._aws.errors("delete_objects"):
                    answer = self._client.delete_objects(Bucket=self.name, Delete=request)
            except ClientError as error:
                if code_of(error) in _GONE:
                    continue
                raise self._aws.unexpected(error, "delete_objects") from error
            for each in answer.get("Errors", ()):
                failed[each["Key"]] = Outcome(each["Key"], each.get("Code", "Error"), each.get("Message", ""))
        return [failed.get(key, Outcome(key)) for key in keys]

    def _is_listed(self) -> bool:
        with self._aws.errors("list_buckets"):
            return any(each["Name"] == self.name for each in self._client.list_buckets().get("Buckets", ()))

    def close(self) -> None:
        """Give connections back."""
        self._aws.close()


class ImageStore:
    """The live image bucket. A `Store`."""

    name = StoreName.IMAGES
    limits = LIMITS

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def describe(self) -> Description | None:
        if not self.bucket.exists():
            return None
        return Description(name=self.bucket.name, engine=self.bucket.server)

    def ensure(self) -> None:
        if not self.bucket.exists():
            self.bucket.create()

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        found, token = self.bucket.page(token=str(cursor or ""))
        return Page([self._entry(listed) for listed in found], token or None)

    def get(self, keys: Sequence[str]) -> list[Entry]:
        wanted = set(keys)
        prefix = _common_prefix(keys)
        return [self._entry(listed) for listed in self.bucket.objects(prefix) if listed.key in wanted]

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return [self._put(entry) for entry in entries]

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        return self.bucket.delete([target.key for target in targets])

    def settle(self) -> None:
        """Nothing to do: S3 reads what was written."""

    def close(self) -> None:
        self.bucket.close()

    def _put(self, entry: Entry) -> Outcome:
        assert entry.load is not None, "an object that is to be written carries its body"
        try:
            self.bucket.put(entry.key, entry.load())
        except StoreError as error:
            return Outcome(entry.key, error.id, error.message, transient=error.id == "TransientError")
        return Outcome(entry.key)

    def _entry(self, listed: Listed) -> Entry:
        md5 = listed.etag if _MD5.fullmatch(listed.etag) else self._read_md5(listed.key)
        return Entry(listed.key, canonical_object(md5, listed.size))

    def _read_md5(self, key: str) -> str:
        """An object written in several parts has another kind of ETag: its body is read."""
        blob = self.bucket.get(key)
        return hashlib.md5(blob.body, usedforsecurity=False).hexdigest() if blob else ""


def _common_prefix(keys: Sequence[str]) -> str:
    first, last = min(keys, default=""), max(keys, default="")
    return "".join(takewhile(bool, (one if one == other else "" for one, other in zip(first, last, strict=False))))
