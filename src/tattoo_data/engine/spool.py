"""Spools: records by key prefix, in memory while they are few, else in a temporary file that goes with its spool.

A scan or a desired state of a million entries is compared one place after the other, so that only one place of each
is held in memory at a time.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO, Generic, Protocol, TypeVar, cast

import msgspec

from tattoo_data.errors import ScratchFailed
from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import record_key
from tattoo_data.model.records import Kind

#: How many places there are. A million entries are 4,000 a place.
PLACES = 256
#: Above this many bytes in memory a spool goes to its file.
LIMIT = 32 << 20
#: What Python needs for one record beside its bytes: a struct, a key and a digest.
_OVERHEAD = 250
_SORT_KEY = '"},"SK":'
_ARTIST = record_key(Kind.ARTIST, "").partition(_SORT_KEY)[0].encode()


class Record(Protocol):
    """What is spooled: an array-like msgspec.Struct with a key."""

    @property
    def key(self) -> str:
        """What its place is chosen by."""

    @property
    def size(self) -> int:
        """How many bytes its body has."""


R = TypeVar("R", bound=Record)
S = TypeVar("S")


def place_of(store: StoreName, key: str) -> int:
    """The place of a key, 0 to 255. All items of one partition share a place, so that a record that moves from one
    sort key to another is met with its new key; so does an artist's document with its item."""
    match store:
        case StoreName.TABLE:
            prefix = key.partition(_SORT_KEY)[0].encode()
        case StoreName.INDEX:
            prefix = _ARTIST + msgspec.json.encode(key)[1:-1]
        case StoreName.IMAGES:
            prefix = key.encode()
    return zlib.crc32(prefix) & (PLACES - 1)


_decoders: dict[type, Callable[[bytes], list[Any]]] = {}
_making = threading.Lock()


def decoder_of(kind: type[S]) -> Callable[[bytes], list[S]]:
    """What reads a list of such records. Made for one thread at a time: two that make msgspec know a class at once
    crash it (seen with 0.22)."""
    with _making:
        if kind not in _decoders:
            _decoders[kind] = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
        return _decoders[kind]


class Spool(Generic[R]):
    """Records of one kind and store. Adding is safe from several threads; reading begins when all are added. `place`
    chooses the place of a key, 0 to 255, where it is to be another than `place_of` it."""

    def __init__(
        self, kind: type[R], store: StoreName, limit: int = LIMIT, place: Callable[[str], int] | None = None
    ) -> None:
        self.count = 0
        self._place = place or partial(place_of, store)
        self._limit = limit
        self._held = 0
        self._places: list[list[R]] = [[] for _ in range(PLACES)]
        self._written: list[list[tuple[int, int]]] = [[] for _ in range(PLACES)]
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()
        self._decode = decoder_of(kind)

    def add(self, records: Iterable[R]) -> None:
        """Take records in. Raises `ScratchFailed` where the temporary file cannot be written."""
        with self._lock:
            for record in records:
                self._places[self._place(record.key)].append(record)
                self._held += record.size + _OVERHEAD
                self.count += 1
            if self._held > self._limit:
                self._write()

    def part(self, place: int) -> list[R]:
        """The records of one place, in the order in which they were added."""
        written = self._written[place]
        if not written:
            return self._places[place]
        with self._lock:
            pieces = [self._read(offset, length) for offset, length in written]
        return [record for piece in pieces for record in self._decode(piece)] + self._places[place]

    def parts(self) -> Iterator[list[R]]:
        """The records, one place after the other."""
        return map(self.part, range(PLACES))

    def _write(self) -> None:
        try:
            file = self._file or self._open()
            for place, records in enumerate(self._places):
                if records:
                    packed = msgspec.msgpack.encode(records)
                    self._written[place].append((file.seek(0, 2), len(packed)))
                    file.write(packed)
        except OSError as error:
            raise ScratchFailed(folder=tempfile.gettempdir(), reason=error.strerror or str(error)) from error
        self._places = [[] for _ in range(PLACES)]
        self._held = 0

    def _open(self) -> BinaryIO:
        file = cast(BinaryIO, tempfile.TemporaryFile(prefix="tattoo-data-"))  # noqa: SIM115  it lives as long as this
        weakref.finalize(self, file.close)
        self._file = file
        return file

    def _read(self, offset: int, length: int) -> bytes:
        assert self._file is not None
        self._file.seek(offset)
        return self._file.read(length)
