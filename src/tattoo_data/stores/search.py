"""An opensearch-py client that sends through a `Wire` and hands out bytes, and its errors mapped to ours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import urllib3
import urllib3.exceptions as http
from botocore.credentials import Credentials
from opensearchpy import Connection, OpenSearch, Urllib3AWSV4SignerAuth, exceptions
from opensearchpy.serializer import Serializer

from tattoo_data.errors import CredentialsRefused, NotOpenSearch, StoreError, StoreUnreachable, StructureRefused
from tattoo_data.guard import Endpoint
from tattoo_data.stores.aws import Access
from tattoo_data.stores.base import TransientError
from tattoo_data.stores.wire import READ_SECONDS, Trace, Wire

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


class RawJson(Serializer):
    """Requests from values or ready bytes; answers as the bytes they came in."""

    mimetype = "application/json"

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, bytes | str) else msgspec.json.encode(data)

    def loads(self, s: Any) -> Any:
        return s


class SearchClient:
    """One opensearch-py client on a wire of its own.

    `host` is sent as the Host header instead of the endpoint's own, for a gateway that routes by it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        credentials: tuple[str, str] | None = None,
        signer: Any = None,
        host: str | None = None,
        trace: Trace | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self._wire = Wire(endpoint, "index", trace, read_seconds)
        self.client: Any = OpenSearch(
            [endpoint.url],
            connection_class=_connection_class(self._wire, credentials, signer, host),
            serializer=RawJson(),
            max_retries=0,
            retry_on_timeout=False,
            http_compress=False,
        )

    @contextmanager
    def errors(self, operation: str) -> Iterator[None]:
        """Turn what opensearch-py raises into our errors. A TransportError with a status that has no meaning
        here (400, 404 ...) passes as it is, for the caller that knows it."""
        try:
            yield
        except exceptions.ConnectionError as error:
            raise self._connection_error(error, operation) from error
        except exceptions.TransportError as error:
            if error.status_code in (401, 403) and reason_of(error)[0] != "cluster_block_exception":
                raise CredentialsRefused(
                    service="opensearch", endpoint=self.endpoint.url, reason=_spell(error)
                ) from error
            if error.status_code in _TRANSIENT_STATUS:
                raise self._error(TransientError, operation, _spell(error)) from error
            raise
        except exceptions.OpenSearchException as error:
            raise self._error(StoreError, operation, str(error)) from error

    def unexpected(self, error: exceptions.TransportError, operation: str) -> StoreError | StructureRefused:
        """The error for an answer that the caller has no use for: a closed index's own, else StoreError."""
        if reason_of(error)[0] == _CLOSED:
            about = error.info.get("error") if isinstance(error.info, Mapping) else None
            name = str(about.get("index", "NAME")) if isinstance(about, Mapping) else "NAME"
            return StructureRefused(store="index", name=name, difference=is_closed(name), variable="OPENSEARCH_INDEX")
        return self._error(StoreError, operation, _spell(error))

    def identify(self) -> str:
        """Ask `GET /` and return name and version, as `opensearch 3.8.0`. Nothing else may be sent before.

        Raises `NotOpenSearch` where the answer is not JSON with `version.number`.
        """
        try:
            with self.errors("info"):
                answer = self.client.transport.perform_request("GET", "/")
        except TransientError:
            raise
        except (exceptions.TransportError, StoreError) as error:
            raise NotOpenSearch(endpoint=self.endpoint.url, reason=str(error)) from error
        try:
            about = _decode_about(answer or b"")
        except (msgspec.DecodeError, ValueError):
            raise NotOpenSearch(endpoint=self.endpoint.url, reason="GET / gives no JSON with version.number") from None
        # osmem calls its distribution opensearch too; its cluster name tells a reader what it is.
        name = "osmem" if about.cluster_name == "osmem" else about.version.distribution
        return f"{name} {about.version.number}"

    def _connection_error(self, error: exceptions.ConnectionError, operation: str) -> StoreError | StoreUnreachable:
        cause = error.info
        if isinstance(cause, _UNREACHABLE):
            return StoreUnreachable(
                service="opensearch",
                endpoint=self.endpoint.url,
                reason=str(cause).rpartition(": ")[2],
                variable="OPENSEARCH_ENDPOINT",
            )
        return self._error(TransientError, operation, f"{type(cause).__name__}: {cause}")

    def _error(self, kind: type[StoreError], operation: str, reason: str) -> StoreError:
        return kind(service="opensearch", endpoint=self.endpoint.url, operation=operation, reason=reason)

    def close(self) -> None:
        """Give the connections back."""
        self._wire.close()


def is_closed(index: str) -> str:
    """In words that an index is closed, and what opens it."""
    return f"it is closed, and `POST /{index}/_open` opens it"


def sigv4(access: Access, service: str) -> Any:
    """Signs requests to an OpenSearch of AWS: `es` or `aoss` (serverless)."""
    credentials = Credentials(access.access_key, access.secret_key, access.session_token)
    return Urllib3AWSV4SignerAuth(credentials, access.region, service)


def reason_of(error: exceptions.TransportError) -> tuple[str, str]:
    """Type and reason of an OpenSearch error, as `("index_not_found_exception", "no such index [x]")`."""
    info = error.info.get("error") if isinstance(error.info, Mapping) else None
    if isinstance(info, Mapping):
        return str(info.get("type", "")), str(info.get("reason", ""))
    return str(error.error or ""), str(info or "")


def _spell(error: exceptions.TransportError) -> str:
    kind, reason = reason_of(error)
    return f"HTTP {error.status_code} {kind}: {reason}"[:500]


def _connection_class(
    wire: Wire, credentials: tuple[str, str] | None, signer: Any, host: str | None
) -> type[Connection]:
    common = urllib3.make_headers(keep_alive=True, basic_auth=":".join(credentials) if credentials else None)
    if host:
        common["host"] = host

    class WireConnection(Connection):
        """How the client's transport reaches the wire."""

        def perform_request(
            self,
            method: str,
            url: str,
            params: Mapping[str, Any] | None = None,
            body: Any = None,
            timeout: float | None = None,
            ignore: Collection[int] = (),
            headers: Mapping[str, str] | None = None,
        ) -> tuple[int, Mapping[str, str], bytes]:
            full = _absolute(self.host, self.url_prefix, url, params)
            sent = {**self.headers, **common, **(headers or {})}
            if signer is not None:
                sent |= signer(method, full, body)
            try:
                response = wire.request(method, full, operation=f"{method} {url}", body=body, headers=sent)
                data = response.read()
                response.release_conn()
            except http.HTTPError as error:
                raise exceptions.ConnectionError("N/A", str(error), error) from error
            if not 200 <= response.status < 300 and response.status not in ignore:
                _raise(response.status, data)
            # Whatever came is handed on as bytes: what it calls itself must not choose another reader.
            return response.status, {"content-type": RawJson.mimetype}, data

    return WireConnection


def _absolute(host: str, prefix: str, path: str, params: Mapping[str, Any] | None) -> str:
    query = "?" + "&".join(f"{name}={_query(value)}" for name, value in params.items()) if params else ""
    return f"{host}{prefix}{path}{query}"


def _query(value: object) -> str:
    from urllib.parse import quote

    return quote(value.decode() if isinstance(value, bytes) else str(value), safe=",*")


def _raise(status: int, data: bytes) -> None:
    try:
        info: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError):
        info = data[:200].decode("utf-8", "replace")
    kind = info.get("error", {}) if isinstance(info, dict) else info
    name = kind.get("type", "") if isinstance(kind, dict) else str(kind)
    raise exceptions.HTTP_EXCEPTIONS.get(status, exceptions.TransportError)(status, name, info)
