"""Packs: `packs/<sha256>.jsonl.zst`, the entries of one key prefix, named after their uncompressed bytes (formats 5).

A pack holds one prefix, in bits, of sha256(key): the shortest whose lines are at most 1 MiB together. So the same
entries make the same packs whatever else changed, and only a prefix that overflows splits. A line is canonical JSON:

    table   the item in DynamoDB JSON
    index   {"_id":"...","_routing":"...","_source":{...}}            `_routing` where the document has one
    images  {"contentType":"...","key":"...","md5":"...","sha256":"...","size":1}
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BlobRef
from tattoo_data.model.canonical import canonical_json, canonical_object
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key_of
from tattoo_data.repository.runs import Objects

PREFIX = "packs/"
SUFFIX = ".jsonl.zst"
TYPE = "application/zstd"
#: A prefix is split when its lines are more than this.
MAX_BYTES = 1 << 20
_LEVEL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One pack as a manifest lists it: `prefix` in bits, such as `0110`; `name` is the sha256 (hex) of its `bytes`
    bytes, `stored` is what it takes compressed, and `fingerprint` the sum of its entries' digests (formats.md 6), which
    know nothing of routing: `routed` is how many of its documents have one."""

    prefix: str
    name: str
    bytes: int
    stored: int
    count: int
    fingerprint: str
    routed: int = 0

    @property
    def key(self) -> str:
        """Where it lies in the bucket."""
        return f"{PREFIX}{self.name}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Packed:
    """One entry of a pack. An image's `blob` says where its body is kept."""

    entry: Entry
    blob: BlobRef | None = None


class _Document(msgspec.Struct, omit_defaults=True):
    _id: str
    _routing: str | None = None
    _source: msgspec.Raw = msgspec.Raw()


class _Image(msgspec.Struct, rename="camel"):
    content_type: str
    key: str
    md5: str
    sha256: str
    size: int


_encode = msgspec.json.Encoder().encode
_decode_document = msgspec.json.Decoder(_Document).decode
_decode_image = msgspec.json.Decoder(_Image).decode


def hash_of(key: str) -> bytes:
    """What a key's prefix is taken of."""
    return hashlib.sha256(key.encode()).digest()


def line_of(store: StoreName, entry: Entry, blob: BlobRef | None = None) -> bytes:
    """The line of an entry whose body is in canonical bytes."""
    match store:
        case StoreName.TABLE:
            return entry.body
        case StoreName.INDEX:
            return _encode(_Document(entry.key, entry.routing, msgspec.Raw(entry.body)))
        case StoreName.IMAGES:
            assert blob is not None, "the body of an image is kept before its line is made"
            about = msgspec.json.decode(entry.body)
            image = {"contentType": blob.content_type, "key": entry.key, "sha256": blob.sha256, **about}
            return canonical_json(image)


def entry_of(store: StoreName, line: bytes) -> Packed:
    """The entry of a line. Raises ValueError where it is none."""
    match store:
        case StoreName.TABLE:
            return Packed(Entry(item_key_of(line), line))
        case StoreName.INDEX:
            document = _decode_document(line)
            if not document._source:
                raise ValueError("it has no `_source`")
            return Packed(Entry(document._id, bytes(document._source), document._routing))
        case StoreName.IMAGES:
            image = _decode_image(line)
            body = canonical_object(image.md5, image.size)
            return Packed(Entry(image.key, body), BlobRef(image.sha256, image.content_type))


class Compressor:
    """zstd with one context a thread: a context is not safe for two."""

    def __init__(self) -> None:
        self._local = threading.local()

    def compress(self, body: bytes) -> bytes:
        """The bytes of a pack's object."""
        import zstandard

        if not hasattr(self._local, "zstd"):
            self._local.zstd = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        packed: bytes = self._local.zstd.compress(body)
        return packed


def read_pack(objects: Objects, pack: Pack) -> bytes:
    """The lines of a pack, checked against its name. Raises `IntegrityFailed` where it is gone or damaged."""
    import zstandard

    blob = objects.get(pack.key)
    if blob is None:
        raise _damaged(pack.key, "it is gone")
    try:
        if zstandard.frame_content_size(blob.body) != pack.bytes:
            raise ValueError("its size is another one than the manifest says")
        frame = zstandard.ZstdDecompressor().decompressobj()
        body: bytes = frame.decompress(blob.body)
        if not frame.eof or frame.unused_data:
            raise ValueError("it is cut, or something follows it")
    except (zstandard.ZstdError, ValueError) as error:
        raise _damaged(pack.key, str(error)) from error
    if hashlib.sha256(body).hexdigest() != pack.name:
        raise _damaged(pack.key, "its bytes have another hash")
    return body


def entries_of(store: StoreName, pack: Pack, body: bytes) -> Iterator[Packed]:
    """The entries of a pack's lines. Raises `IntegrityFailed` where a line is none: its writer is to blame then."""
    lines = body.split(b"\n")
    if lines.pop() or len(lines) != pack.count:
        raise _damaged(pack.key, f"it does not hold the {pack.count} lines that the manifest says")
    try:
        for line in lines:
            yield entry_of(store, line)
    except (ValueError, msgspec.DecodeError) as error:
        raise _damaged(pack.key, f"a line of it is no entry: {error}") from error


def _damaged(key: str, reason: str) -> IntegrityFailed:
    return IntegrityFailed(
        what=f"{key} in the backup bucket cannot be used: {reason}",
        hint="Nothing was changed. `tattoo-data backups verify` names all that is damaged.",
    )


L = TypeVar("L")


def split(sizes: Sequence[int], limit: int = MAX_BYTES) -> Iterator[tuple[str, range]]:
    """The prefixes of packs, each with the places whose entries it holds: `sizes` has the bytes of each of 256 places,
    by the first byte of `hash_of` a key. A place that is over the limit alone comes with its prefix of 8 bits, to be
    split by `split_place`."""

    def within(bits: str, start: int, end: int) -> Iterator[tuple[str, range]]:
        total = sum(sizes[start:end])
        if not total:
            return
        if total <= limit or end - start == 1:
            yield bits, range(start, end)
            return
        middle = (start + end) // 2
        yield from within(bits + "0", start, middle)
        yield from within(bits + "1", middle, end)

    return within("", 0, len(sizes))


def split_place(
    bits: str, lines: Sequence[tuple[bytes, L, int]], limit: int = MAX_BYTES
) -> Iterator[tuple[str, list[L]]]:
    """The packs of the entries of one prefix, each given by its hash, itself, and its size in bytes."""
    if not lines:
        return
    if sum(size for _, _, size in lines) <= limit or len(lines) == 1 or len(bits) == 256:
        yield bits, [line for _, line, _ in lines]
        return
    byte, mask = len(bits) // 8, 0x80 >> (len(bits) % 8)
    zeros = [each for each in lines if not each[0][byte] & mask]
    ones = [each for each in lines if each[0][byte] & mask]
    yield from split_place(bits + "0", zeros, limit)
    yield from split_place(bits + "1", ones, limit)
