"""Clients that ask once, as a user's would, and engines behind proxies."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from tests.faults.messages import Headers
from tests.stores.conftest import ACCESS


@dataclass(frozen=True, slots=True)
class Got:
    """An answer as a client has it."""

    status: int
    headers: Headers
    body: bytes


class Browser:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        """Send one request; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, named)
        response = self._connection.getresponse()
        return Got(response.status, tuple(response.getheaders()), response.read())

    def close(self) -> None:
        """Close the connection; the next request makes another."""
        self._connection.close()


@contextmanager
def browser(url: str) -> Iterator[Browser]:
    """A client of `url` until the block ends."""
    made = Browser(url)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def aws(service: str, url: str) -> Iterator[Any]:
    """A boto3 client that never asks twice."""
    client = boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1" if service == "s3" else ACCESS.region,  # where buckets need no constraint
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    try:
        yield client
    finally:
        client.close()
