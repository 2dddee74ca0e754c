"""Files of an export while they are written: counted and hashed on the way, and on disk before they count."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from tattoo_data.errors import FileFailed
from tattoo_data.formats.manifest import ExportedFile

_GZIP = 31  # zlib's window bits of a gzip stream
_LEVEL = 1


class Compressor(Protocol):
    """What zlib and igzip make alike."""

    def compress(self, data: bytes, /) -> bytes:
        """What can be given out so far."""

    def flush(self) -> bytes:
        """The rest, and the end of the stream."""


def compressor() -> Compressor:
    """A gzip stream at its quickest: by igzip where this machine has it, which takes a fifth of zlib's time."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    made: Compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    return made


class OutputFile:
    """One new file at `path` under `root`; its folders are made. Every error of the machine is a `FileFailed` that
    names it. It is on disk when the block ends without an error."""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self.size = 0
        self._place = root / path
        self._sha256 = hashlib.sha256()
        with file_errors(self._place):
            self._place.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._place.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.finish()
        finally:
            with suppress(OSError):  # it is on disk, or another error says why it is not
                self._file.close()

    def write(self, data: bytes) -> None:
        """Append."""
        self._sha256.update(data)
        self.size += len(data)
        with file_errors(self._place):
            self._file.write(data)

    def finish(self) -> None:
        """Bring what was written to the disk."""
        with file_errors(self._place):
            self._file.flush()
            os.fsync(self._file.fileno())

    def exported(self) -> ExportedFile:
        """The file as the manifest names it."""
        return ExportedFile(path=self.path, bytes=self.size, sha256=self._sha256.hexdigest())


class PackedFile(OutputFile):
    """The same, compressed; what is written is counted and hashed as it is on disk."""

    def __init__(self, root: Path, path: str) -> None:
        super().__init__(root, path)
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._compressor = compressor()

    def write(self, data: bytes) -> None:
        self._pass_on(self._compressor.compress(data))

    def finish(self) -> None:
        self._pass_on(self._compressor.flush())
        super().finish()

    def _pass_on(self, packed: bytes) -> None:
        self.md5.update(packed)
        super().write(packed)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Errors of the machine as `FileFailed` of this path."""
    try:
        yield
    except OSError as error:
        raise FileFailed(path=error.filename or path, reason=error.strerror or str(error)) from error


def sync_folders(root: Path, files: Iterable[ExportedFile]) -> None:
    """Bring the names of files to the disk: their contents are there already."""
    folders = {folder for file in files for folder in (root / file.path).parents if folder.is_relative_to(root)}
    for folder in folders:
        with file_errors(folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def write_whole(root: Path, path: str, content: bytes) -> ExportedFile:
    """Write a small file."""
    with OutputFile(root, path) as file:
        file.write(content)
    return file.exported()


def one_line(body: bytes) -> bytes:
    """JSON as a line needs it; its numbers stay as they are spelled. Some engines print what they answer prettily."""
    return msgspec.json.format(body, indent=-1) if b"\n" in body else body
