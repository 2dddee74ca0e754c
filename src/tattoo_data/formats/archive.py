"""Archives: a `.tar.gz` unpacked into a new folder, and refused by a member's name before that is written.

Only regular files and folders with plain relative names come out, readable by their owner alone. How much may come
out, from how few bytes and in how many members is bounded, so that a bomb costs neither memory nor disk.
"""

from __future__ import annotations

import errno
import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tattoo_data.errors import IntegrityFailed, ScratchFailed, UsageError
from tattoo_data.formats.reading import GZIP

_HINT = "Nothing was written to a store, and what was unpacked is removed."
_CHUNK = 1 << 20
_MAX_NAME = 255
#: A name or an extended header that is longer than this is an attack on memory.
_MAX_HEADER = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an archive may hold: members, bytes in all, and how many times its own size once `ratio_from` bytes
    came out of it."""

    members: int = 100_000
    bytes: int = 64 << 30
    ratio: int = 200
    ratio_from: int = 64 << 20


DEFAULT = Limits()


def unpack(stream: BinaryIO, folder: Path, limits: Limits = DEFAULT, name: str = "the archive") -> None:
    """Unpack `stream` into `folder`, which is there and empty. Raises `IntegrityFailed` where it is hostile, cut or
    no archive, and `ScratchFailed` where there is no room; what came out before that is left for the caller to
    remove."""
    try:
        unzipped = _Unzipped(_Counted(stream, _gzip_start(stream, name)), limits, name)
        with tarfile.open(fileobj=unzipped, mode="r|", errorlevel=2) as tar:  # type: ignore[call-overload]
            for count, member in enumerate(_members(tar, unzipped), start=1):
                if count > limits.members:
                    raise _refused(name, member, f"the archive has more than {limits.members} members")
                _write(tar, member, folder, unzipped, name)
        unzipped.drain()
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise IntegrityFailed(what=f"{name} is cut or damaged: {error}", hint=_HINT) from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise ScratchFailed(folder=folder, reason=error.strerror or str(error)) from error
        raise IntegrityFailed(what=f"{name} cannot be unpacked: {error}", hint=_HINT) from error


def _members(tar: tarfile.TarFile, unzipped: _Unzipped) -> Iterator[tarfile.TarInfo]:
    unzipped.allow(_MAX_HEADER)
    while (member := tar.next()) is not None:
        yield member
        tar.members = []  # type: ignore[attr-defined]  # else it keeps every header
        unzipped.allow(_MAX_HEADER)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, unzipped: _Unzipped, name: str) -> None:
    parts = _parts(member, name)
    if member.isdir():
        for depth in range(1, len(parts) + 1):
            folder.joinpath(*parts[:depth]).mkdir(mode=0o700, exist_ok=True)
        return
    if not member.isreg() or member.issparse() or not parts:
        raise _refused(name, member, f"it is {_kind(member)}, not a file or folder")
    unzipped.expect(member, _MAX_HEADER)
    for depth in range(1, len(parts)):
        folder.joinpath(*parts[:depth]).mkdir(mode=0o700, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None, "a regular file has content"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(folder.joinpath(*parts), flags, 0o600)
    except FileExistsError:
        raise _refused(name, member, "it is in the archive twice") from None
    with os.fdopen(handle, "wb") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)


def _parts(member: tarfile.TarInfo, name: str) -> tuple[str, ...]:
    """The parts of a member's name. Raises `IntegrityFailed` where it could leave the folder."""
    if "\0" in member.name or not member.name.isprintable():
        raise _refused(name, member, "its name holds what no name does")
    parts = tuple(part for part in member.name.split("/") if part != ".")
    if member.isdir() and parts and not parts[-1]:
        parts = parts[:-1]
    if member.name.startswith("/") or ".." in parts or "" in parts:
        raise _refused(name, member, "its name leads out of the archive's folder")
    if any(len(os.fsencode(part)) > _MAX_NAME for part in parts):
        raise _refused(name, member, f"its name has over {_MAX_NAME} bytes")
    return parts


def _kind(member: tarfile.TarInfo) -> str:
    kinds = {
        tarfile.SYMTYPE: "a symbolic link",
        tarfile.LNKTYPE: "a hard link",
        tarfile.CHRTYPE: "a device",
        tarfile.BLKTYPE: "a device",
        tarfile.FIFOTYPE: "a pipe",
        tarfile.GNUTYPE_SPARSE: "a sparse file",
    }
    return kinds.get(member.type, "something else")


def _refused(name: str, member: tarfile.TarInfo, reason: str) -> IntegrityFailed:
    shown = member.name if len(member.name) <= _MAX_NAME else f"{member.name[:60]}..."
    return IntegrityFailed(what=f"{name}: the member {shown!r} is refused: {reason}", hint=_HINT)


def _gzip_start(stream: BinaryIO, name: str) -> bytes:
    start = stream.read(2)
    if not start:
        raise IntegrityFailed(what=f"{name} is empty: whatever wrote it failed", hint=_HINT)
    if start != GZIP:
        raise UsageError(what=f"{name} cannot be imported: it is no .tar.gz", hint="`tattoo-data export -` makes one.")
    return start


class _Counted:
    """A stream that counts what is read from it."""

    def __init__(self, stream: BinaryIO, start: bytes) -> None:
        self.count = 0
        self._stream = stream
        self._start = start

    def read(self, size: int = -1) -> bytes:
        piece, self._start = self._start or self._stream.read(size), b""
        self.count += len(piece)
        return piece


class _Unzipped:
    """What comes out of a gzip, with a bound on it."""

    def __init__(self, packed: _Counted, limits: Limits, name: str) -> None:
        self._packed = packed
        self._text = gzip.GzipFile(fileobj=self._packed)  # type: ignore[call-overload]
        self._limits = limits
        self._name = name
        self._count = 0
        self._allowed = _MAX_HEADER  # opening a tar reads its first header

    def read(self, size: int) -> bytes:
        """The next bytes. Raises `IntegrityFailed` beyond a limit."""
        piece: bytes = self._text.read(size)
        self._count += len(piece)
        if self._count > self._allowed:
            raise self._bomb(f"it has a header of over {_MAX_HEADER >> 20} MiB")
        if self._count > self._limits.bytes:
            raise self._bomb(f"it holds over {self._limits.bytes} bytes")
        if self._count > self._limits.ratio_from and self._count > self._limits.ratio * self._packed.count:
            raise self._bomb(f"it holds over {self._limits.ratio} times its own size")
        return piece

    def allow(self, size: int) -> None:
        """Let this many more bytes out."""
        self._allowed = self._count + size

    def expect(self, member: tarfile.TarInfo, more: int) -> None:
        """Let a member's bytes out, and `more`. Raises `IntegrityFailed` before the first where they are too many."""
        if self._count + member.size > self._limits.bytes:
            raise _refused(self._name, member, f"the archive holds over {self._limits.bytes} bytes")
        self.allow(member.size + more)

    def drain(self) -> None:
        """Read on to the end, so that a cut is seen that lies behind the last member."""
        self._allowed = self._limits.bytes + 1
        while self.read(_CHUNK):
            pass

    def _bomb(self, reason: str) -> IntegrityFailed:
        return IntegrityFailed(what=f"{self._name} is refused: {reason}", hint=_HINT)
