"""Memory: it is the same however long a file is."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from tattoo_data.formats.detect import open_source
from tests.formats.builders import (
    EXPORT_ID,
    INDEX,
    aws_line,
    aws_summary,
    compact,
    document,
    hit,
    item,
    node_export,
    node_item,
    pretty,
    write_aws_manifest,
)

RECORDS = 8_000
#: What a record has beside its name: 2.5 KB in all, so that the files have 20 MB.
BIO = "".join(chr(0x20 + place % 90) for place in range(2_400))
BOUND = 8 << 20


def write_packed(path: Path, lines: Iterator[bytes]) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(lines)


def aws(root: Path) -> Path:
    place = f"AWSDynamoDB/{EXPORT_ID}"
    folder = root / place
    (folder / "data").mkdir(parents=True)
    data = folder / "data" / "a.json.gz"
    write_packed(data, (aws_line(item(number, bio={"S": BIO})) for number in range(RECORDS)))
    md5 = hashlib.md5(data.read_bytes()).digest()
    about = {
        "itemCount": RECORDS,
        "md5Checksum": b64encode(md5).decode(),
        "etag": f"{hashlib.md5(md5).hexdigest()}-1",
        "dataFileS3Key": f"{place}/data/a.json.gz",
    }
    write_aws_manifest(folder, "manifest-files", compact(about) + b"\n")
    write_aws_manifest(folder, "manifest-summary", compact(aws_summary(place, RECORDS)))
    return folder


def elasticdump(root: Path) -> Path:
    lines = (hit(str(number), document(number, bio=BIO)) for number in range(RECORDS))
    write_packed(root / f"{INDEX}.json", lines)
    return root / f"{INDEX}.json"


def node(root: Path) -> Path:
    folder = node_export(root, stats={"exported": RECORDS})
    with (folder / "artists.json").open("wb") as file:
        write_array(file, (pretty(node_item(number, bio=BIO)) for number in range(RECORDS)))
    return folder


def write_array(file: BinaryIO, elements: Iterator[bytes]) -> None:
    for number, element in enumerate(elements):
        file.write((b",\n  " if number else b"[\n  ") + element)
    file.write(b"\n]")


@pytest.mark.parametrize("make", [aws, elasticdump, node])
def test_reading_a_long_file_takes_no_more_than_a_short_one(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    source = open_source(make(tmp_path))
    tracemalloc.start()
    try:
        count = sum(found.entry is not None for found in source.read())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == RECORDS
    assert peak < BOUND
