"""The manifest of our own export directory: `manifest.json`, its commit point (formats.md 1).

It is written last, so a directory without one is no export. Fields are only ever added; what a reader must not
misunderstand gets another `format`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.entry import StoreName

FORMAT = 1
MANIFEST = "manifest.json"
#: Where the parts of an export are, from its root.
TABLE_FOLDER = "AWSDynamoDB"
INDEX_FOLDER = "opensearch"
IMAGES_FOLDER = "images"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HINT = "Nothing was written. Make the export again, or fetch it again from where it came from."


class ExportSource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was exported: endpoints without credentials, and the names of the stores."""

    aws_endpoint: str
    s3_endpoint: str
    opensearch_endpoint: str
    region: str
    table: str
    index: str
    image_bucket: str
    backup_bucket: str


class ExportedStore(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an export holds of one store: how many entries, the bytes of their bodies, and the store's fingerprint."""

    count: int
    bytes: int
    fingerprint: str


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """One file, its `path` from the export's root with `/` between the parts. An image's has its `key` and
    `content_type` too: a key may hold what no file name can, so it is never read from the path."""

    path: str
    bytes: int
    sha256: str
    key: str | None = None
    content_type: str | None = None


class ExportManifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A whole export. `stores` has those that it holds; `table` is enough to create the table anew, and like
    `export_id` is None where the table is not in it. `files` are all of its files but the manifest itself."""

    tool: str
    created_at: str
    source: ExportSource
    stores: Mapping[StoreName, ExportedStore]
    files: Sequence[ExportedFile]
    export_id: str | None = None
    table: Mapping[str, Any] | None = None


class _Key(msgspec.Struct):
    AttributeName: str
    KeyType: str


class _Attribute(msgspec.Struct):
    AttributeName: str
    AttributeType: str


class _Index(msgspec.Struct):
    IndexName: str
    KeySchema: list[_Key]
    Projection: dict[str, Any]


class _Table(msgspec.Struct):
    """What is read of the table's structure; all else is handed on as it is."""

    AttributeDefinitions: list[_Attribute] = []
    KeySchema: list[_Key] = []
    GlobalSecondaryIndexes: list[_Index] = []
    LocalSecondaryIndexes: list[_Index] = []
    StreamSpecification: dict[str, Any] = {}


class _Format(msgspec.Struct):
    format: int


_decode_format = msgspec.json.Decoder(_Format).decode
_decode = msgspec.json.Decoder(ExportManifest).decode


def encode(manifest: ExportManifest) -> bytes:
    """The manifest as a file has it: `format` first, for a reader's eye."""
    body = {"format": FORMAT, **msgspec.to_builtins(manifest, str_keys=True)}
    return msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n"


def decode(body: bytes, name: str = MANIFEST) -> ExportManifest:
    """The manifest in `body`, the content of the file `name`. Raises `IntegrityFailed` for another format and for
    what is no such manifest, names a file outside the export, or names one twice."""
    try:
        number = _decode_format(body).format
        if number != FORMAT:
            raise IntegrityFailed(
                what=f"{name} is of export format {number}, and this version reads format {FORMAT}",
                hint="Nothing was written. Use the version of tattoo-data that made the export, or a newer one.",
            )
        manifest = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(name, str(error)) from error
    for problem in _problems(manifest):
        raise _damaged(name, problem)
    return manifest


def is_inside(path: str) -> bool:
    """Whether a path of a manifest names a file under the export's root."""
    parts = path.split("/")
    return all(part not in ("", ".", "..") and "\\" not in part and "\0" not in part for part in parts)


def _problems(manifest: ExportManifest) -> Iterator[str]:
    seen: set[str] = set()
    keys: set[str] = set()
    for file in manifest.files:
        if not is_inside(file.path) or file.path == MANIFEST:
            yield f"it names {file.path!r}, which is no file of an export"
        if file.path in seen:
            yield f"it names {file.path!r} twice"
        if file.key is not None and file.key in keys:
            yield f"it names the image {file.key!r} twice"
        if file.bytes < 0 or not _SHA256.fullmatch(file.sha256):
            yield f"it has no size and hash of {file.path!r}"
        seen.add(file.path)
        if file.key is not None:
            keys.add(file.key)
    for store, held in manifest.stores.items():
        if held.count < 0 or held.bytes < 0 or not _SHA256.fullmatch(held.fingerprint):
            yield f"it has no count, bytes and fingerprint of the {store}"
    if manifest.table is not None:
        yield from _table_problems(manifest.table)


def _table_problems(structure: Mapping[str, Any]) -> Iterator[str]:
    try:
        table = msgspec.convert(structure, _Table)
    except (msgspec.ValidationError, RecursionError) as error:
        yield f"it does not hold how the table is made ({error})"
        return
    typed = {each.AttributeName for each in table.AttributeDefinitions}
    for index in (*table.GlobalSecondaryIndexes, *table.LocalSecondaryIndexes):
        if lacking := [key.AttributeName for key in index.KeySchema if key.AttributeName not in typed]:
            yield f"it has no type of {', '.join(lacking)}, by which {index.IndexName} is sorted"


def _damaged(name: str, reason: str) -> IntegrityFailed:
    return IntegrityFailed(what=f"{name} cannot be used: {reason}", hint=_HINT)
