"""botocore clients that send through a `Wire`, and the one table that maps AWS's errors to ours.

Nothing of the machine's AWS set-up is read: no profile, no config or credentials file, no metadata service. What a
client knows, it was given.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import botocore.exceptions as aws
import msgspec
import urllib3
import urllib3.exceptions as http
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.credentials import Credentials
from botocore.session import Session

from tattoo_data.errors import CredentialsRefused, StoreError, StoreUnreachable, TattooDataError
from tattoo_data.guard import Endpoint
from tattoo_data.stores.base import TransientError
from tattoo_data.stores.models import ServiceModels
from tattoo_data.stores.wire import READ_SECONDS, Trace, Wire

#: AWS error codes that say: the same request may be taken later.
TRANSIENT_CODES = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
CREDENTIAL_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
#: Where the connection broke on its way: the request may or may not have been taken.
_BROKEN = (
    aws.ConnectionClosedError,
    aws.ReadTimeoutError,
    aws.ResponseStreamingError,
    aws.IncompleteReadError,
)
_UNREACHABLE = (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.SSLError, aws.ProxyConnectionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who asks, and where: credentials, region, the trace that all clients of an environment share, and how long
    each waits for an answer."""

    access_key: str
    secret_key: str
    session_token: str | None
    region: str
    trace: Trace | None = None
    read_seconds: float = READ_SECONDS

    def __repr__(self) -> str:
        return f"Access(region={self.region!r})"


class AwsClient:
    """One botocore client on a wire of its own; `store` is what the trace calls it."""

    def __init__(self, service: str, endpoint: Endpoint, access: Access, store: str) -> None:
        self.service = service
        self.endpoint = endpoint
        self._wire = Wire(endpoint, store, access.trace, access.read_seconds)
        self.client: Any = _session(access.region).create_client(
            service,
            endpoint_url=endpoint.url,
            region_name=access.region,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            aws_session_token=access.session_token,
            config=_CONFIG,
        )
        about = self.client.meta.service_model
        credentials = Credentials(access.access_key, access.secret_key, access.session_token)
        self._signer = SigV4Auth(credentials, about.signing_name, access.region)
        self._target = f"{about.metadata.get('targetPrefix')}."
        self._server = ""
        self._send_through_wire(self.client)

    def _send_through_wire(self, client: BaseClient) -> None:
        def send(request: Any, event_name: str = "", **_: object) -> AWSResponse:
            return self._send(request, event_name.rpartition(".")[2])

        client.meta.events.register_first("before-send", send)

    def _send(self, request: Any, operation: str) -> AWSResponse:
        """Send what botocore signed. It signs again where S3 names another region for a bucket (ministack does after
        a crash); that goes to the same endpoint, or the wire refuses it."""
        with _as_botocore(request):
            headers = {name: _text(value) for name, value in request.headers.items()}
            raw = self._wire.request(
                request.method, request.url, operation=operation, body=request.body, headers=headers
            )
            self._refuse_redirect(raw, operation)
            response = AWSResponse(request.url, raw.status, raw.headers, raw)
            if not request.stream_output:
                response.content  # noqa: B018  reads the body, so that the connection goes back to the pool
        self._server = raw.headers.get("Server", self._server)
        return response

    def send(self, operation: str, body: bytes) -> bytes:
        """Send a JSON operation whose body is ready, and return the answer as it came. It is signed by botocore, and
        that is all: what else a client does for a call costs more than the wire, and here there is nothing to check,
        serialise, resolve or parse. Raises ClientError, whose response has all fields of the error's body."""
        request = AWSRequest("POST", self.endpoint.url, data=body, headers=_JSON)
        request.headers["X-Amz-Target"] = self._target + operation
        request.headers["User-Agent"] = self.client.meta.config.user_agent
        self._signer.add_auth(request)
        with _as_botocore(request):
            headers = dict(request.headers.items())
            raw = self._wire.request("POST", request.url, operation=operation, body=body, headers=headers)
            answer: bytes = raw.read()
            raw.release_conn()
        self._server = raw.headers.get("Server", self._server)
        self._refuse_redirect(raw, operation)
        if raw.status != 200:
            raise aws.ClientError(_error_of(raw.status, answer), operation)
        checksum = raw.headers.get("x-amz-crc32")
        if checksum and int(checksum) != zlib.crc32(answer):
            raise self._error(TransientError, operation, "the answer has another checksum than it says")
        return answer

    def _refuse_redirect(self, raw: urllib3.BaseHTTPResponse, operation: str) -> None:
        if 300 <= raw.status < 400 and raw.status != 304 and "x-amz-bucket-region" not in raw.headers:
            raise self._error(StoreError, operation, f"it redirects (HTTP {raw.status}), which is not followed")

    @property
    def engine(self) -> str:
        """What answered last, as far as its Server header tells."""
        for sign, name in _ENGINES.items():
            if self._server.startswith(sign):
                return name
        return self._server or _SERVICES[self.service]

    @contextmanager
    def errors(self, operation: str) -> Iterator[None]:
        """Turn what botocore raises into our errors. A ClientError whose code has no meaning here passes as it is,
        for the caller that knows it; `unexpected` makes it a StoreError."""
        try:
            yield
        except aws.ClientError as error:
            self._raise_known(error, operation)
            raise
        except _UNREACHABLE as error:
            raise StoreUnreachable(
                service=self.service,
                endpoint=self.endpoint.url,
                reason=_reason(error),
                variable=_VARIABLES.get(self.service, "AWS_ENDPOINT_URL"),
            ) from error
        except _BROKEN as error:
            raise self._error(TransientError, operation, _reason(error)) from error
        except (http.ProtocolError, http.TimeoutError) as error:  # from a body that is read behind botocore's back
            raise self._error(TransientError, operation, _reason(error)) from error
        except (aws.BotoCoreError, http.HTTPError) as error:
            raise self._error(StoreError, operation, _reason(error)) from error

    def _raise_known(self, error: aws.ClientError, operation: str) -> None:
        code = code_of(error)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in CREDENTIAL_CODES:
            raise CredentialsRefused(service=self.service, endpoint=self.endpoint.url, reason=_spell(error)) from error
        if code in TRANSIENT_CODES or status in (429, 500, 502, 503, 504):
            raise self._error(TransientError, operation, _spell(error)) from error

    def unexpected(self, error: aws.ClientError, operation: str) -> StoreError:
        """The StoreError for an answer that the caller has no use for."""
        return self._error(StoreError, operation, _spell(error))

    def _error(self, kind: type[StoreError], operation: str, reason: str) -> StoreError:
        return kind(service=self.service, endpoint=self.endpoint.url, operation=operation, reason=reason)

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()
        self._wire.close()


def code_of(error: aws.ClientError) -> str:
    """The error's code, as `ResourceNotFoundException` or `404`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: aws.ClientError) -> str:
    """What an AWS error says."""
    return str(error.response.get("Error", {}).get("Message", "")).strip()


def _spell(error: aws.ClientError) -> str:
    message = message_of(error)
    return f"{code_of(error)}: {message}" if message else code_of(error)


#: Without `identity` an answer may come compressed, and its checksum is of what was sent.
_JSON = {"Content-Type": "application/x-amz-json-1.0", "Accept-Encoding": "identity"}

# One attempt: retrying is a wrapper of ours, which knows what is left of a batch. Path style: a bucket's own host
# name would leave the target that was checked.
_CONFIG = Config(
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    parameter_validation=False,
    use_dualstack_endpoint=False,
    use_fips_endpoint=False,
    ignore_configured_endpoint_urls=True,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    tcp_keepalive=True,
)
#: How a Server header begins, and what it is a sign of.
_ENGINES = {"Jetty": "DynamoDB Local", "SeaweedFS": "SeaweedFS"}
_SERVICES = {"dynamodb": "DynamoDB", "dynamodbstreams": "DynamoDB Streams", "s3": "S3", "opensearch": "OpenSearch"}
_VARIABLES = {
    "dynamodb": "AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL",
    "dynamodbstreams": "AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL",
    "s3": "AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL",
}


@lru_cache(maxsize=4)
def _session(region: str) -> Session:
    """What the clients of a region share: the service models it has read, and nothing of who asks."""
    session = Session()
    # A variable of the environment would count over "not set", so its own provider is taken away.
    for name in ("profile", "ca_bundle"):
        session.get_component("config_store").set_config_provider(name, ConstantProvider(None))
    session.set_config_variable("config_file", os.devnull)
    session.set_config_variable("credentials_file", os.devnull)
    session.set_config_variable("region", region)
    session.register_component("data_loader", ServiceModels(tuple(_SERVICES)))
    return session


_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


def _error_of(status: int, answer: bytes) -> dict[str, Any]:
    """An error's body as botocore gives it: all its fields, and code and message where they are looked for."""
    try:
        fields = _decode_fields(answer)
    except ValueError:
        fields = {}  # what a gateway says is no JSON
    code = str(fields.get("__type", status)).rpartition("#")[2]
    message = str(fields.get("message") or fields.get("Message") or fields.get("error") or "")
    return {**fields, "Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@contextmanager
def _as_botocore(request: Any) -> Iterator[None]:
    """Raise what botocore's own sender would, so that everything behind it stays as it is."""
    try:
        yield
    except TattooDataError:
        raise
    except http.SSLError as error:
        raise aws.SSLError(endpoint_url=request.url, error=error) from error
    except http.NewConnectionError as error:
        raise aws.EndpointConnectionError(endpoint_url=request.url, error=error) from error
    except http.ConnectTimeoutError as error:
        raise aws.ConnectTimeoutError(endpoint_url=request.url, error=error) from error
    except http.ReadTimeoutError as error:
        raise aws.ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except http.ProtocolError as error:
        raise aws.ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    text = str(cause)
    return text.rpartition(": ")[2] or type(cause).__name__
