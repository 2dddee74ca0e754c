"""Archives: a `.tar.gz` unpacked into a new folder, and refused by a member's name before that is written.

Only regular files and folders with plain relative names come out, readable by their owner alone. How much may come
out, from how few bytes and in how many members is bounded, so that a bomb costs neither memory nor disk.
"""

from __future__ import annotations

import errno
import gzip
import os
import tarfile
import unicodedata
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
#: Controls, NUL among them, and what is left of bytes that are no UTF-8.
_NO_LETTERS = ("Cc", "Cs")
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
    damaged, `UsageError` where it is no gzip at all, and `ScratchFailed` where there is no room; what came out before
    that is left for the caller to remove."""
    try:
        unzipped = _Unzipped(_Counted(stream, _gzip_start(stream, name)), limits, name)
        with tarfile.open(fileobj=unzipped, mode="r|", errorlevel=2) as tar:  # type: ignore[call-overload]
            unpacker = _Unpacker(folder, limits, name)
            for member in _members(tar, unzipped):
                unpacker.write(tar, member, unzipped)
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


class _Unpacker:
    """Writes members, each once, and counts what it makes: a name may bring many folders with it."""

    def __init__(self, folder: Path, limits: Limits, name: str) -> None:
        self._folder = folder
        self._limits = limits
        self._name = name
        self._count = 0
        self._folders: set[tuple[str, ...]] = {()}

    def write(self, tar: tarfile.TarFile, member: tarfile.TarInfo, unzipped: _Unzipped) -> None:
        self._add(member)
        parts = _parts(member, self._name)
        try:
            if member.isdir():
                self._make(member, parts)
                return
            self._refuse_what_is_no_file(member, parts)
            unzipped.expect(member)
            self._make(member, parts[:-1])
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
            handle = os.open(self._folder.joinpath(*parts), flags, 0o600)
        except (FileExistsError, NotADirectoryError):
            raise _refused(self._name, member, "it is in the archive twice") from None
        source = tar.extractfile(member)
        assert source is not None, "a regular file has content"
        with os.fdopen(handle, "wb") as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk)

    def _make(self, member: tarfile.TarInfo, parts: tuple[str, ...]) -> None:
        for depth in range(1, len(parts) + 1):
            if parts[:depth] not in self._folders:
                self._add(member)
                self._folder.joinpath(*parts[:depth]).mkdir(mode=0o700)
                self._folders.add(parts[:depth])

    def _add(self, member: tarfile.TarInfo) -> None:
        self._count += 1
        if self._count > self._limits.members:
            raise _refused(self._name, member, f"the archive has more than {self._limits.members} members")

    def _refuse_what_is_no_file(self, member: tarfile.TarInfo, parts: tuple[str, ...]) -> None:
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise _refused(self._name, member, f"it is {_KINDS.get(member.type, 'neither a file nor a folder')}")
        if member.issparse():
            raise _refused(self._name, member, "it is a sparse file")
        if not parts:
            raise _refused(self._name, member, "it is the archive's folder itself")


_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


def _parts(member: tarfile.TarInfo, name: str) -> tuple[str, ...]:
    """The parts of a member's name. Raises `IntegrityFailed` where it could leave the folder."""
    if any(unicodedata.category(letter) in _NO_LETTERS for letter in member.name):
        raise _refused(name, member, "its name holds what no name does")
    parts = tuple(part for part in member.name.split("/") if part != ".")
    if member.isdir() and parts and not parts[-1]:
        parts = parts[:-1]
    if ".." in parts or "" in parts:
        raise _refused(name, member, "its name leads out of the archive's folder")
    if any(len(os.fsencode(part)) > _MAX_NAME for part in parts):
        raise _refused(name, member, f"its name has over {_MAX_NAME} bytes")
    return parts


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
        self._where = ""
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

    def expect(self, member: tarfile.TarInfo) -> None:
        """Let a member's bytes out. Raises `IntegrityFailed` before the first where they are too many."""
        self._where = f" at the member {member.name!r}"
        if self._count + member.size > self._limits.bytes:
            raise self._bomb(f"it holds over {self._limits.bytes} bytes")
        self.allow(member.size + _MAX_HEADER)

    def drain(self) -> None:
        """Read on to the end, so that a cut is seen that lies behind the last member."""
        self._allowed = self._limits.bytes + 1
        while self.read(_CHUNK):
            pass

    def _bomb(self, reason: str) -> IntegrityFailed:
        return IntegrityFailed(what=f"{self._name} is refused{self._where}: {reason}", hint=_HINT)
