"""The manifest: written and read again, and refused by name where it is another or damaged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tattoo_data.errors import IntegrityFailed
from tattoo_data.formats.manifest import ExportedFile, ExportedStore, ExportManifest, ExportSource, decode, encode
from tattoo_data.model.entry import StoreName

ZEROS = "0" * 64
MANIFEST = ExportManifest(
    tool="tattoo-data 0.1.0",
    created_at="2026-11-22T10:30:00.000Z",
    export_id="01795538395534-25b8d549",
    source=ExportSource(
        aws_endpoint="http://127.0.0.1:4566",
        s3_endpoint="http://127.0.0.1:4566",
        opensearch_endpoint="http://127.0.0.1:9200",
        region="eu-west-2",
        table="table",
        index="index",
        image_bucket="images",
        backup_bucket="backups",
    ),
    table={"KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}]},
    stores={
        StoreName.TABLE: ExportedStore(count=1, bytes=2, fingerprint=ZEROS),
        StoreName.IMAGES: ExportedStore(count=1, bytes=3, fingerprint=ZEROS),
    },
    files=[
        ExportedFile(path="AWSDynamoDB/x/_started", bytes=0, sha256=ZEROS),
        ExportedFile(path="images/a.png", bytes=3, sha256=ZEROS, key="a.png", content_type="image/png"),
    ],
)


def document() -> Any:
    return json.loads(encode(MANIFEST))


def test_what_is_written_is_read() -> None:
    assert decode(encode(MANIFEST)) == MANIFEST


def test_the_format_comes_first_and_a_file_has_no_more_than_it_needs() -> None:
    written = document()
    assert next(iter(written.items())) == ("format", 1)
    assert written["files"][0] == {"path": "AWSDynamoDB/x/_started", "bytes": 0, "sha256": ZEROS}
    assert set(written["stores"]) == {"table", "images"}
    assert encode(MANIFEST).endswith(b"}\n")


def test_a_field_that_a_newer_tool_added_is_passed_over() -> None:
    assert decode(json.dumps({**document(), "more": 1}).encode()) == MANIFEST


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "export format 2, and this version reads format 1"),
        ({"format": 0}, "export format 0"),
        ({"format": "1"}, "Expected `int`"),
        ({"files": None}, "$.files"),
        ({"stores": {"shelf": {}}}, "shelf"),
        ({"files": [{"path": "../x", "bytes": 0, "sha256": ZEROS}]}, "'../x', which is no file of an export"),
        ({"files": [{"path": "/x", "bytes": 0, "sha256": ZEROS}]}, "'/x'"),
        ({"files": [{"path": "a/../../x", "bytes": 0, "sha256": ZEROS}]}, "'a/../../x'"),
        ({"files": [{"path": "", "bytes": 0, "sha256": ZEROS}]}, "''"),
        ({"files": [{"path": "manifest.json", "bytes": 0, "sha256": ZEROS}]}, "'manifest.json'"),
        ({"files": [{"path": "x", "bytes": -1, "sha256": ZEROS}]}, "no size and hash of 'x'"),
        ({"files": [{"path": "x", "bytes": 1, "sha256": "00"}]}, "no size and hash of 'x'"),
        ({"files": [{"path": "x", "bytes": 1, "sha256": ZEROS}] * 2}, "'x' twice"),
        (
            {"files": [{"path": name, "bytes": 1, "sha256": ZEROS, "key": "k"} for name in "xy"]},
            "the image 'k' twice",
        ),
        ({"stores": {"table": {"count": -1, "bytes": 0, "fingerprint": ZEROS}}}, "fingerprint of the table"),
        ({"stores": {"table": {"count": 1, "bytes": 0, "fingerprint": "x"}}}, "fingerprint of the table"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    with pytest.raises(IntegrityFailed) as refused:
        decode(json.dumps({**document(), **change}).encode(), "x/manifest.json")
    assert refused.value.message.startswith("x/manifest.json")
    assert words in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", encode(MANIFEST)[:-20]])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(IntegrityFailed, match=r"manifest\.json cannot be used"):
        decode(content)
