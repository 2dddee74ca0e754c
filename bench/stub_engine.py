"""`python -m bench.stub_engine`: DynamoDB, OpenSearch and S3 in one process, each on a port of loopback.

For measuring a client: it keeps what it is given as bytes in memory and does little else, so that a million items take
minutes. `--items` makes table and index begin with that many artists of `--size` bytes and their documents, which cost
no memory until they are changed, beside an empty image bucket. When it is ready it prints one line of JSON with its
urls; SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal

import msgspec

from bench.stub import IMAGES, INDEX, TABLE
from bench.stub.artists import Artists, artist_id
from bench.stub.http import serve
from bench.stub.index import Indexes
from bench.stub.objects import Buckets
from bench.stub.rows import Rule
from bench.stub.table import Tables, row_key
from tattoo_data.model.keys import SORT_KEY
from tattoo_data.model.structure import INDEX_MAPPING, table_definition

_ARTIST = "ARTIST#"
_AFTER = f"\0{SORT_KEY}"


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.stub_engine", description=__doc__)
    parser.add_argument("--items", type=int, default=0)
    parser.add_argument("--size", type=int, default=2500)
    options = parser.parse_args()
    gc.disable()  # nothing here refers to itself, and there are millions of objects to look at
    asyncio.run(_run(options.items, options.size))


async def _run(items: int, size: int) -> None:
    tables, indexes, buckets = Tables(), Indexes(), Buckets()
    if items:
        artists = Artists(items, size)
        tables.make(table_definition(TABLE), item_rule(artists))
        settings = {"number_of_shards": "1", "number_of_replicas": "0"}
        indexes.make(INDEX, {"mappings": dict(INDEX_MAPPING), "settings": settings}, document_rule(artists))
        buckets.make(IMAGES)
    served = [
        await serve(tables, "application/x-amz-json-1.0"),
        await serve(indexes, "application/json; charset=UTF-8"),
        await serve(buckets, "application/octet-stream"),
    ]
    urls = dict(zip(("dynamodb", "opensearch", "s3"), (url for _, url in served), strict=True))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    print(msgspec.json.encode(urls).decode(), flush=True)
    await ended.wait()


def item_rule(artists: Artists) -> Rule:
    """The items of artists as rows."""

    def number_of(key: str) -> int | None:
        if not (key.startswith(_ARTIST) and key.endswith(_AFTER)):
            return None
        return artists.number_of(key[len(_ARTIST) : -len(_AFTER)])

    return Rule(
        count=artists.count,
        key=lambda number: row_key(_ARTIST + artist_id(number), SORT_KEY),
        body=artists.item,
        number_of=number_of,
    )


def document_rule(artists: Artists) -> Rule:
    """The documents of artists as rows."""
    return Rule(count=artists.count, key=artist_id, body=artists.document, number_of=artists.number_of)


if __name__ == "__main__":
    main()
