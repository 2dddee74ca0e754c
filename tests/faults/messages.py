"""Requests and answers as values: what the proxy takes from one side and hands to the other."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from enum import StrEnum

Headers = tuple[tuple[str, str], ...]

#: Headers that belong to one connection alone (RFC 9110, 7.6.1); each side of the proxy has its own. The
#: proxy has answered an expectation itself by the time it forwards.
_OWN = frozenset({"connection", "expect", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"})
_TIMES = ("date", "last-modified")
_LISTED = re.compile(rb"(?<=<LastModified>)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=[.Z])")
_LISTING = b"<ListBucketResult"


class Service(StrEnum):
    """Which engine stands behind the proxy: it decides how faults are spelled."""

    DYNAMODB = "dynamodb"
    OPENSEARCH = "opensearch"
    S3 = "s3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is kept of a request. `operation` is DynamoDB's target (`BatchWriteItem`) or OpenSearch's endpoint
    (`_bulk`); S3 has method and path alone. `size` counts the bytes of the body."""

    method: str
    path: str
    operation: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, with its body whole; `chunked` says how the client framed it, `closing` that it is its last."""

    method: str
    path: str
    headers: Headers
    body: bytes
    chunked: bool = False
    closing: bool = False

    def with_body(self, body: bytes) -> Request:
        """The same request about less: without the checksums of the whole, and with an answer that can be read."""
        headers = without(with_length(self.headers, body), {"accept-encoding", "content-md5"})
        headers = tuple(each for each in headers if not each[0].lower().startswith("x-amz-checksum-"))
        return replace(self, headers=headers, body=body, chunked=False)

    def seen(self, service: Service) -> Seen:
        """What is kept of it."""
        operation = ""
        if service is Service.DYNAMODB:
            operation = header(self.headers, "x-amz-target").rpartition(".")[2]
        elif service is Service.OPENSEARCH:
            segments = self.path.partition("?")[0].split("/")
            operation = next((segment for segment in segments if segment.startswith("_")), "")
        return Seen(method=self.method, path=self.path, operation=operation, size=len(self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, with its body whole; `chunked` says how the engine framed it."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    chunked: bool = False

    def with_body(self, body: bytes) -> Answer:
        """The same answer with another body, whose length and checksum are right."""
        headers = with_length(self.headers, body)
        if header(headers, "x-amz-crc32"):  # botocore compares it
            headers = (*without(headers, {"x-amz-crc32"}), ("x-amz-crc32", str(zlib.crc32(body))))
        return replace(self, headers=headers, body=body, chunked=False)

    def shifted(self, seconds: float) -> Answer:
        """The answer of a server whose clock is `seconds` ahead: headers, and the times of a listing of S3."""
        if not seconds:
            return self
        ahead = timedelta(seconds=seconds)
        headers = tuple(
            (name, _later(value, ahead) if name.lower() in _TIMES else value) for name, value in self.headers
        )
        answer = replace(self, headers=headers)
        if _LISTING not in self.body[:500]:
            return answer
        return answer.with_body(_LISTED.sub(lambda match: _later_iso(match[0], ahead), self.body))


def own_answer(status: int, reason: str, content_type: str, body: bytes, *more: tuple[str, str]) -> Answer:
    """An answer that no engine gave."""
    now = format_datetime(datetime.now(UTC), usegmt=True)
    headers = (("Content-Type", content_type), *more, ("Date", now), ("Content-Length", str(len(body))))
    return Answer(status=status, reason=reason, headers=headers, body=body)


def header(headers: Headers, name: str) -> str:
    """The first value of a header, empty where it is not there; `name` is in lower case."""
    return next((value for key, value in headers if key.lower() == name), "")


def without(headers: Headers, names: Iterable[str]) -> Headers:
    """The headers but those of `names`, in lower case."""
    left_out = frozenset(names)
    return tuple((name, value) for name, value in headers if name.lower() not in left_out)


def end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers that are handed on, as they were spelled and in their order."""
    return tuple((name, value) for name, value in headers if name.lower() not in _OWN)


def with_length(headers: Headers, body: bytes) -> Headers:
    """The headers of a body of another length."""
    return (*without(headers, {"content-length"}), ("Content-Length", str(len(body))))


def _later(value: str, ahead: timedelta) -> str:
    return format_datetime((parsedate_to_datetime(value) + ahead).astimezone(UTC), usegmt=True)


def _later_iso(value: bytes, ahead: timedelta) -> bytes:
    return (datetime.fromisoformat(value.decode()) + ahead).isoformat(timespec="seconds").encode()
