"""Runs: `runs/<id>/run.json`, what one writing command did (formats.md 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import msgspec

from tattoo_data.clock import Clock, timestamp
from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Blob

FORMAT = 1
_JSON = "application/json"
_PREFIX = "runs/"


class ObjectListed(Protocol):
    """One object of a listing."""

    @property
    def key(self) -> str:
        """The object's key."""


class Objects(Protocol):
    """What a repository needs of a bucket."""

    def exists(self) -> bool:
        """Whether the bucket is there."""

    def create(self) -> None:
        """Create the bucket. Idempotent."""

    def objects(self, prefix: str = "") -> Iterator[Any]:
        """Every object under `prefix`, in the order of keys."""

    def get(self, key: str) -> Blob | None:
        """An object, or None."""

    def put(self, key: str, blob: Blob) -> None:
        """Create or replace an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one writing command did.

    `target` is the digest that names the stores it wrote to; `status` is `running`, `done` or `partial`, so a
    run that stays `running` was interrupted. `as_of` is the day that dates were resolved for, where a command
    had one. `counts` has created, replaced, deleted, moved, unchanged and failed for each store.
    """

    id: str
    command: str
    arguments: Sequence[str] = ()
    target: str
    status: str
    started_at: str
    ended_at: str | None = None
    as_of: date | None = None
    content: str | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fingerprint_before: str | None = None
    fingerprint_after: str | None = None


def target_id(region: str, table: str, index: str, image_bucket: str) -> str:
    """The name of a target: not its endpoints, which a host and a container spell differently."""
    parts = canonical_json([region, table, index, image_bucket])
    return hashlib.sha256(parts).hexdigest()[:16]


def new_run_id(clock: Clock) -> str:
    """An id that sorts by time: `20261122T103000000Z-1a2b3c`."""
    moment = timestamp(clock.now()).replace("-", "").replace(":", "").replace(".", "")
    return f"{moment}-{clock.token(3)}"


class Runs:
    """The runs in one repository."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def write(self, run: Run) -> None:
        """Store a run, new or changed; the bucket is made when it is missing."""
        if not self._objects.exists():
            self._objects.create()
        self._objects.put(f"{_PREFIX}{run.id}/run.json", Blob(_encode(run), _JSON))

    def newest_first(self, target: str) -> Iterator[Run]:
        """The runs of a target. A run of an unknown format is passed over: a newer tool wrote it."""
        names = [each.key for each in self._objects.objects(_PREFIX) if each.key.endswith("/run.json")]
        for name in reversed(names):
            blob = self._objects.get(name)
            run = _decode(blob.body) if blob else None
            if run is not None and run.target == target:
                yield run


def _encode(run: Run) -> bytes:
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "format": FORMAT,
                "id": run.id,
                "command": run.command,
                "arguments": list(run.arguments),
                "target": run.target,
                "status": run.status,
                "startedAt": run.started_at,
                "endedAt": run.ended_at,
                "asOf": run.as_of.isoformat() if run.as_of else None,
                "content": run.content,
                "counts": {store: dict(counts) for store, counts in run.counts.items()},
                "fingerprintBefore": run.fingerprint_before,
                "fingerprintAfter": run.fingerprint_after,
            }
        ),
        indent=2,
    )


def _decode(body: bytes) -> Run | None:
    try:
        fields = msgspec.json.decode(body)
        if fields["format"] != FORMAT:
            return None
        return Run(
            id=fields["id"],
            command=fields["command"],
            arguments=fields["arguments"],
            target=fields["target"],
            status=fields["status"],
            started_at=fields["startedAt"],
            ended_at=fields["endedAt"],
            as_of=date.fromisoformat(fields["asOf"]) if fields["asOf"] else None,
            content=fields.get("content"),
            counts=fields["counts"],
            fingerprint_before=fields["fingerprintBefore"],
            fingerprint_after=fields["fingerprintAfter"],
        )
    except (KeyError, TypeError, ValueError, msgspec.DecodeError):
        return None
