"""Exports as others make them, built from the description of their formats alone: no code of ours has a part in it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

EXPORT_ID = "01693685827463-2d8752fd"
DATA_FILE = "asdl123dasas2mfbhvd4gtoxa{}"
INDEX = "artists-local"

Json = dict[str, Any]


def compact(value: object) -> bytes:
    """JSON on one line, as JavaScript and AWS write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def item(number: int, **more: Json) -> Json:
    """An artist's item in DynamoDB JSON."""
    return {"PK": {"S": f"ARTIST#artist-{number:03}"}, "SK": {"S": "METADATA"}, "artistName": {"S": "Zoë"}, **more}


def document(number: int, **more: object) -> Json:
    """An artist's document."""
    return {"artistId": f"artist-{number:03}", "artistName": "Zoë", "rating": 4.5, **more}


def aws_line(value: object) -> bytes:
    """One line of a data file."""
    return b'{"Item":' + compact(value) + b"}\n"


def base64_md5(content: bytes) -> str:
    """As AWS writes an MD5."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def aws_export(
    root: Path,
    parts: Sequence[bytes],
    *,
    prefix: str = "",
    export_id: str = EXPORT_ID,
    suffix: str = ".md5",
    summary: Mapping[str, object] = {},
    counts: Sequence[int] | None = None,
) -> Path:
    """A full export with a data file for the text of each of `parts`; its folder."""
    place = f"{prefix}AWSDynamoDB/{export_id}"
    folder = root / place
    (folder / "data").mkdir(parents=True)
    (folder / "_started").write_bytes(b"")
    lines = []
    for number, text in enumerate(parts):
        name = f"data/{DATA_FILE.format('abcdefgh'[number])}.json.gz"
        packed = gzip.compress(text, mtime=0)
        (folder / name).write_bytes(packed)
        md5 = hashlib.md5(packed).digest()
        about = {
            "itemCount": counts[number] if counts else text.count(b"\n"),
            "md5Checksum": base64.b64encode(md5).decode(),
            "etag": f"{hashlib.md5(md5).hexdigest()}-1",
            "dataFileS3Key": f"{place}/{name}",
        }
        lines.append(compact(about) + b"\n")
    total = sum(counts) if counts else sum(text.count(b"\n") for text in parts)
    write_aws_manifest(folder, "manifest-files", b"".join(lines), suffix)
    write_aws_manifest(folder, "manifest-summary", compact(aws_summary(place, total) | dict(summary)), suffix)
    return folder


def aws_summary(place: str, items: int) -> Json:
    """What an export says of itself."""
    table = "arn:aws:dynamodb:eu-west-2:123456789012:table/ProductCatalog"
    return {
        "version": "2020-06-30",
        "exportArn": f"{table}/export/{EXPORT_ID}",
        "startTime": "2026-11-04T07:28:34.028Z",
        "endTime": "2026-11-04T07:33:43.897Z",
        "tableArn": table,
        "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
        "exportTime": "2026-11-04T07:28:34.028Z",
        "s3Bucket": "ddb-productcatalog-export",
        "s3Prefix": None,
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{place}/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": items,
        "outputFormat": "DYNAMODB_JSON",
    }


def write_aws_manifest(folder: Path, name: str, content: bytes, suffix: str = ".md5") -> None:
    """A manifest and the file of its checksum."""
    (folder / f"{name}.json").write_bytes(content)
    (folder / f"{name}{suffix}").write_text(base64_md5(content))


def buffer(content: bytes) -> Json:
    """What a Buffer of Node's is in JSON."""
    return {"type": "Buffer", "data": list(content)}


def node_item(number: int, **more: object) -> Json:
    """An artist's item as the Node tool wrote it: plain JSON, keys and all."""
    return {"PK": f"ARTIST#artist-{number:03}", "SK": "METADATA", "gsi1pk": "STYLE#x", "artistName": "Zoë", **more}


def node_document(number: int, **more: object) -> Json:
    """An artist's document as the Node tool wrote it, after its sync."""
    return {"_id": f"artist-{number:03}", "_source": document(number, **more)}


def node_export(
    root: Path,
    artists: Sequence[object] = (),
    documents: Sequence[object] = (),
    *,
    studios: Sequence[object] = (),
    styles: Sequence[object] = (),
    **manifest: object,
) -> Path:
    """An export of the Node tool; its folder."""
    folder = root / "export-2024-01-15T10-30-00-000Z"
    folder.mkdir(parents=True)
    files = {
        "artists.json": artists,
        "studios.json": studios,
        "styles.json": styles,
        "opensearch_documents.json": documents,
    }
    about = {
        "timestamp": "2024-01-15T10:30:00.000Z",
        "version": "1.0.0",
        "services": ["dynamodb", "opensearch"],
        "stats": {"exported": sum(map(len, files.values())), "errors": 0},
    }
    for name, content in files.items():
        (folder / name).write_bytes(pretty(content))
    (folder / "manifest.json").write_bytes(pretty(about | manifest))
    return folder


def pretty(value: object) -> bytes:
    """JSON as JavaScript's `JSON.stringify(value, null, 2)` gives it."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def hit(key: str, source: object, *, routing: str | None = None, index: str = INDEX) -> bytes:
    """One line of elasticdump's data."""
    about = {"_index": index, "_id": key, "_score": 1} | ({"_routing": routing} if routing else {})
    return compact(about | {"_source": source}) + b"\n"


def structure_files(index: str = INDEX) -> dict[str, bytes]:
    """What elasticdump writes beside the data."""
    settings = {index: {"settings": {"index": {"number_of_shards": "1", "number_of_replicas": "0"}}}}
    return {
        "mapping": compact({index: {"mappings": {"properties": {"artistId": {"type": "keyword"}}}}}) + b"\n",
        "settings": compact(compact(settings).decode()) + b"\n",
        "analyzer": compact(compact(settings).decode()) + b"\n",
        "alias": compact("{}") + b"\n",
    }


def elasticdump(
    folder: Path, lines: bytes, *, index: str = INDEX, packed: bool = False, template: bool = False
) -> Path:
    """A folder of files as elasticdump writes them, packed as `--fsCompress` does; multielasticdump adds a template."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{index}.json": lines}
    files |= {f"{index}.{kind}.json": content for kind, content in structure_files(index).items()}
    if template:
        files[f"{index}.template.json"] = (
            compact({"old": {"order": 0, "index_patterns": ["x"], "mappings": {}}}) + b"\n"
        )
    for name, content in files.items():
        (folder / name).write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return folder


def own_export(
    root: Path,
    items: bytes = b"",
    documents: bytes = b"",
    images: Mapping[str, bytes] = {},
    **manifest: object,
) -> Path:
    """An export of ours with all three stores; its folder."""
    folder = root / "export-2026-11-22T10-30-00-000Z"
    aws_export(folder, [items])
    elasticdump(folder / "opensearch", documents)
    for key, body in images.items():
        (folder / "images" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / key).write_bytes(body)
    counts = {"table": items.count(b"\n"), "index": documents.count(b"\n"), "images": len(images)}
    about = {
        "format": 1,
        "tool": "tattoo-data 1.0.0",
        "createdAt": "2026-11-22T10:30:00.000Z",
        "exportId": EXPORT_ID,
        "source": _own_source(),
        "table": {"KeySchema": []},
        "stores": {name: {"count": count, "bytes": 0, "fingerprint": "0" * 64} for name, count in counts.items()},
        "files": _own_files(folder, images),
    }
    (folder / "manifest.json").write_bytes(pretty(about | manifest))
    return folder


def _own_source() -> Json:
    names = (
        "awsEndpoint",
        "s3Endpoint",
        "opensearchEndpoint",
        "region",
        "table",
        "index",
        "imageBucket",
        "backupBucket",
    )
    return dict.fromkeys(names, "x")


def _own_files(folder: Path, images: Mapping[str, bytes]) -> list[Json]:
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name, body = path.relative_to(folder).as_posix(), path.read_bytes()
            about = {"path": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            key = name.removeprefix("images/")
            files.append(about | ({"key": key, "contentType": "image/png"} if key in images else {}))
    return files


def tar_gz(folder: Path, name: str | None = None) -> bytes:
    """A folder as `tar czf` packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder, folder.name if name is None else name)
    return packed.getvalue()
