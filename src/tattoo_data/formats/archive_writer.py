"""Writes an export directory as one `.tar.gz` stream, the manifest last: a stream that broke off holds none."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from tattoo_data.formats.manifest import MANIFEST
from tattoo_data.formats.output_file import compressor

_BLOCK = 1 << 18


class _Gzip:
    """Compresses what is written to it, and passes it on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._compressor = compressor()
        self._broken = False

    def write(self, data: bytes) -> int:
        if not self._broken:  # tarfile writes on when it is thrown away
            self._broken = True
            self._stream.write(self._compressor.compress(data))
            self._broken = False
        return len(data)

    def finish(self) -> None:
        self._stream.write(self._compressor.flush())
        self._stream.flush()


def write_archive(folder: Path, paths: Iterable[str], stream: BinaryIO) -> None:
    """Write the files of an export, and then its manifest, under the folder's own name. Raises OSError where the
    stream takes no more."""
    gzip = _Gzip(stream)
    with tarfile.open(fileobj=cast(BinaryIO, gzip), mode="w|", bufsize=_BLOCK, format=tarfile.PAX_FORMAT) as archive:
        for path in (*paths, MANIFEST):
            archive.add(folder / path, f"{folder.name}/{path}", recursive=False, filter=_of_nobody)
    gzip.finish()


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose files they were on this machine is nobody's business on another."""
    member.mtime = int(member.mtime)  # a fraction of a second would cost each file a header of its own
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
