"""Reading: the files of one folder, each unzipped, split into lines and hashed on the way, in one pass.

What a manifest says of a file is checked when the file's end is reached. It knows no format.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import msgspec

from tattoo_data.errors import IntegrityFailed

HINT = "Nothing was written. Make the files again, or fetch them again from where they came from."
GZIP = b"\x1f\x8b"
#: An item has at most 400 KB, and no document comes near this: what has no end is not read to its end.
MAX_LINE = 64 << 20
_CHUNK = 1 << 20
_OUT_OF_RANGE = "out of range"
_OUT_OF_RANGE_TOLD = "a number in it is out of range"
_BYTE = re.compile(r"\(byte (\d+)\)")
_BOM = b"\xef\xbb\xbf"


def damaged(name: str, reason: str, hint: str = HINT) -> IntegrityFailed:
    """The error for a file that is not what it should be."""
    return IntegrityFailed(what=f"{name}: {reason}", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a manifest says of a file: its size, and the sha256 of its bytes in hex."""

    bytes: int
    sha256: str


class FileReader:
    """One pass over one file. `size` and the digests are complete once `lines` or `chunks` has ended."""

    def __init__(self, path: Path, name: str, seal: Seal | None = None, *, md5: bool = False) -> None:
        self.name = name
        self.size = 0
        self._path = path
        self._seal = seal
        self._sha256 = hashlib.sha256() if seal else None
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Every line that is not blank, with its number from 1, split on LF alone: text may hold U+2028. A gzip is
        told by its first bytes. Raises `IntegrityFailed` where the file is cut, damaged, or not as sealed."""
        for number, line in self.pieces(MAX_LINE):
            if len(line) == MAX_LINE:
                raise damaged(self.name, f"line {number} has over {MAX_LINE >> 20} MiB")
            if not line.isspace():
                yield number, line

    def pieces(self, size: int = _CHUNK) -> Iterator[tuple[int, bytes]]:
        """Every line with its number, blank or not, in pieces of up to `size` bytes. Raises as `lines`."""
        with self._opened() as raw, self._unzipped(raw) as text:
            number, first = 1, True
            while piece := text.readline(size):
                yield number, piece.removeprefix(_BOM) if first else piece
                first = False
                number += piece.endswith(b"\n")
        self._check()

    def blocks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The text in blocks of up to `size` bytes. Raises as `lines`."""
        with self._opened() as raw, self._unzipped(raw) as text:
            first = True
            while block := text.read(size):
                yield block.removeprefix(_BOM) if first else block
                first = False
        self._check()

    def first_line(self) -> bytes:
        """The first line that is not blank, or its beginning, unchecked: enough to see what a file holds."""
        return next(self.first_pieces(), b"")

    def first_pieces(self) -> Iterator[bytes]:
        """The lines that are not blank, each whole or in pieces, unchecked as long as the last is not read."""
        return (piece for _, piece in self.pieces() if not piece.isspace())

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they are. Raises `IntegrityFailed` where they are not as sealed."""
        with self._opened() as raw:
            while chunk := raw.read(_CHUNK):
                yield chunk
        self._check()

    @property
    def md5(self) -> bytes:
        """The MD5 of the bytes as they are on disk."""
        assert self._md5 is not None, "asked for when the file was opened"
        return self._md5.digest()

    @contextmanager
    def _opened(self) -> Iterator[io.BufferedReader]:
        try:
            with self._path.open("rb", buffering=0) as file:
                yield io.BufferedReader(_Tap(cast(io.RawIOBase, file), self._seen), _CHUNK)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise damaged(self.name, f"the gzip is cut or damaged ({error})") from error
        except OSError as error:
            raise damaged(self.name, f"it cannot be read ({error.strerror or error})") from error

    def _unzipped(self, raw: io.BufferedReader) -> gzip.GzipFile | io.BufferedReader:
        return gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP else raw

    def _seen(self, piece: memoryview) -> None:
        self.size += len(piece)
        if self._sha256 is not None:
            self._sha256.update(piece)
        if self._md5 is not None:
            self._md5.update(piece)

    def _check(self) -> None:
        if self._seal is None or self._sha256 is None:
            return
        if self.size != self._seal.bytes:
            raise damaged(self.name, f"it has {self.size} bytes, and the manifest says {self._seal.bytes}")
        if self._sha256.hexdigest() != self._seal.sha256:
            raise damaged(self.name, "its content is not what was exported: its sha256 is not the manifest's")


class _Tap(io.RawIOBase):
    """A file that tells what is read from it."""

    def __init__(self, file: io.RawIOBase, seen: Callable[[memoryview], None]) -> None:
        self._file = file
        self._seen = seen

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        count = self._file.readinto(view) or 0
        self._seen(view[:count])
        return count


class Folder:
    """The files under `root`, each named by its path from there with `/` between the parts. With `seals`, only what
    they name is there to be read, and `finish` reads what nobody has asked for."""

    def __init__(self, root: Path, seals: Mapping[str, Seal] | None = None) -> None:
        self.root = root.resolve()
        self._seals = seals
        self._opened: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether a file of that name can be opened."""
        return (self._seals is None or name in self._seals) and _is_file(self.root / name)

    def names(self, under: str) -> list[str]:
        """The regular files directly in the folder `under`, sorted."""
        folder = self.root / under
        there = folder.iterdir() if folder.is_dir() else ()
        names = sorted(f"{under}/{path.name}" if under else path.name for path in there)
        return [name for name in names if self.has(name)]

    def open(self, name: str, *, md5: bool = False) -> FileReader:
        """A pass over one file. Raises `IntegrityFailed` where it is missing, not named by the manifest, or outside."""
        path = self.root / name
        if self._seals is not None and name not in self._seals:
            raise damaged(name, "the manifest does not name it")
        if not _is_file(path):
            raise damaged(name, "it is missing")
        if self._seals is not None and not path.resolve().is_relative_to(self.root):
            raise damaged(name, "it leads out of the export's folder")
        self._opened.add(name)
        return FileReader(path, name, self._seals[name] if self._seals is not None else None, md5=md5)

    def first_line(self, name: str) -> bytes:
        """The first line of a file. It does not count as read."""
        return FileReader(self.root / name, name).first_line()

    def first_lines(self, name: str, count: int) -> list[bytes]:
        """Up to `count` lines of a file, its first. They do not count as read."""
        return list(islice(FileReader(self.root / name, name).first_pieces(), count))

    def content(self, name: str, *, md5: bool = False) -> tuple[bytes, FileReader]:
        """The bytes of a small file, and the pass that read them."""
        reader = self.open(name, md5=md5)
        return b"".join(reader.chunks()), reader

    def finish(self) -> None:
        """Read, and so check, every file that the manifest names and nobody has opened."""
        for name in self._seals or ():
            if name not in self._opened:
                for _ in self.open(name).chunks():
                    pass


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


def parse(name: str, line: int, text: bytes) -> object:
    """The JSON of `text`, which begins on a line of a file. Raises `IntegrityFailed` naming file and line where it does
    not parse, and ValueError where it is JSON that no store can hold."""
    try:
        return _decode(text)
    except (ValueError, RecursionError) as error:
        raise meant_by(error, name, line, text) from error


def parse_manifest(name: str, text: bytes) -> object:
    """The JSON of a whole small file. Raises `IntegrityFailed` naming file and line where it does not parse."""
    try:
        return parse(name, 1, text)
    except ValueError as problem:
        raise damaged(name, str(problem)) from problem


def meant_by(error: Exception, name: str, line: int, text: bytes) -> Exception:
    """What it means that `text`, which begins on a line of a file, could not be decoded: `IntegrityFailed`, or
    ValueError with the reason for JSON that is only not usable."""
    if isinstance(error, msgspec.ValidationError):
        malformed = _malformed(text)
        if malformed is None:
            return ValueError(_OUT_OF_RANGE_TOLD if _OUT_OF_RANGE in str(error) else str(error))
        error = malformed
    if isinstance(error, RecursionError):
        return ValueError("it is nested too deep")
    if _OUT_OF_RANGE in str(error):
        return ValueError(_OUT_OF_RANGE_TOLD)
    if _has_half_a_pair(text):
        return ValueError("its text holds half of a surrogate pair, which is no character")
    at = _BYTE.search(str(error))
    end = len(text.rstrip())
    line += text.count(b"\n", 0, min(int(at[1]), end) if at else end)
    return damaged(name, f"line {line} is no JSON ({error})")


_decode = msgspec.json.Decoder().decode
#: No number with a fraction or an exponent is out of its range.
_decode_any = msgspec.json.Decoder(float_hook=str).decode


def _malformed(text: bytes) -> Exception | None:
    """Why a text is no JSON, whatever was expected in it."""
    try:
        _decode_any(text)
    except (ValueError, RecursionError) as error:
        return error
    return None


def _has_half_a_pair(text: bytes) -> bool:
    import json  # only what msgspec refused is ever looked at again

    try:
        json.loads(text, parse_constant=int)
    except (ValueError, RecursionError):
        return False
    return True
