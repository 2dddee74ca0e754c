"""Rejects: the records that were not taken, as a file in the shape in which DynamoDB's own import logs them.

A line of the file, `key` being the record's file and `itemIndex` its line there:

    {"itemS3Pointer":{"bucket":"...","key":"...","itemIndex":7},"importArn":"...","errorMessages":["..."]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tattoo_data.errors import FileFailed
from tattoo_data.files import replacing
from tattoo_data.formats.output_file import file_errors
from tattoo_data.transfer.contents import Reject

_OURS = b'{"itemS3Pointer":'


class _Pointer(msgspec.Struct):
    bucket: str
    key: str
    itemIndex: int


class _Line(msgspec.Struct):
    itemS3Pointer: _Pointer
    importArn: str
    errorMessages: list[str]


_encode = msgspec.json.Encoder().encode


def write_rejects(path: Path, source: str, rejects: Iterable[Reject]) -> None:
    """Write the file under a temporary name beside it, and rename it. Raises `FileFailed` where it cannot be written,
    or where something else is there: only a file of rejects, as the same command left it before, is replaced."""
    with file_errors(path):
        if path.exists() and not _is_ours(path):
            raise FileFailed(path=path, reason="it is there already, and is no file of rejects")
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.writelines(_lines(source, rejects))


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_OURS)) in (b"", _OURS)


def _lines(source: str, rejects: Iterable[Reject]) -> Iterator[bytes]:
    for each in rejects:
        yield _encode(_Line(_Pointer(source, each.file, each.number), "", [each.message])) + b"\n"
