"""Marks: which scratch stores there are beside a target, seen with the application's own clients."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from tests.live import Application

_TOKEN = re.compile(r"-selftest-([0-9a-f]{8})")


@dataclass(slots=True)
class Marks:
    """Not every S3 lists its buckets, so each token that was ever seen is asked for."""

    live: Application
    backup_bucket: str
    seen: set[str] = field(default_factory=set)

    def now(self) -> set[str]:
        """Every table, index and bucket that bears a mark, with its kind."""
        name = self.live.table
        pages = self.live.dynamodb.get_paginator("list_tables").paginate()
        found = {f"table {each}" for page in pages for each in page["TableNames"]}
        found |= {f"index {each}" for each in self.live.opensearch.indices.get(index=f"{self.live.index}*")}
        marked = {each for each in found if f" {name}" in each and _TOKEN.search(each)}
        self.seen |= {match[1] for each in marked if (match := _TOKEN.search(each))}
        names = [f"{base}-selftest-{token}" for token in self.seen for base in (self.live.bucket, self.backup_bucket)]
        return marked | {f"bucket {each}" for each in names if self._is_there(each)}

    def _is_there(self, bucket: str) -> bool:
        try:
            self.live.s3.head_bucket(Bucket=bucket)
        except ClientError:
            return False
        return True
