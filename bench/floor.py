"""The floor: the same content in ready bodies over bare urllib3, as fast as the engines take it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import urllib3

from bench.stub import INDEX as INDEX
from bench.stub import TABLE as TABLE
from tattoo_data.engine.flow import IN_FLIGHT, batches
from tattoo_data.model.entry import Entry
from tattoo_data.stores.base import Limits
from tattoo_data.stores.index import LIMITS as INDEX_LIMITS
from tattoo_data.stores.table import LIMITS as TABLE_LIMITS

T = TypeVar("T")
_SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-2/dynamodb/aws4_request, SignedHeaders=host, Signature=00"
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Ready bodies for one table and one index."""

    dynamodb: str
    opensearch: str
    table_bodies: Sequence[bytes]
    index_bodies: Sequence[bytes]

    @classmethod
    def of(cls, environment: Mapping[str, str], table: Sequence[bytes], index: Sequence[bytes]) -> Floor:
        """The floor of a target that environment variables name."""
        return cls(
            dynamodb=environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment["AWS_ENDPOINT_URL"],
            opensearch=environment["OPENSEARCH_ENDPOINT"],
            table_bodies=table,
            index_bodies=index,
        )

    def write_and_scan(self) -> None:
        """The table, then the index, then one raw scan of both. Raises where anything is refused."""
        self.write()
        self.scan_both()

    def write(self) -> None:
        """The table, then the index."""
        self.put_table()
        self.put_index()

    def put_index_and_scan(self) -> None:
        """The index, then one raw scan of both."""
        self.put_index()
        self.scan_both()

    def scan_both(self) -> None:
        """One raw scan of the table, then of the index."""
        self.scan_table()
        self._each(lambda http, _: self._scan_index(http), (None,))

    def put_table(self) -> None:
        """The table's bodies, 4 in flight."""
        self._each(lambda http, body: self._dynamodb(http, "BatchWriteItem", body), self.table_bodies)

    def put_index(self) -> None:
        """The index's bodies, 4 in flight."""
        self._each(self._bulk, self.index_bodies)

    def scan_table(self) -> None:
        """One raw scan of the table in four segments beside each other."""
        self._each(self._scan_segment, range(IN_FLIGHT))

    def _each(self, send: Callable[[urllib3.PoolManager, T], object], units: Iterable[T]) -> None:
        with ThreadPoolExecutor(IN_FLIGHT) as pool, urllib3.PoolManager(maxsize=IN_FLIGHT) as http:
            for _ in pool.map(lambda unit: send(http, unit), units):
                pass

    def _scan_segment(self, http: urllib3.PoolManager, segment: int) -> None:
        start = b""
        while True:
            body = b'{"TableName":"%s","ConsistentRead":true,"Segment":%d,"TotalSegments":%d%s}' % (
                TABLE.encode(),
                segment,
                IN_FLIGHT,
                start,
            )
            answer = self._dynamodb(http, "Scan", body)
            last = msgspec.json.decode(answer, type=_Last).LastEvaluatedKey
            if not bytes(last):
                return
            start = b',"ExclusiveStartKey":' + bytes(last)

    def _scan_index(self, http: urllib3.PoolManager) -> None:
        self._opensearch(http, "POST", f"/{INDEX}/_refresh", b"")
        opened = self._opensearch(http, "POST", f"/{INDEX}/_search/point_in_time?keep_alive=1m", b"")
        pit = msgspec.json.decode(opened)["pit_id"]
        body = {"size": _PAGE, "pit": {"id": pit, "keep_alive": "1m"}, "sort": [{"_id": "asc"}]}
        while True:
            answer = self._opensearch(http, "POST", "/_search", msgspec.json.encode(body))
            hits = msgspec.json.decode(answer, type=_Page).hits.hits
            if len(hits) < _PAGE:
                break
            body["search_after"] = hits[-1].sort
        # One that stays open makes osmem copy the whole index at the next write.
        closing = msgspec.json.encode({"pit_id": [pit]})
        self._opensearch(http, "DELETE", "/_search/point_in_time", closing)

    def _bulk(self, http: urllib3.PoolManager, body: bytes) -> bytes:
        answer = self._opensearch(http, "POST", f"/{INDEX}/_bulk", body)
        if b'"errors":false' not in answer[:200]:
            raise RuntimeError(f"the index refused: {answer[:300]!r}")
        return answer

    def _dynamodb(self, http: urllib3.PoolManager, operation: str, body: bytes) -> bytes:
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": _SIGNED,
        }
        return _sent(http.request("POST", self.dynamodb, body=body, headers=headers))

    def _opensearch(self, http: urllib3.PoolManager, method: str, path: str, body: bytes) -> bytes:
        headers = {"Content-Type": "application/x-ndjson" if path.endswith("_bulk") else "application/json"}
        return _sent(http.request(method, self.opensearch + path, body=body, headers=headers))


class _Last(msgspec.Struct):
    LastEvaluatedKey: msgspec.Raw = msgspec.Raw()


class _Hit(msgspec.Struct):
    sort: list[str] = []


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Page(msgspec.Struct):
    hits: _Hits


def table_bodies(table: str, items: Iterable[Entry]) -> Iterator[bytes]:
    """BatchWriteItem bodies in our batch size."""
    for batch in batches(items, TABLE_LIMITS, lambda entry: len(entry.body)):
        puts = b",".join(b'{"PutRequest":{"Item":%s}}' % entry.body for entry in batch)
        yield b'{"RequestItems":{"%s":[%s]}}' % (table.encode(), puts)


def index_bodies(documents: Iterable[Entry], limits: Limits = INDEX_LIMITS) -> Iterator[bytes]:
    """`_bulk` bodies, in our batch size if none is given."""
    for batch in batches(documents, limits, lambda entry: len(entry.body)):
        lines = [b'{"index":{"_id":"%s"}}\n%s\n' % (entry.key.encode(), entry.body) for entry in batch]
        yield b"".join(lines)


def _sent(response: urllib3.BaseHTTPResponse) -> bytes:
    if response.status != 200:
        raise RuntimeError(f"HTTP {response.status}: {response.data[:300]!r}")
    return response.data
