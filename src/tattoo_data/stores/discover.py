"""Finding OpenSearch through `AWS_ENDPOINT_URL` alone, as LocalStack's variables need it (design 6).

`DescribeDomain` gives the domain's endpoint. That name resolves to the wrong machine inside a container, so the
request goes to the address of `AWS_ENDPOINT_URL` itself with the name as Host header, which the gateway routes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tattoo_data.clock import Clock
from tattoo_data.errors import NotOpenSearch, TargetIncomplete
from tattoo_data.guard import Endpoint
from tattoo_data.stores.aws import Access, AwsClient, code_of

_READY_SECONDS = 300.0
_POLL_SECONDS = 1.0
_GONE = ("ResourceNotFoundException",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Where a domain answers: the Host header to send, and the path that its own requests start with."""

    host: str
    path: str


def find_domain(name: str, endpoint: Endpoint, access: Access, clock: Clock, *, create: bool) -> Domain:
    """Ask the control plane at `endpoint` for the domain and wait until it has an endpoint.

    With `create`, a missing domain is made. Raises `TargetIncomplete` where there is none, `NotOpenSearch` where
    it does not come to have an endpoint.
    """
    control = AwsClient("opensearch", endpoint, access, "domain")
    try:
        status = _describe(control, name)
        if status is None and create:
            status = _create(control, name)
        if status is None:
            raise TargetIncomplete(
                named=f"AWS_ENDPOINT_URL ({endpoint.url})",
                missing=f"OpenSearch domain {name!r} at it",
                variable="OPENSEARCH_ENDPOINT, or OPENSEARCH_DOMAIN to one that exists",
            )
        return _domain(_ready(control, name, status, clock))
    finally:
        control.close()


def _describe(control: AwsClient, name: str) -> dict[str, Any] | None:
    try:
        with control.errors("describe_domain"):
            status: dict[str, Any] = control.client.describe_domain(DomainName=name)["DomainStatus"]
            return status
    except ClientError as error:
        if code_of(error) in _GONE:
            return None
        raise control.unexpected(error, "describe_domain") from error


def _create(control: AwsClient, name: str) -> dict[str, Any]:
    try:
        with control.errors("create_domain"):
            status: dict[str, Any] = control.client.create_domain(DomainName=name)["DomainStatus"]
            return status
    except ClientError as error:
        raise control.unexpected(error, "create_domain") from error


def _ready(control: AwsClient, name: str, status: dict[str, Any], clock: Clock) -> str:
    """The domain's endpoint once it has one and is not being processed any more."""
    end = clock.monotonic() + _READY_SECONDS
    current: dict[str, Any] | None = status
    while current is not None:
        if current.get("Endpoint") and not current.get("Processing"):
            return str(current["Endpoint"])
        if clock.monotonic() > end:
            break
        clock.sleep(_POLL_SECONDS)
        current = _describe(control, name)
    raise NotOpenSearch(
        endpoint=control.endpoint.url, reason=f"its domain {name} was not ready within {_READY_SECONDS:.0f} s"
    )


def _domain(endpoint: str) -> Domain:
    host, _, path = endpoint.partition("://")[2].partition("/") if "://" in endpoint else endpoint.partition("/")
    return Domain(host=host, path=f"/{path}".rstrip("/"))
