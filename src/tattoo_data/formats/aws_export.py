"""AWS exports: a full export of DynamoDB to S3, read from the folder of one ExportId (formats.md 3).

Everything that the export says of itself is checked: the MD5 of both manifests, MD5, ETag and number of items of each
data file, and their sum. Bodies of entries are canonical bytes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from tattoo_data.errors import UsageError
from tattoo_data.formats.reading import Folder, damaged, parse
from tattoo_data.formats.source import Found
from tattoo_data.formats.usable import Unusable, item_entry, same_names
from tattoo_data.model.entry import Blob, Entry, StoreName

ROOT = "AWSDynamoDB"
SUMMARY, FILES, STARTED = "manifest-summary.json", "manifest-files.json", "_started"
#: What the real service calls the checksum of a manifest, and what AWS's guide calls it.
_CHECKSUMS = (".md5", ".checksum")
_VERSION = "2020-06-30"
_NAMED = 5


class _Summary(msgspec.Struct, frozen=True, rename="camel"):
    version: str
    item_count: int | None = None
    output_format: str = "DYNAMODB_JSON"
    export_type: str | None = None


class _DataFile(msgspec.Struct, frozen=True, rename="camel"):
    item_count: int
    md5: str = msgspec.field(name="md5Checksum")
    key: str = msgspec.field(name="dataFileS3Key")
    etag: str | None = None


_decode_summary = msgspec.json.Decoder(_Summary).decode
_decode_file = msgspec.json.Decoder(_DataFile).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One data file as the export's manifest has it: `name` is where it is in the folder."""

    name: str
    items: int
    md5: str
    etag: str | None


class AwsExport:
    """One full export. `place` is where its folder is from the root of `files`; names in messages start there."""

    kind = "AWS export"
    routed = False

    def __init__(self, path: str, files: Folder, place: str = "") -> None:
        self.path = path
        self.stores: Sequence[StoreName] = (StoreName.TABLE,)
        self.notes: list[str] = []
        self.fingerprints: Mapping[StoreName, str] = {}
        self.structures: Mapping[StoreName, Mapping[str, Any]] = {}
        self.lacking: Sequence[str] = ()
        self._files = files
        self._place = f"{place}/" if place else ""
        self._parts = self._read_manifests()

    def read(self) -> Iterator[Found]:
        """Every item of every data file; see `Source.read`."""
        for part in self._parts:
            yield from self._read_part(part)

    def blob(self, key: str) -> Blob:
        """There is no image in an AWS export."""
        raise KeyError(key)

    def close(self) -> None:
        """Nothing is held open."""

    def _read_part(self, part: Part) -> Iterator[Found]:
        reader, count = self._files.open(part.name, md5=True), 0
        for number, line in reader.lines():
            count += 1
            yield found_item(part.name, number, line)
        digest = reader.md5
        if b64encode(digest).decode() != part.md5:
            raise damaged(part.name, f"its MD5 is not the one in {FILES}")
        if part.etag is not None and not _is_etag(part.etag, digest):
            raise damaged(part.name, f"its ETag is not the one in {FILES}")
        if count != part.items:
            raise damaged(part.name, f"it holds {count} items, and {FILES} says {part.items}")

    def _read_manifests(self) -> list[Part]:
        summary = self._summary()
        parts = list(self._listed())
        total = sum(part.items for part in parts)
        if summary.item_count is None or total != summary.item_count:
            name = self._place + SUMMARY
            raise damaged(name, f"it says {summary.item_count} items, and the files of {FILES} hold {total}")
        self._note_unnamed({part.name for part in parts})
        return parts

    def _summary(self) -> _Summary:
        name = self._place + SUMMARY
        first, _, _ = self._checked(SUMMARY).partition(b"\n")
        try:
            summary = _decode_summary(first)
        except ValueError as error:
            raise damaged(name, f"line 1 is no summary of an export ({error})") from error
        if summary.export_type == "INCREMENTAL_EXPORT" or summary.version == "2023-08-01":
            raise UsageError(what=f"{self.path} is an incremental export of AWS: it cannot be imported yet", hint=_FULL)
        if summary.output_format != "DYNAMODB_JSON":
            reason = f"{self.path} is an export in the format {summary.output_format}: only DYNAMODB_JSON can be read"
            raise UsageError(what=reason, hint=_FULL)
        if summary.version != _VERSION:
            raise damaged(name, f"it is of version {summary.version!r}, and this tool reads {_VERSION}")
        return summary

    def _listed(self) -> Iterator[Part]:
        name, seen = self._place + FILES, set[str]()
        for number, line in enumerate(self._checked(FILES).split(b"\n"), start=1):
            if not line.strip():
                continue
            try:
                file = _decode_file(line)
            except ValueError as error:
                raise damaged(name, f"line {number} names no data file ({error})") from error
            place = self._resolve(file.key)
            if place is None or place in seen:
                reason = "is named twice" if place in seen else "is no data file of this export"
                raise damaged(name, f"line {number}: {file.key!r} {reason}")
            seen.add(place)
            yield Part(name=place, items=file.item_count, md5=file.md5, etag=file.etag)

    def _checked(self, manifest: str) -> bytes:
        """A manifest's content, which its checksum file confirms."""
        name = self._place + manifest
        body, reader = self._files.content(name, md5=True)
        stem = name.removesuffix(".json")
        there = [stem + suffix for suffix in _CHECKSUMS if self._files.has(stem + suffix)]
        if not there:
            raise damaged(stem + _CHECKSUMS[0], "it is missing, and so is .checksum")
        for checksum in there:
            if self._files.content(checksum)[0].strip() != b64encode(reader.md5):
                raise damaged(name, f"its MD5 is not the one in {checksum}")
        return body

    def _resolve(self, key: str) -> str | None:
        """Where a data file is in the folder, from its key in a bucket; None where the key leads anywhere else."""
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts) or len(parts) < 4:
            return None
        root, export_id, folder, name = parts[-4:]
        if root != ROOT or folder != "data" or not self._is_this(export_id):
            return None
        return f"{self._place}data/{name}"

    def _is_this(self, export_id: str) -> bool:
        place = PurePosixPath((self._files.root / self._place).as_posix())
        return place.parent.name != ROOT or place.name == export_id

    def _note_unnamed(self, named: set[str]) -> None:
        there = self._files.names(f"{self._place}data")
        if unnamed := [name for name in there if name not in named]:
            more = f" and {len(unnamed) - _NAMED} more" if len(unnamed) > _NAMED else ""
            listed = ", ".join(unnamed[:_NAMED])
            self.notes.append(f"Not read, because {FILES} does not name it: {listed}{more}.")


_FULL = "Export the table in full, as DYNAMODB_JSON, and import that."


def found_item(name: str, number: int, line: bytes) -> Found:
    """One line of a data file as a record of the table. Raises `IntegrityFailed` where it is no JSON."""
    try:
        return Found(StoreName.TABLE, name, number, _entry(name, number, line))
    except ValueError as problem:
        return Found(StoreName.TABLE, name, number, None, str(problem), line.rstrip(b"\r\n"))


def _entry(name: str, number: int, line: bytes) -> Entry:
    decoded = parse(name, number, line)
    if not isinstance(decoded, dict) or len(decoded) != 1 or "Item" not in decoded:
        raise Unusable('the line is not {"Item": {...}}')
    entry = item_entry(decoded["Item"])
    if not same_names(line, entry.body, more=2):
        raise Unusable("it has the same name twice")
    return entry


def _is_etag(etag: str, digest: bytes) -> bool:
    """Whether an ETag fits; one of an upload in several parts says nothing that a reader could check."""
    tag = etag.strip('"')
    if tag.endswith("-1"):
        return tag == hashlib.md5(digest, usedforsecurity=False).hexdigest() + "-1"
    return "-" in tag or tag == digest.hex()


def is_export(path: Path) -> bool:
    """Whether a folder is that of one ExportId, ended or not."""
    return any((path / name).is_file() for name in (SUMMARY, STARTED, FILES))
