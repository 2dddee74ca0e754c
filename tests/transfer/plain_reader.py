"""A reader of exports, written from the formats' description alone: nothing of the product is used."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

SUMMARY = [
    "version",
    "exportArn",
    "startTime",
    "endTime",
    "tableArn",
    "tableId",
    "exportTime",
    "s3Bucket",
    "s3Prefix",
    "s3SseAlgorithm",
    "s3SseKmsKeyId",
    "manifestFilesS3Key",
    "billedSizeBytes",
    "itemCount",
    "outputFormat",
]


def read_manifest(root: Path) -> Any:
    """The manifest, held against every file under `root`."""
    manifest = json.loads((root / "manifest.json").read_bytes())
    assert manifest["format"] == 1
    named = {file["path"]: file for file in manifest["files"]}
    assert len(named) == len(manifest["files"])
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert there == {*named, "manifest.json"}
    for path, file in named.items():
        content = (root / path).read_bytes()
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    return manifest


def read_aws(root: Path, export_id: str) -> list[dict[str, Any]]:
    """The items of a full export of DynamoDB under `root`, in the files' order; every rule of the format is held."""
    assert re.fullmatch(r"0\d{13}-[0-9a-f]{8}", export_id)
    folder = root / "AWSDynamoDB" / export_id
    assert (folder / "_started").read_bytes() == b""
    summary_text = _with_md5(folder, "manifest-summary")
    assert b"\n" not in summary_text
    summary = json.loads(summary_text)
    assert list(summary) == SUMMARY
    assert (summary["version"], summary["outputFormat"]) == ("2020-06-30", "DYNAMODB_JSON")
    assert summary["exportArn"] == f"{summary['tableArn']}/export/{export_id}"
    assert summary["manifestFilesS3Key"] == f"AWSDynamoDB/{export_id}/manifest-files.json"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", summary["tableId"])
    for name in ("startTime", "endTime", "exportTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", summary[name])
    files_text = _with_md5(folder, "manifest-files")
    assert files_text.endswith(b"\n") or not files_text
    items: list[dict[str, Any]] = []
    listed = [json.loads(line) for line in files_text.split(b"\n")[:-1]]
    for file in listed:
        items += _data_file(root, export_id, file)
    assert {each.name for each in (folder / "data").iterdir()} == {Path(each["dataFileS3Key"]).name for each in listed}
    assert len(items) == summary["itemCount"]
    return items


def read_dump(root: Path, index: str) -> dict[str, dict[str, Any]]:
    """The documents of an index by `_id`, each as its line has it."""
    hits = {}
    lines = (root / "opensearch" / f"{index}.json").read_bytes().split(b"\n")
    assert lines.pop() == b"", "the last line has its end"
    for line in lines:
        hit = json.loads(line)
        assert list(hit) in (["_index", "_id", "_score", "_source"], ["_index", "_id", "_score", "_routing", "_source"])
        assert (hit["_index"], hit["_score"]) == (index, 1)
        hits[hit["_id"]] = hit
    assert len(hits) == len(lines)
    return hits


def read_structure(root: Path, index: str) -> dict[str, Any]:
    """Mapping, settings, analyzer and alias; the last three are JSON strings that hold JSON."""
    found = {}
    for kind in ("mapping", "settings", "analyzer", "alias"):
        text = (root / "opensearch" / f"{index}.{kind}.json").read_bytes()
        assert text.endswith(b"\n")
        assert text.count(b"\n") == 1
        value = json.loads(text)
        assert isinstance(value, dict if kind == "mapping" else str)
        found[kind] = json.loads(value) if isinstance(value, str) else value
    return found


def _with_md5(folder: Path, name: str) -> bytes:
    content = (folder / f"{name}.json").read_bytes()
    checksum = (folder / f"{name}.md5").read_bytes()
    assert checksum == base64.b64encode(hashlib.md5(content).digest())
    assert len(checksum) == 24
    return content


def _data_file(root: Path, export_id: str, file: dict[str, Any]) -> list[dict[str, Any]]:
    assert list(file) == ["itemCount", "md5Checksum", "etag", "dataFileS3Key"]
    key = file["dataFileS3Key"]
    assert re.fullmatch(rf"AWSDynamoDB/{export_id}/data/[a-z2-7]{{26}}\.json\.gz", key)
    packed = (root / key).read_bytes()
    md5 = hashlib.md5(packed).digest()
    assert file["md5Checksum"] == base64.b64encode(md5).decode()
    assert file["etag"] == hashlib.md5(md5).hexdigest() + "-1"
    lines = gzip.decompress(packed).split(b"\n")
    assert lines.pop() == b""
    items = []
    for line in lines:
        decoded = json.loads(line)
        assert list(decoded) == ["Item"]
        items.append(decoded["Item"])
    assert len(items) == file["itemCount"]
    return items
