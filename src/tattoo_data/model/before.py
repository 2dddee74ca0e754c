"""Before-images: what a key held before a run wrote it, which is what `undo` puts back."""

from __future__ import annotations

import hashlib

import msgspec

from tattoo_data.model.canonical import canonical_json, canonical_value

#: So many bytes of a digest tell two values of one attribute apart.
_SHORT = 16
#: What a name and its digest take in memory, about.
_MADE_SIZE = 150
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder(dict[str, object]).decode

#: Attributes of an item that a run wrote, each with the digest of what it made of it; None where it took it away.
AttributesMade = dict[str, bytes | None]


class BlobRef(msgspec.Struct, frozen=True, array_like=True):
    """Where the body of an object that is gone from the live bucket is kept: by the sha256 of its bytes (hex)."""

    sha256: str
    content_type: str


class BeforeImage(msgspec.Struct, frozen=True, array_like=True):
    """One key of one run.

    `body` is the entry that was there (`Entry.body`), None where there was nothing; `after` is the digest of what
    the run was to write, None where it was to delete. `blob` is set for an object that was there. `instead` says that
    the run's earlier image of the key was never written over: somebody else wrote in between, and this is what the
    run found then. `made` says of a migration's item what the run made of each attribute that it wrote; None where it
    was not kept.
    """

    key: str
    body: bytes | None
    after: bytes | None
    routing: str | None = None
    blob: BlobRef | None = None
    instead: bool = False
    made: AttributesMade | None = None

    @property
    def is_void(self) -> bool:
        """Whether it only says that the run did not write the key after all."""
        return self.instead and self.body is None and self.after is None

    @property
    def size(self) -> int:
        """About how much it takes."""
        return len(self.body or b"") + _MADE_SIZE * len(self.made or ())


def attribute_digests(item: bytes) -> dict[str, bytes]:
    """A short digest of each attribute of an item in DynamoDB JSON, equal if and only if the values are. Raises
    ValueError where it is none."""
    return {name: _digest(value) for name, value in _decode(item).items()}


def attributes_made(before: bytes, after: bytes) -> AttributesMade:
    """What became of the attributes that differ between two forms of an item. Raises ValueError where one is none."""
    was, now = _decode(before), _decode(after)
    # Most are the same to the byte, which is all that has to be known of them.
    other = [name for name in was | now if was.get(name) != now.get(name)]
    digests = {name: [_digest(each[name]) if name in each else None for each in (was, now)] for name in other}
    return {name: made for name, (found, made) in digests.items() if made != found}


def _digest(value: msgspec.Raw) -> bytes:
    return hashlib.sha256(canonical_json(canonical_value(_decode_value(value)))).digest()[:_SHORT]
