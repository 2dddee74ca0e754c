"""Shelf: the lines of one store on their way into packs, spooled by the prefix of their keys' hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import Sum
from tattoo_data.repository.packs import Compressor, Pack, hash_of, split, split_place


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a pack, and the digest of its entry."""

    key: str
    digest: bytes
    line: bytes
    routed: bool = False

    @property
    def size(self) -> int:
        """The bytes of its line."""
        return len(self.line)


class Ready(msgspec.Struct, frozen=True):
    """A pack that is ready to be stored, and its compressed bytes."""

    pack: Pack
    body: bytes


class Shelf:
    """The lines of one store. Adding is safe from several threads; packs are made once all are there."""

    def __init__(self, store: StoreName) -> None:
        self._lines = Spool(Line, store, place=_place)

    def add(self, lines: Iterable[Line]) -> None:
        """Take lines in. Raises `ScratchFailed` where the temporary file cannot be written."""
        self._lines.add(lines)

    def packs(self) -> Iterator[tuple[str, list[Line]]]:
        """The lines of each pack with its prefix, the same for the same lines in any order."""
        sizes = [0] * PLACES
        for place, lines in enumerate(self._lines.parts()):
            sizes[place] = sum(map(_room, lines))
        for bits, places in split(sizes):
            lines = [line for place in places for line in self._lines.part(place)]
            hashed = [(hash_of(line.key), line, _room(line)) for line in lines]
            yield from split_place(bits, hashed)


def make_pack(prefix: str, lines: Sequence[Line], compressor: Compressor) -> Ready:
    """The pack of some lines, which are sorted by their keys."""
    total = Sum()
    for line in lines:
        total.add(line.digest)
    ordered = sorted(lines, key=lambda line: line.key)
    body = b"".join([part for line in ordered for part in (line.line, b"\n")])
    packed = compressor.compress(body)
    pack = Pack(
        prefix=prefix,
        name=hashlib.sha256(body).hexdigest(),
        bytes=len(body),
        stored=len(packed),
        count=len(lines),
        fingerprint=total.hex(),
        routed=sum(line.routed for line in lines),
    )
    return Ready(pack, packed)


def _place(key: str) -> int:
    return hash_of(key)[0]


def _room(line: Line) -> int:
    return len(line.line) + 1
