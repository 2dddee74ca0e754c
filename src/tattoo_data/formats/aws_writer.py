"""Writes a table as AWS does in a full export: `AWSDynamoDB/<ExportId>/` (formats.md 3).

Shapes are those of the real service: the summary is one line without an end, the file of files ends with one, an empty
partition is an empty gzip.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tattoo_data.clock import Clock, timestamp
from tattoo_data.formats.manifest import TABLE_FOLDER, ExportedFile
from tattoo_data.formats.output_file import PackedFile, one_line, write_whole

VERSION = "2020-06-30"
_ACCOUNT = "000000000000"  # an emulator's, where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAbout:
    """What an export says of itself and of its table. `table_id` is any text that tells this table from others."""

    export_id: str
    region: str
    table: str
    table_id: str
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """One data file as the file of files names it."""

    file: ExportedFile
    count: int
    size: int
    md5: bytes


class Partition:
    """One data file while it is written."""

    def __init__(self, file: PackedFile) -> None:
        self.count = 0
        self.bytes = 0
        self._file = file

    def add(self, items: Sequence[bytes]) -> None:
        """Append items, each DynamoDB JSON as it came from the wire."""
        if items:
            self.count += len(items)
            self.bytes += sum(map(len, items))
            self._file.write(b'{"Item":%s}\n' % b'}\n{"Item":'.join(map(one_line, items)))


class AwsExport:
    """An export of one table while it is written. Partitions may be written at the same time."""

    def __init__(self, root: Path, about: AwsAbout, clock: Clock) -> None:
        self._root = root
        self._about = about
        self._clock = clock
        self._folder = f"{TABLE_FOLDER}/{about.export_id}"
        self._written: list[_Written] = []
        self._files = [write_whole(root, f"{self._folder}/_started", b"")]

    @contextmanager
    def partition(self) -> Iterator[Partition]:
        """A new data file; it belongs to the export once the block ends without an error."""
        with PackedFile(self._root, f"{self._folder}/data/{_file_name(self._clock)}.json.gz") as file:
            partition = Partition(file)
            yield partition
        count, size = partition.count, partition.bytes
        self._written.append(_Written(file=file.exported(), count=count, size=size, md5=file.md5.digest()))

    def finish(self) -> list[ExportedFile]:
        """Write the manifests; all files of the export."""
        ended = timestamp(self._clock.now())
        lines = [_encode(_line(each)) + b"\n" for each in self._written]
        self._write_with_md5("manifest-files", b"".join(lines))
        self._write_with_md5("manifest-summary", _encode(self._summary(ended)))
        return [*self._files, *(each.file for each in self._written)]

    def _write_with_md5(self, name: str, content: bytes) -> None:
        for path, body in ((f"{name}.json", content), (f"{name}.md5", _base64(_md5(content)))):
            self._files.append(write_whole(self._root, f"{self._folder}/{path}", body))

    def _summary(self, ended: str) -> dict[str, object]:
        about = self._about
        table = f"arn:aws:dynamodb:{about.region}:{_ACCOUNT}:table/{about.table}"
        return {
            "version": VERSION,
            "exportArn": f"{table}/export/{about.export_id}",
            "startTime": about.started_at,
            "endTime": ended,
            "tableArn": table,
            "tableId": about.table_id,
            "exportTime": about.started_at,
            "s3Bucket": "",
            "s3Prefix": None,
            "s3SseAlgorithm": None,
            "s3SseKmsKeyId": None,
            "manifestFilesS3Key": f"{self._folder}/manifest-files.json",
            "billedSizeBytes": sum(each.size for each in self._written),
            "itemCount": sum(each.count for each in self._written),
            "outputFormat": "DYNAMODB_JSON",
        }


_encode = msgspec.json.Encoder().encode


def new_export_id(clock: Clock) -> str:
    """`0`, the milliseconds since 1970 in 13 digits, `-`, 8 hex digits."""
    return f"0{int(clock.now().timestamp() * 1000):013}-{clock.token(4)}"


def _line(written: _Written) -> dict[str, object]:
    return {
        "itemCount": written.count,
        "md5Checksum": _base64(written.md5).decode(),
        "etag": f"{_md5(written.md5).hex()}-1",
        "dataFileS3Key": written.file.path,
    }


def _file_name(clock: Clock) -> str:
    """26 characters of a-z2-7: 128 bits in base32."""
    return base64.b32encode(bytes.fromhex(clock.token(16))).decode().rstrip("=").lower()


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def _base64(digest: bytes) -> bytes:
    return base64.b64encode(digest)
