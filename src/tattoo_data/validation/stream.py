"""Streams: values kept in the order they came, in memory while they are few, else in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import BinaryIO, Generic, TypeVar, cast

import msgspec

from tattoo_data.engine.spool import decoder_of
from tattoo_data.errors import ScratchFailed

T = TypeVar("T")
#: So many values are a block of the file, and so many stay in memory.
BLOCK = 2_000


class Stream(Generic[T]):
    """Values of one msgspec.Struct. Reading begins when all are added, and may be done again."""

    def __init__(self, kind: type[T]) -> None:
        self.count = 0
        self._block: list[T] = []
        self._blocks: list[tuple[int, int]] = []
        self._file: BinaryIO | None = None
        self._decode: Callable[[bytes], list[T]] = decoder_of(kind)

    def add(self, value: T) -> None:
        """Take one in. Raises `ScratchFailed` where the temporary file cannot be written."""
        self._block.append(value)
        self.count += 1
        if len(self._block) >= BLOCK:
            self._write()

    def __iter__(self) -> Iterator[T]:
        for offset, length in self._blocks:
            assert self._file is not None
            self._file.seek(offset)
            yield from self._decode(self._file.read(length))
        yield from self._block

    def _write(self) -> None:
        packed = msgspec.msgpack.encode(self._block)
        try:
            file = self._file or self._open()
            self._blocks.append((file.seek(0, 2), len(packed)))
            file.write(packed)
        except OSError as error:
            raise ScratchFailed(folder=tempfile.gettempdir(), reason=error.strerror or str(error)) from error
        self._block = []

    def _open(self) -> BinaryIO:
        file = cast(BinaryIO, tempfile.TemporaryFile(prefix="tattoo-data-"))  # noqa: SIM115  it lives as long as this
        weakref.finalize(self, file.close)
        self._file = file
        return file
