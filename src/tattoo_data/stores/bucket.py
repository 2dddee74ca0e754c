"""The door to S3: one bucket, its objects by key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from tattoo_data.errors import StoreError
from tattoo_data.guard import Endpoint
from tattoo_data.model.entry import Blob
from tattoo_data.stores.aws import TRANSIENT_CODES, Access, AwsClient, code_of
from tattoo_data.stores.base import Outcome

_GONE = ("NoSuchBucket", "NoSuchKey", "404", "NotFound")
_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")
#: A condition did not hold, or somebody else's write came in between.
_NOT_HELD = ("PreconditionFailed", "412", "ConditionalRequestConflict")
#: The service knows of no such condition.
_NOT_KNOWN = ("NotImplemented", "501")
_DELETE_KEYS = 1000
_CHUNK = 1 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One object of a listing. `etag` is its MD5 where it was written in one part; `modified` is when it was written,
    by the service's clock."""

    key: str
    size: int
    etag: str
    modified: datetime = _EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object as it was read. `modified` and `now`, when it was asked for, are both by the service's clock, so that
    what lies between them is its age whatever this machine's clock says: nothing, where the service did not tell."""

    blob: Blob
    etag: str
    modified: datetime
    now: datetime


class Bucket:
    """One S3 bucket: objects by key. A missing bucket is empty for readers."""

    def __init__(self, name: str, endpoint: Endpoint, access: Access, store: str = "images") -> None:
        self.name = name
        self.region = access.region
        self._aws = AwsClient("s3", endpoint, access, store)
        self._client = self._aws.client

    @property
    def server(self) -> str:
        """What the service calls itself."""
        return self._aws.engine

    def exists(self) -> bool:
        """Whether the bucket is there."""
        code = _code(self._ask("head_bucket", (*_GONE, "403")))
        # some services answer 403 for a bucket that is not there
        return self._is_listed() if code == "403" else not code

    def create(self) -> None:
        """Create the bucket. Idempotent."""
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        self._ask("create_bucket", _THERE, **(place if self.region != "us-east-1" else {}))

    def objects(self, prefix: str = "", *, delimited: bool = False) -> Iterator[Listed]:
        """Every object under `prefix`, in the order of keys; none where there is no bucket. With `delimited`, none in
        folders under it."""
        token = ""
        while True:
            found, token = self.page(prefix, token, delimited=delimited)
            yield from found
            if not token:
                return

    def page(self, prefix: str = "", token: str = "", *, delimited: bool = False) -> tuple[list[Listed], str]:
        """One page of a listing and the token of the next, empty at the end."""
        following = {"ContinuationToken": token} if token else {}
        following |= {"Delimiter": "/"} if delimited else {}
        page = self._ask("list_objects_v2", _GONE, Prefix=prefix, **following)
        found = [
            Listed(key=x["Key"], size=x["Size"], etag=_etag(x), modified=x["LastModified"])
            for x in page.get("Contents", ())
        ]
        return found, page.get("NextContinuationToken", "") if page.get("IsTruncated") else ""

    def get(self, key: str) -> Blob | None:
        """Body and content type of an object, or None."""
        stored = self.read(key)
        return stored.blob if stored else None

    def read(self, key: str) -> Stored | None:
        """An object with what tells its write from others, or None."""
        answer = self._ask("get_object", _GONE, Key=key)
        if _code(answer):
            return None
        with self._aws.errors("get_object"):
            blob = Blob(answer["Body"].read(), answer.get("ContentType", "binary/octet-stream"))
        now = _date(answer)
        modified = answer.get("LastModified") or now or _EPOCH
        return Stored(blob=blob, etag=_etag(answer), modified=modified, now=now or modified)

    def download(self, key: str, file: BinaryIO) -> bool:
        """Write the body of an object into a file, from its beginning, however large. Returns whether there is one."""
        answer = self._ask("get_object", _GONE, Key=key)
        if _code(answer):
            return False
        file.seek(0)
        file.truncate()
        with self._aws.errors("get_object"):
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                file.write(chunk)
        return True

    def now(self) -> datetime | None:
        """The time by the service's clock; None where it does not tell."""
        return _date(self._ask("list_objects_v2", _GONE, MaxKeys=1))

    def head(self, key: str) -> Listed | None:
        """Size and ETag of an object, or None."""
        answer = self._ask("head_object", _GONE, Key=key)
        return None if _code(answer) else _headed(key, answer)

    def put(self, key: str, blob: Blob) -> None:
        """Create or replace an object."""
        self._ask("put_object", **_written(key, blob))

    def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
        """Create an object where `match` is None, else replace the one whose ETag it is. Returns the new ETag, or
        None where something else is there, or nothing.

        A service that knows no conditions writes whatever is there: ask it twice to create, and it does."""
        condition = {"IfNoneMatch": "*"} if match is None else {"IfMatch": f'"{match}"'}
        refusals = (*_NOT_HELD, *_NOT_KNOWN, *(_GONE if match is not None else ()))
        answer = self._ask("put_object", refusals, **_written(key, blob), **condition)
        if _code(answer) in _NOT_KNOWN:
            answer = self._ask("put_object", **_written(key, blob))
        return None if _code(answer) else _etag(answer)

    def delete(self, keys: Sequence[str]) -> list[Outcome]:
        """Delete objects; one outcome for each, in their order. What is not there is deleted already."""
        failed: dict[str, Outcome] = {}
        for start in range(0, len(keys), _DELETE_KEYS):
            part = keys[start : start + _DELETE_KEYS]
            answer = self._ask(
                "delete_objects", _GONE, Delete={"Objects": [{"Key": key} for key in part], "Quiet": True}
            )
            for each in answer.get("Errors", ()):
                code = each.get("Code", "Error")
                transient = code in TRANSIENT_CODES
                failed[each["Key"]] = Outcome(each["Key"], code, each.get("Message", ""), transient=transient)
        return [failed.get(key, Outcome(key)) for key in keys]

    def delete_if(self, key: str, etag: str) -> bool:
        """Delete an object if it still has this ETag. Returns whether it is gone; idempotent.

        It is looked at first: some services ignore the condition of a DELETE, others do not know it."""
        there = self.head(key)
        if there is None or there.etag != etag:
            return there is None
        code = _code(self._ask("delete_object", (*_GONE, *_NOT_HELD, *_NOT_KNOWN), Key=key, IfMatch=f'"{etag}"'))
        if code in _NOT_KNOWN:
            self._ask("delete_object", _GONE, Key=key)
        return code not in _NOT_HELD or self.head(key) is None

    def failure(self, operation: str, reason: str) -> StoreError:
        """The error of an operation that this bucket could not do, for the caller who sees it."""
        return StoreError(service="s3", endpoint=self._aws.endpoint.url, operation=operation, reason=reason)

    def close(self) -> None:
        """Give connections back."""
        self._aws.close()

    def _is_listed(self) -> bool:
        with self._aws.errors("list_buckets"):
            return any(each["Name"] == self.name for each in self._client.list_buckets().get("Buckets", ()))

    def _ask(self, operation: str, expected: Collection[str] = (), **arguments: Any) -> Mapping[str, Any]:
        """The answer to a request. An error whose code is `expected` is an answer too: see `_code`."""
        answer: Mapping[str, Any]
        try:
            with self._aws.errors(operation):
                answer = getattr(self._client, operation)(Bucket=self.name, **arguments)
        except ClientError as error:
            if code_of(error) not in expected:
                raise self._aws.unexpected(error, operation) from error
            answer = error.response
        return answer


def _code(answer: Mapping[str, Any]) -> str:
    """The code of an answer that is an error, else nothing."""
    return str(answer.get("Error", {}).get("Code", ""))


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ETag", "")).strip('"')


def _headed(key: str, answer: Mapping[str, Any]) -> Listed:
    return Listed(
        key=key, size=answer["ContentLength"], etag=_etag(answer), modified=answer.get("LastModified") or _EPOCH
    )


def _date(answer: Mapping[str, Any]) -> datetime | None:
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, ValueError):
        return None


def _written(key: str, blob: Blob) -> dict[str, Any]:
    return {"Key": key, "Body": blob.body, "ContentType": blob.content_type}
