"""Before-images: `runs/<id>/<n>.jsonl.zst`, what the keys of a run held before it wrote them (formats.md 5).

A line of a file:

    {"store":"table","key":"...","before":<item>,"after":"<digest, hex>"}
    {"store":"index","key":"...","before":<_source>,"routing":"...","after":null}
    {"store":"table","key":"...","before":<item>,"after":"...","made":{"bio":"<short digest, hex>","avatar":null}}
    {"store":"images","key":"...","before":{"md5":"...","size":1},"object":{"sha256":"...","contentType":"..."},...}

`before` is left out where there was nothing, `after` is null where the run deletes. The bodies of objects are kept
beside (bodies.py). A line with `"instead":true` replaces the run's earlier one of its key. `made` is what a migration
made of the attributes that it wrote, null where it took one away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tattoo_data.errors import IntegrityFailed
from tattoo_data.model.before import BeforeImage, BlobRef
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.repository.bodies import PREFIX as BODIES
from tattoo_data.repository.runs import PREFIX, Objects

_TYPE = "application/zstd"
_SUFFIX = ".jsonl.zst"
#: A file holds one chunk: some megabytes. What says it is larger than this is not one of ours.
_MAX_BYTES = 1 << 30
_ABSENT = msgspec.Raw()


class _Object(msgspec.Struct, rename="camel"):
    sha256: str
    content_type: str


class _Line(msgspec.Struct, omit_defaults=True):
    store: StoreName
    key: str
    after: str | None
    before: msgspec.Raw = _ABSENT
    routing: str | None = None
    object: _Object | None = None
    instead: bool = False
    made: dict[str, str | None] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


class BeforeImages:
    """The before-images in one repository."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def write(self, run_id: str, number: int, store: StoreName, images: Sequence[BeforeImage]) -> None:
        """Store one file of a run, the `number`th from 1."""
        import zstandard

        body = b"".join(_encode(_line(store, image)) + b"\n" for image in images)
        packed = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(body)
        self._objects.put(_file(run_id, number), Blob(packed, _TYPE))

    def files(self, run_id: str) -> list[str]:
        """The keys of a run's files, in the order in which they were written."""
        keys = (each.key for each in self._objects.objects(f"{PREFIX}{run_id}/"))
        return [key for key in keys if key.endswith(_SUFFIX)]

    def read(self, run_id: str, files: int | None = None) -> Iterator[tuple[StoreName, list[BeforeImage]]]:
        """The images of a run, file by file, of which there are `files` where that is known. Raises `IntegrityFailed`
        naming a file that is damaged or missing."""
        there = self.files(run_id)
        wanted = [_file(run_id, number) for number in range(1, (len(there) if files is None else files) + 1)]
        for key in wanted:
            if key not in there:
                raise _damaged(key, "it is gone")
        for key in there:
            blob = self._objects.get(key)
            if blob is None:
                raise _damaged(key, "it is gone")
            yield from _read(key, blob.body)

    def objects_of(self, run_ids: Iterable[str]) -> set[str]:
        """The keys of the objects that runs would put back."""
        images = (image for run_id in run_ids for _, images in self.read(run_id) for image in images)
        return {BODIES + image.blob.sha256 for image in images if image.blob}


def _file(run_id: str, number: int) -> str:
    return f"{PREFIX}{run_id}/{number:06}{_SUFFIX}"


def _line(store: StoreName, image: BeforeImage) -> _Line:
    return _Line(
        store=store,
        key=image.key,
        before=_ABSENT if image.body is None else msgspec.Raw(_one_line(image.body)),
        after=_hex(image.after),
        routing=image.routing,
        object=_Object(image.blob.sha256, image.blob.content_type) if image.blob else None,
        instead=image.instead,
        made=None if image.made is None else {name: _hex(made) for name, made in image.made.items()},
    )


def _one_line(body: bytes) -> bytes:
    """JSON as a line needs it; its numbers stay as they are spelled."""
    return msgspec.json.format(body, indent=-1) if b"\n" in body else body


def _read(key: str, packed: bytes) -> Iterator[tuple[StoreName, list[BeforeImage]]]:
    import zstandard

    try:
        if not 0 <= zstandard.frame_content_size(packed) <= _MAX_BYTES:
            raise ValueError("it does not say its size, or one that no file of ours has")
        frame = zstandard.ZstdDecompressor().decompressobj()
        body = frame.decompress(packed)
        if not frame.eof or frame.unused_data:
            raise ValueError("it is cut, or something follows it")
        lines = [_decode(line) for line in body.split(b"\n") if line]
        images = [(line.store, _image(line)) for line in lines]
    except (zstandard.ZstdError, msgspec.DecodeError, ValueError) as error:
        raise _damaged(key, str(error)) from error
    for store in StoreName:
        if of_store := [image for name, image in images if name is store]:
            yield store, of_store


def _image(line: _Line) -> BeforeImage:
    return BeforeImage(
        line.key,
        bytes(line.before) or None,
        _unhexed(line.after),
        line.routing,
        BlobRef(line.object.sha256, line.object.content_type) if line.object else None,
        line.instead,
        None if line.made is None else {name: _unhexed(made) for name, made in line.made.items()},
    )


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _unhexed(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _damaged(key: str, reason: str) -> IntegrityFailed:
    return IntegrityFailed(
        what=f"{key} in the backup bucket cannot be used: {reason}",
        hint="This run cannot be taken back. Nothing was changed; `tattoo-data undo RUN` takes back another.",
    )
