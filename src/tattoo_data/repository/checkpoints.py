"""Checkpoints: `sync/<stream>.json`, how far a table's stream is in an index (formats.md 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

import msgspec

from tattoo_data.model.entry import Blob

FORMAT = 1
_JSON = "application/json"


class Objects(Protocol):
    """What a checkpoint needs of a bucket."""

    def get(self, key: str) -> Blob | None:
        """An object, or None."""

    def put(self, key: str, blob: Blob) -> None:
        """Create or replace an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a shard was read: `after` is the number of the last record whose document was written, None where none
    was. Of a shard that is `done` nothing is left."""

    after: str | None = None
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All shards of a stream. `run` marks the newest run that the index had followed, and `at` is the time (ISO 8601,
    UTC) when this was written."""

    stream: str
    target: str
    run: str | None
    shards: Mapping[str, Place]
    at: str


class Checkpoints:
    """The checkpoints in one repository: one for each stream and target."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def read(self, stream: str, target: str) -> Checkpoint | None:
        """None where there is none, or none that can be read: whoever follows compares everything then."""
        blob = self._objects.get(_key(stream, target))
        found = _decode(blob.body) if blob else None
        return found if found and (found.stream, found.target) == (stream, target) else None

    def write(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint in place of the one before."""
        self._objects.put(_key(checkpoint.stream, checkpoint.target), Blob(_encode(checkpoint), _JSON))


def _key(stream: str, target: str) -> str:
    """Of `arn:...:table/NAME/stream/LABEL`; the table's name is in the target."""
    label = re.sub(r"[^A-Za-z0-9_.-]", "-", stream.rpartition("/")[2])
    return f"sync/{target}-{label}.json"


def _encode(checkpoint: Checkpoint) -> bytes:
    return msgspec.json.format(msgspec.json.encode({"format": FORMAT, **asdict(checkpoint)}), indent=2)


# Made here and not where it is used: two threads that make msgspec know a class at the same time crash it.
_decode_checkpoint = msgspec.json.Decoder(Checkpoint).decode


def _decode(body: bytes) -> Checkpoint | None:
    try:
        fields = msgspec.json.decode(body)
        return _decode_checkpoint(msgspec.json.encode(fields)) if fields["format"] == FORMAT else None
    except (KeyError, TypeError, ValueError):
        return None
