"""The live stores, read as the application reads them: with plain boto3 and opensearch-py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from opensearchpy import OpenSearch

_plain = TypeDeserializer().deserialize


class Application:
    """The application's own clients for a target that environment variables name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.table = environment["DYNAMODB_TABLE_NAME"]
        self.index = environment["OPENSEARCH_INDEX"]
        self.bucket = environment["IMAGE_BUCKET"]
        common = {
            "region_name": "eu-west-2",
            "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": "test",
            "config": Config(s3={"addressing_style": "path"}),
        }
        self.dynamodb: Any = boto3.client("dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL_DYNAMODB"], **common)
        self.s3: Any = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL_S3"], **common)
        self.opensearch: Any = OpenSearch([environment["OPENSEARCH_ENDPOINT"]])

    def close(self) -> None:
        """Give connections back."""
        for client in (self.dynamodb, self.s3, self.opensearch):
            client.close()

    def items(self) -> list[dict[str, Any]]:
        """Every item as plain values."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [_item(item) for page in pages for item in page["Items"]]

    def query(self, index: str, partition: str, value: str) -> list[dict[str, Any]]:
        """What one of the data layer's queries on a secondary index gives."""
        answer = self.dynamodb.query(
            TableName=self.table,
            IndexName=index,
            KeyConditionExpression=f"{partition} = :value",
            ExpressionAttributeValues={":value": {"S": value}},
        )
        return [_item(item) for item in answer["Items"]]

    def put(self, item: dict[str, Any]) -> None:
        """Write one typed item."""
        self.dynamodb.put_item(TableName=self.table, Item=item)

    def add_index(self, attribute: str) -> None:
        """Add a secondary index of the application's own, by a text: `by-<attribute>`."""
        create = {
            "IndexName": f"by-{attribute}",
            "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        self.dynamodb.update_table(
            TableName=self.table,
            AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"}],
            GlobalSecondaryIndexUpdates=[{"Create": create}],
        )

    def documents(self) -> dict[str, Any]:
        """Every document by its `_id`."""
        self.opensearch.indices.refresh(index=self.index)
        hits = self.opensearch.search(index=self.index, body={"size": 10_000})["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def search(self, body: Mapping[str, Any]) -> list[str]:
        """The ids that a search finds, the best first."""
        hits = self.opensearch.search(index=self.index, body={"size": 1000, **body})["hits"]["hits"]
        return [hit["_id"] for hit in hits]

    def objects(self) -> set[str]:
        """Every key of the image bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {each["Key"] for page in pages for each in page.get("Contents", ())}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}
