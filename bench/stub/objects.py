"""A stub of S3: buckets and their objects, with ETags, conditions and listings, addressed by path."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from bench.stub.http import Reply, Request

_XML = {"Content-Type": "application/xml"}
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_PAGE = 1000
_KEY = re.compile(r"\{.*\}Key|Key")


class Refused(Exception):
    """An answer that is an error: status and code."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object."""

    body: bytes
    etag: str
    content_type: str
    modified: float


class Buckets:
    """Every bucket, by name. Called with a request, it gives the reply."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, Object]] = {}
        self._of_bucket: dict[str, Callable[..., Reply]] = {
            "HEAD": lambda request, bucket: Reply(200),
            "GET": _list,
            "POST": _delete_many,
            "DELETE": self._drop,
        }
        self._of_object: dict[str, Callable[..., Reply]] = {"PUT": _put, "GET": _get, "HEAD": _get, "DELETE": _delete}

    def __call__(self, request: Request) -> Reply:
        name, _, key = request.path.lstrip("/").partition("/")
        try:
            return self._answer(request, name, key)
        except Refused as refused:
            status, code = refused.args
            text = f"{_HEAD}<Error><Code>{code}</Code><Message>{code}</Message></Error>"
            return Reply(status, b"" if request.method == "HEAD" else text.encode(), _XML)

    def make(self, name: str) -> None:
        """An empty bucket, if it is not there."""
        self._buckets.setdefault(name, {})

    def _answer(self, request: Request, name: str, key: str) -> Reply:
        if not name:
            names = "".join(f"<Bucket><Name>{escape(each)}</Name></Bucket>" for each in sorted(self._buckets))
            return _xml(f"<ListAllMyBucketsResult><Buckets>{names}</Buckets></ListAllMyBucketsResult>")
        if request.method == "PUT" and not key:
            self.make(name)
            return Reply(200)
        bucket = self._buckets.get(name)
        if bucket is None:
            raise Refused(404, "NoSuchBucket")
        answer = self._of_object.get(request.method) if key else self._of_bucket.get(request.method)
        if answer is None:
            raise Refused(501, "NotImplemented")
        return answer(request, bucket, key) if key else answer(request, bucket)

    def _drop(self, request: Request, bucket: dict[str, Object]) -> Reply:
        if bucket:
            raise Refused(409, "BucketNotEmpty")
        del self._buckets[request.path.strip("/")]
        return Reply(204)


def _put(request: Request, bucket: dict[str, Object], key: str) -> Reply:
    if "x-amz-copy-source" in request.headers or "uploadId" in request.query:
        raise Refused(501, "NotImplemented")
    _check(request, bucket.get(key))
    etag = f'"{hashlib.md5(request.body, usedforsecurity=False).hexdigest()}"'
    kind = request.headers.get("content-type", "binary/octet-stream")
    bucket[key] = Object(request.body, etag, kind, datetime.now(UTC).timestamp())
    return Reply(200, headers={"ETag": etag})


def _get(request: Request, bucket: dict[str, Object], key: str) -> Reply:
    found = bucket.get(key)
    if found is None:
        raise Refused(404, "NoSuchKey")
    headers = {
        "ETag": found.etag,
        "Last-Modified": formatdate(found.modified, usegmt=True),
        "Content-Type": found.content_type,
    }
    body = b"" if request.method == "HEAD" else found.body
    return Reply(200, body, headers, length=len(found.body))


def _delete(request: Request, bucket: dict[str, Object], key: str) -> Reply:
    _check(request, bucket.get(key))
    bucket.pop(key, None)
    return Reply(204)


def _delete_many(request: Request, bucket: dict[str, Object]) -> Reply:
    if "delete" not in request.query:
        raise Refused(501, "NotImplemented")
    for element in ElementTree.fromstring(request.body).iter():
        if _KEY.fullmatch(element.tag):
            bucket.pop(element.text or "", None)
    return _xml("<DeleteResult></DeleteResult>")


def _list(request: Request, bucket: dict[str, Object]) -> Reply:
    query = request.query
    prefix = query.get("prefix", "")
    after = query.get("continuation-token") or query.get("start-after", "")
    keys = sorted(key for key in bucket if key.startswith(prefix) and key > after)
    page = keys[: int(query.get("max-keys", _PAGE))]
    more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(page) < len(keys) else ""
    return _xml(
        f"<ListBucketResult><KeyCount>{len(page)}</KeyCount><IsTruncated>{'true' if more else 'false'}</IsTruncated>"
        f"{more}{''.join(_listed(key, bucket[key]) for key in page)}</ListBucketResult>"
    )


def _listed(key: str, found: Object) -> str:
    modified = datetime.fromtimestamp(found.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f"<Contents><Key>{escape(key)}</Key><Size>{len(found.body)}</Size><ETag>{escape(found.etag)}</ETag>"
        f"<LastModified>{modified}</LastModified></Contents>"
    )


def _check(request: Request, there: Object | None) -> None:
    """Raise Refused where a condition does not hold."""
    if "if-none-match" in request.headers and there is not None:
        raise Refused(412, "PreconditionFailed")
    if wanted := request.headers.get("if-match"):
        if there is None:
            raise Refused(404, "NoSuchKey")
        if wanted.strip('"') != there.etag.strip('"'):
            raise Refused(412, "PreconditionFailed")


def _xml(text: str) -> Reply:
    return Reply(200, f"{_HEAD}{text}".encode(), _XML)
