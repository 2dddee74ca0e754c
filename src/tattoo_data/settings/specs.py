"""The table of settings: their names, variables, places in the file, defaults and forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tattoo_data.settings.parse import (
    BUCKET,
    TEXT,
    Parser,
    aws_url,
    day,
    index_name,
    matching,
    one_of,
    search_url,
    switch,
    truthy,
    url,
    webhook_url,
    whole_number,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One setting: its environment variables and place in the file, its default, and how its text is read."""

    name: str
    help: str
    parse: Parser
    variables: Sequence[str] = ()
    place: str = ""
    default: str | None = None
    secret: bool = False
    flag: str = ""


SPECS: tuple[Spec, ...] = (
    Spec(
        name="aws_endpoint",
        help="where DynamoDB and S3 answer",
        parse=aws_url,
        variables=("AWS_ENDPOINT_URL",),
        place="target.aws_endpoint",
        flag="--aws-endpoint-url",
    ),
    Spec(
        name="dynamodb_endpoint",
        help="where DynamoDB answers, if elsewhere",
        parse=aws_url,
        variables=("AWS_ENDPOINT_URL_DYNAMODB",),
        place="target.dynamodb_endpoint",
    ),
    Spec(
        name="s3_endpoint",
        help="where S3 answers, if elsewhere",
        parse=aws_url,
        variables=("AWS_ENDPOINT_URL_S3",),
        place="target.s3_endpoint",
    ),
    Spec(
        name="opensearch_endpoint",
        help="where OpenSearch answers",
        parse=search_url,
        variables=("OPENSEARCH_ENDPOINT",),
        place="target.opensearch_endpoint",
    ),
    Spec(
        name="opensearch_domain",
        help="the domain that is asked for at AWS_ENDPOINT_URL",
        parse=matching(r"[a-z][a-z0-9-]{2,27}", "domain name"),
        variables=("OPENSEARCH_DOMAIN",),
        place="target.opensearch_domain",
        default="tattoo-directory-local",
    ),
    Spec(
        name="opensearch_username",
        help="the user at OpenSearch",
        parse=TEXT,
        variables=("OPENSEARCH_USERNAME",),
        place="target.opensearch_username",
    ),
    Spec(
        name="opensearch_password",
        help="the password at OpenSearch",
        parse=TEXT,
        variables=("OPENSEARCH_PASSWORD",),
        secret=True,
    ),
    Spec(
        name="access_key",
        help="the AWS access key id",
        parse=TEXT,
        variables=("AWS_ACCESS_KEY_ID",),
        secret=True,
    ),
    Spec(
        name="secret_key",
        help="the AWS secret access key",
        parse=TEXT,
        variables=("AWS_SECRET_ACCESS_KEY",),
        secret=True,
    ),
    Spec(
        name="session_token",
        help="the AWS session token",
        parse=TEXT,
        variables=("AWS_SESSION_TOKEN",),
        secret=True,
    ),
    Spec(
        name="region",
        help="the AWS region",
        parse=matching(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}", "region"),
        variables=("AWS_DEFAULT_REGION", "AWS_REGION"),
        place="target.region",
        default="eu-west-2",
    ),
    Spec(
        name="table",
        help="the DynamoDB table",
        parse=matching(r"[A-Za-z0-9_.-]{3,255}", "table name (3 to 255 of A-Z, a-z, 0-9, _ . -)"),
        variables=("DYNAMODB_TABLE_NAME",),
        place="target.table",
        default="tattoo-directory-local",
    ),
    Spec(
        name="index",
        help="the OpenSearch index",
        parse=index_name,
        variables=("OPENSEARCH_INDEX",),
        place="target.index",
        default="artists-local",
    ),
    Spec(
        name="image_bucket",
        help="the bucket of images",
        parse=BUCKET,
        variables=("IMAGE_BUCKET",),
        place="target.image_bucket",
        default="tattoo-directory-images",
    ),
    Spec(
        name="backup_bucket",
        help="the bucket of backups and runs",
        parse=BUCKET,
        variables=("BACKUP_BUCKET",),
        place="target.backup_bucket",
        default="tattoo-directory-backups",
    ),
    Spec(
        name="home",
        help="the folder of the local stack's state",
        parse=lambda text: Path(text).expanduser(),
        variables=("TATTOO_DATA_HOME",),
        place="stack.home",
    ),
    Spec(
        name="as_of",
        help="the day that relative dates count from",
        parse=day,
        variables=("TATTOO_DATA_AS_OF",),
        place="seed.as_of",
    ),
    Spec(
        name="migrations",
        help="the folder of your own migrations",
        parse=lambda text: Path(text).expanduser(),
        variables=("TATTOO_DATA_MIGRATIONS",),
        place="migrations.folder",
        default="migrations",
    ),
    Spec(
        name="webhook",
        help="the URL that alerts are posted to",
        parse=webhook_url,
        variables=("TATTOO_DATA_WEBHOOK",),
        place="monitoring.webhook",
        secret=True,
    ),
    Spec(
        name="alert_log",
        help="the file that alerts are appended to",
        parse=lambda text: Path(text).expanduser(),
        variables=("TATTOO_DATA_ALERT_LOG",),
        place="monitoring.log",
    ),
    Spec(
        name="history_raw_hours",
        help="how long single checks are kept",
        parse=whole_number(1, 168),
        place="monitoring.raw_hours",
        default="24",
    ),
    Spec(
        name="history_minute_days",
        help="how long the checks of a minute and closed alerts are kept",
        parse=whole_number(1, 366),
        place="monitoring.minute_days",
        default="30",
    ),
    Spec(
        name="history_rows",
        help="how many checks, and how many minutes, are kept at most",
        parse=whole_number(100, 10_000_000),
        place="monitoring.rows",
        default="100000",
    ),
    Spec(
        name="images_base_url",
        help="what image urls begin with",
        parse=url,
        place="images.base_url",
        default="http://localhost:4566",
    ),
    Spec(
        name="index_swap",
        help="whether an index may be built anew and swapped in",
        parse=one_of("auto", "never"),
        place="index.swap",
        default="auto",
    ),
    Spec(
        name="index_shards",
        help="the shards of a new index",
        parse=whole_number(1, 1024),
        place="index.shards",
        default="1",
    ),
    Spec(
        name="index_replicas",
        help="the replicas of a new index",
        parse=whole_number(0, 100),
        place="index.replicas",
        default="0",
    ),
    Spec(
        name="local",
        help="use our own local stack, whatever else answers",
        parse=switch,
        variables=("TATTOO_DATA_LOCAL",),
        default="false",
    ),
    Spec(
        name="stack_aws_port",
        help="the port of the local DynamoDB and S3",
        parse=whole_number(1, 65535),
        variables=("TATTOO_DATA_AWS_PORT",),
        place="stack.aws_port",
        default="4566",
    ),
    Spec(
        name="stack_opensearch_port",
        help="the port of the local OpenSearch",
        parse=whole_number(1, 65535),
        variables=("TATTOO_DATA_OPENSEARCH_PORT",),
        place="stack.opensearch_port",
        default="9200",
    ),
    Spec(
        name="yes",
        help="answer yes to the question before a deletion",
        parse=switch,
        variables=("TATTOO_DATA_YES",),
        default="false",
    ),
    Spec(name="debug", help="show settings and every request", parse=truthy, variables=("DEBUG",), default="false"),
)
