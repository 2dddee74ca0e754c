"""Scratch: removes the table, index and buckets that a self-test made for itself, and refuses everything else.

No store ever drops anything, so this has clients of its own, and it looks at each name again before it sends anything:
only what bears the mark goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from botocore.exceptions import ClientError

from tattoo_data.clock import Clock
from tattoo_data.errors import StoreError, UsageError
from tattoo_data.guard import Endpoint
from tattoo_data.stores.aws import Access, AwsClient, code_of
from tattoo_data.stores.base import TransientError
from tattoo_data.stores.bucket import Bucket
from tattoo_data.stores.index_door import IndexDoor

_MARK = "-selftest-"
_TOKEN = r"[0-9a-f]{8}"
_NAME = re.compile(rf".+{_MARK}(?P<token>{_TOKEN})")
_SUFFIX_BYTES = len(_MARK) + 8
#: What may stand before the mark at the end of a name that was cut.
_NOT_LAST = "-_."
_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.1
_LATER = ("ResourceInUseException", "BucketNotEmpty", "OperationAborted")
_GONE = ("ResourceNotFoundException", "NoSuchBucket")


def scratch_name(name: str, token: str, limit: int) -> str:
    """The name of a self-test's own store beside the one of this name, in at most `limit` bytes."""
    cut = name.encode()[: limit - _SUFFIX_BYTES].decode(errors="ignore")
    return f"{cut.rstrip(_NOT_LAST) or 'scratch'}{_MARK}{token}"


def is_scratch(name: str) -> bool:
    """Whether a name bears the mark."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A scratch table that is there, by the token of its run; its age is by the service's own clock."""

    token: str
    age_seconds: float


class Remover:
    """Removes scratch stores at the services of one target. Every method is idempotent, and raises `UsageError` for a
    name without the mark before anything is sent."""

    def __init__(self, dynamodb: Endpoint, s3: Endpoint, access: Access, clock: Clock) -> None:
        self._dynamodb = AwsClient("dynamodb", dynamodb, access, "table")
        self._s3 = AwsClient("s3", s3, access, "repository")
        self._bucket: Callable[[str], Bucket] = lambda name: Bucket(name, s3, access, "repository")
        self._clock = clock

    def left(self, name: str, limit: int) -> list[Left]:
        """The scratch tables that runs made beside the table of this name. Read-only."""
        found: list[Left] = []
        with self._dynamodb.errors("list_tables"):
            pages = self._dynamodb.client.get_paginator("list_tables").paginate()
            names = [each for page in pages for each in page["TableNames"]]
        for each in names:
            match = _NAME.fullmatch(each)
            if match and each == scratch_name(name, match["token"], limit):
                found += self._seen(each, match["token"])
        return found

    def remove_table(self, name: str) -> None:
        """Delete a table, and return when it is gone."""
        self._until_gone(self._dynamodb, name, "delete_table", lambda: self._delete_table(name))

    def remove_bucket(self, name: str) -> None:
        """Delete a bucket with everything that is in it."""
        self._until_gone(self._s3, name, "delete_bucket", lambda: self._delete_bucket(name))

    def remove_index(self, door: IndexDoor) -> None:
        """Delete the indexes behind a name, and those that were built for it."""
        _require_mark(door.index)
        door.describe()  # nothing else is sent before it is known to be OpenSearch
        for name in [*door.concrete(), *door.orphans()]:
            if not name.startswith(door.index):
                raise UsageError(
                    what=f"the index {name} behind {door.index} is none of a self-test: it is not removed",
                    hint="Remove it yourself, if nobody needs it.",
                )
            door.remove(name)

    def close(self) -> None:
        """Give the connections back."""
        self._dynamodb.close()
        self._s3.close()

    def _seen(self, table: str, token: str) -> list[Left]:
        try:
            with self._dynamodb.errors("describe_table"):
                answer = self._dynamodb.client.describe_table(TableName=table)
        except ClientError as error:
            if code_of(error) in _GONE:
                return []
            raise self._dynamodb.unexpected(error, "describe_table") from error
        now = _date(answer["ResponseMetadata"]["HTTPHeaders"].get("date")) or self._clock.now()
        made = answer["Table"].get("CreationDateTime") or now
        return [Left(token=token, age_seconds=(now - made).total_seconds())]

    def _delete_table(self, name: str) -> None:
        with self._dynamodb.errors("delete_table"):
            self._dynamodb.client.delete_table(TableName=name)

    def _delete_bucket(self, name: str) -> None:
        bucket = self._bucket(name)
        try:
            while found := bucket.page()[0]:
                bucket.delete([each.key for each in found])
        finally:
            bucket.close()
        with self._s3.errors("delete_bucket"):
            self._s3.client.delete_bucket(Bucket=name)

    def _until_gone(self, client: AwsClient, name: str, operation: str, delete: Callable[[], None]) -> None:
        """Ask until the answer is that there is nothing of this name: a service may take its time, or be busy."""
        _require_mark(name)
        end = self._clock.monotonic() + _WAIT_SECONDS
        reason = "it is still there"
        while self._clock.monotonic() < end:
            try:
                delete()
            except TransientError as error:
                reason = error.message
            except ClientError as error:
                if code_of(error) in _GONE:
                    return
                if code_of(error) not in _LATER:
                    raise client.unexpected(error, operation) from error
            self._clock.sleep(_POLL_SECONDS)
        raise StoreError(service=client.service, endpoint=client.endpoint.url, operation=operation, reason=reason)


def _require_mark(name: str) -> None:
    if not is_scratch(name):
        raise UsageError(
            what=f"{name} does not bear the mark of a self-test: it is not removed",
            hint="Remove it yourself, if nobody needs it.",
        )


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
