"""The values: one frozen object that holds every setting, and what follows from several of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tattoo_data.errors import CredentialsIncomplete, TargetIncomplete


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which services are named. `opensearch` None means: to be found through `AWS_ENDPOINT_URL`."""

    embedded: bool
    dynamodb: str = ""
    s3: str = ""
    opensearch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, with where each came from in `sources`."""

    aws_endpoint: str | None
    dynamodb_endpoint: str | None
    s3_endpoint: str | None
    opensearch_endpoint: str | None
    opensearch_domain: str
    opensearch_username: str | None
    opensearch_password: str | None = field(repr=False)
    access_key: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    session_token: str | None = field(repr=False)
    region: str
    table: str
    index: str
    image_bucket: str
    backup_bucket: str
    home: Path
    as_of: date | None
    images_base_url: str
    index_swap: str
    index_shards: int
    index_replicas: int
    allow: tuple[str, ...]
    local: bool
    stack_aws_port: int
    stack_opensearch_port: int
    yes: bool
    debug: bool
    config_path: Path | None
    migrations: Path
    webhook: str | None = field(repr=False)
    alert_log: Path | None
    history_raw_hours: int
    history_minute_days: int
    history_rows: int
    monitoring: Mapping[str, Any] = field(repr=False)
    scenarios: Mapping[str, Any]
    sources: Mapping[str, str]

    def named(self) -> Target:
        """The services as far as they are named, which may be in part."""
        dynamodb = self.dynamodb_endpoint or self.aws_endpoint or ""
        s3 = self.s3_endpoint or self.aws_endpoint or ""
        if self.local or not (dynamodb or s3 or self.opensearch_endpoint):
            return Target(embedded=True)
        return Target(embedded=False, dynamodb=dynamodb, s3=s3, opensearch=self.opensearch_endpoint)

    def target(self) -> Target:
        """Which services are named: all, or none. Raises `TargetIncomplete` where a part cannot be found from the
        rest; named and embedded services are never mixed."""
        target = self.named()
        if target.embedded:
            return target
        named = self._named_by()
        if not target.dynamodb:
            raise _incomplete(named, "DynamoDB", "AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_DYNAMODB")
        if not target.s3:
            raise _incomplete(named, "S3", "AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3")
        if not (self.opensearch_endpoint or self.aws_endpoint):
            raise _incomplete(named, "OpenSearch", "OPENSEARCH_ENDPOINT")
        return target

    def credentials(self, *, local: bool) -> tuple[str, str, str | None]:
        """Access key, secret key and session token. A local target takes `test` where none are set; any other has
        to be given some. Raises `CredentialsIncomplete` where they are missing or half."""
        if self.target().embedded:
            return "test", "test", None
        if self.access_key and self.secret_key:
            return self.access_key, self.secret_key, self.session_token
        if self.access_key or self.secret_key or not local:
            missing = "AWS_SECRET_ACCESS_KEY" if self.access_key else "AWS_ACCESS_KEY_ID"
            raise CredentialsIncomplete(endpoint=self.target().dynamodb, missing=missing)
        return "test", "test", None

    def _named_by(self) -> str:
        names = ("aws_endpoint", "dynamodb_endpoint", "s3_endpoint", "opensearch_endpoint")
        return " and ".join(self.sources[name].split(" ", 1)[-1] for name in names if getattr(self, name))


def _incomplete(named: str, missing: str, variable: str) -> TargetIncomplete:
    return TargetIncomplete(named=named, missing=missing, variable=variable)
