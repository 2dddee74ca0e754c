"""The AWS export that is written, read by a reader that knows the format alone."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tattoo_data.clock import Clock
from tattoo_data.formats.aws_writer import AwsAbout, AwsExport, new_export_id
from tests.model.strategies import body, items
from tests.transfer.plain_reader import read_aws

MOMENT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def write(root: Path, partitions: list[list[list[bytes]]], clock: Clock | None = None) -> str:
    """An export of these pages in these partitions; its id."""
    clock = clock or Clock()
    about = AwsAbout(
        export_id=new_export_id(clock),
        region="eu-west-2",
        table="table",
        table_id="00000000-0000-0000-0000-000000000000",
        started_at="2026-11-22T10:30:00.000Z",
    )
    export = AwsExport(root, about, clock)
    for pages in partitions:
        with export.partition() as partition:
            for page in pages:
                partition.add(page)
    export.finish()
    return about.export_id


def item(number: int) -> dict[str, Any]:
    return {"PK": {"S": f"ARTIST#{number}"}, "SK": {"S": "METADATA"}, "n": {"N": str(number)}}


@given(st.lists(st.lists(st.lists(items, max_size=4), max_size=3), min_size=1, max_size=3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_item_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, partitions: list[list[list[Any]]]
) -> None:
    root = tmp_path_factory.mktemp("export")
    export_id = write(root, [[[body(each) for each in page] for page in pages] for pages in partitions])
    read = read_aws(root, export_id)
    key = json.dumps
    written = [each for pages in partitions for page in pages for each in page]
    assert sorted(read, key=key) == sorted(written, key=key)


def test_an_empty_partition_is_an_empty_gzip(tmp_path: Path) -> None:
    export_id = write(tmp_path, [[], [[]], [[body(item(1))]]])
    assert read_aws(tmp_path, export_id) == [item(1)]
    assert len(list((tmp_path / "AWSDynamoDB" / export_id / "data").iterdir())) == 3


def test_an_empty_table_is_an_export_too(tmp_path: Path) -> None:
    assert read_aws(tmp_path, write(tmp_path, [[]])) == []


def test_what_an_engine_prints_prettily_is_a_line_all_the_same(tmp_path: Path) -> None:
    odd = {**item(1), "text": {"S": 'two\nlines\u2028and \\ "quotes"'}, "big": {"N": "9" * 38}}
    pretty = json.dumps(odd, indent=2).replace("\n", "\r\n").encode()
    export_id = write(tmp_path, [[[pretty, body(item(2))]]])
    assert read_aws(tmp_path, export_id) == [odd, item(2)]


def test_bytes_of_the_wire_are_not_encoded_again(tmp_path: Path) -> None:
    raw = b'{"PK":{"S":"a"},"SK":{"S":"b"},"z":{"S":"\\u00e9"},"a":{"N":"1.50"}}'
    export_id = write(tmp_path, [[[raw]]])
    (file,) = (tmp_path / "AWSDynamoDB" / export_id / "data").iterdir()
    assert gzip.decompress(file.read_bytes()) == b'{"Item":%s}\n' % raw


def test_the_id_is_the_time_and_chance() -> None:
    clock = Clock(now=lambda: MOMENT, token=lambda size: "ab" * size)
    assert new_export_id(clock) == f"0{int(MOMENT.timestamp() * 1000)}-abababab"


def test_without_igzip_zlib_writes_the_same_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)  # as where there is no wheel of it
    export_id = write(tmp_path, [[[body(item(number)) for number in range(1000)]]])
    assert read_aws(tmp_path, export_id) == [item(number) for number in range(1000)]
