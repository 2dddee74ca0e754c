"""OpenSearch over a `Wire`: bytes out, bytes in, and what it answers mapped to our errors.

No client library lies between: requests are ready bodies, answers are read where they are needed, and retries are
ours, so that one would only cost every command the time to import it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
import urllib3.exceptions as http
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tattoo_data.errors import CredentialsRefused, NotOpenSearch, StoreError, StoreUnreachable, StructureRefused
from tattoo_data.guard import Endpoint
from tattoo_data.stores.aws import Access
from tattoo_data.stores.base import TransientError
from tattoo_data.stores.wire import READ_SECONDS, Trace, Wire

#: Headers that sign a request: of method, URL and body.
Signer = Callable[[str, str, bytes | None], dict[str, str]]

_TRANSIENT_STATUS = frozenset({429, 500, 502, 503, 504})
_CLOSED = "index_closed_exception"
_UNREACHABLE = (http.NewConnectionError, http.ConnectTimeoutError, http.SSLError)


class _Version(msgspec.Struct):
    number: str
    distribution: str = "elasticsearch"


class _About(msgspec.Struct):
    version: _Version
    cluster_name: str = ""


_decode_about = msgspec.json.Decoder(_About).decode


class OpenSearchError(Exception):
    """An answer that says no, as `HTTP 404 index_not_found_exception: no such index [x]`. `about` is its `error`."""

    def __init__(self, status: int, data: bytes) -> None:
        try:
            body: Any = msgspec.json.decode(data)
        except (msgspec.DecodeError, ValueError):
            body = data[:200].decode("utf-8", "replace")
        error = body.get("error") if isinstance(body, Mapping) else body
        self.status = status
        self.about: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
        self.kind = str(self.about.get("type", ""))
        self.reason = str(self.about.get("reason", "")) if self.about else str(error or "")
        super().__init__(f"HTTP {status} {self.kind}: {self.reason}"[:500])


class SearchClient:
    """Asks one OpenSearch.

    `host` is sent as the Host header instead of the endpoint's own, for a gateway that routes by it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        credentials: tuple[str, str] | None = None,
        signer: Signer | None = None,
        host: str | None = None,
        trace: Trace | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self._wire = Wire(endpoint, "index", trace, read_seconds)
        self._signer = signer
        basic = ":".join(credentials) if credentials else None
        self._headers = urllib3.make_headers(keep_alive=True, user_agent="tattoo-data", basic_auth=basic)
        self._headers["content-type"] = "application/json"
        if host:
            self._headers["host"] = host

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        operation: str | None = None,
    ) -> bytes:
        """Send one request and return the answer as it came. A body that is no bytes is sent as JSON; `operation` is
        what an error calls it.

        Raises OpenSearchError for a status that has no meaning here (400, 404 ...), for the caller that knows it;
        `StoreUnreachable`, `CredentialsRefused`, `TransientError` or `StoreError` for everything else.
        """
        operation = operation or f"{method} {path}"
        data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        status, answer = self._sent(method, path, params, data, operation)
        if 200 <= status < 300:
            return answer
        error = OpenSearchError(status, answer)
        if status in (401, 403) and error.kind != "cluster_block_exception":
            raise CredentialsRefused(service="opensearch", endpoint=self.endpoint.url, reason=str(error)) from error
        if status in _TRANSIENT_STATUS:
            raise self._error(TransientError, operation, str(error)) from error
        raise error

    def unexpected(self, error: OpenSearchError, operation: str) -> StoreError | StructureRefused:
        """The error for an answer that the caller has no use for: a closed index's own, else StoreError."""
        if error.kind == _CLOSED:
            name = str(error.about.get("index", "NAME"))
            return StructureRefused(store="index", name=name, difference=is_closed(name), variable="OPENSEARCH_INDEX")
        return self._error(StoreError, operation, str(error))

    def identify(self) -> str:
        """Ask `GET /` and return name and version, as `opensearch 3.8.0`. Nothing else may be sent before.

        Raises `NotOpenSearch` where the answer is not JSON with `version.number`.
        """
        try:
            answer = self.ask("GET", "/", operation="info")
        except TransientError:
            raise
        except (OpenSearchError, StoreError) as error:
            raise NotOpenSearch(endpoint=self.endpoint.url, reason=str(error)) from error
        try:
            about = _decode_about(answer)
        except (msgspec.DecodeError, ValueError):
            raise NotOpenSearch(endpoint=self.endpoint.url, reason="GET / gives no JSON with version.number") from None
        # osmem calls its distribution opensearch too; its cluster name tells a reader what it is.
        name = "osmem" if about.cluster_name == "osmem" else about.version.distribution
        return f"{name} {about.version.number}"

    def _sent(
        self, method: str, path: str, params: Mapping[str, str] | None, body: bytes | None, operation: str
    ) -> tuple[int, bytes]:
        url = f"{self.endpoint.url.rstrip('/')}{path}{'?' if params else ''}{urlencode(params or {})}"
        headers = self._headers | self._signer(method, url, body) if self._signer else self._headers
        try:
            response = self._wire.request(method, url, operation=f"{method} {path}", body=body, headers=headers)
            data: bytes = response.read()
            response.release_conn()
        except http.HTTPError as error:
            raise self._broken(error, operation) from error
        return response.status, data

    def _broken(self, error: http.HTTPError, operation: str) -> StoreError | StoreUnreachable:
        if isinstance(error, _UNREACHABLE):
            return StoreUnreachable(
                service="opensearch",
                endpoint=self.endpoint.url,
                reason=str(error).rpartition(": ")[2],
                variable="OPENSEARCH_ENDPOINT",
            )
        return self._error(TransientError, operation, f"{type(error).__name__}: {error}")

    def _error(self, kind: type[StoreError], operation: str, reason: str) -> StoreError:
        return kind(service="opensearch", endpoint=self.endpoint.url, operation=operation, reason=reason)

    def close(self) -> None:
        """Give the connections back."""
        self._wire.close()


def is_closed(index: str) -> str:
    """In words that an index is closed, and what opens it."""
    return f"it is closed, and `POST /{index}/_open` opens it"


def sigv4(access: Access, service: str) -> Signer:
    """Signs requests to an OpenSearch of AWS: `es` or `aoss` (serverless)."""
    credentials = Credentials(access.access_key, access.secret_key, access.session_token)
    auth = SigV4Auth(credentials, service, access.region)

    def signed(method: str, url: str, body: bytes | None) -> dict[str, str]:
        request = AWSRequest(method, url, data=body or b"")
        # Serverless takes no request whose signature leaves the hash of the body out.
        request.headers["X-Amz-Content-SHA256"] = auth.payload(request)
        auth.add_auth(request)
        return dict(request.headers.items())

    return signed
