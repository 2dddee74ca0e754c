"""Runs: `runs/<id>/run.json`, what one writing command did (formats.md 5)."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from tattoo_data.clock import Clock, timestamp
from tattoo_data.model.canonical import canonical_json
from tattoo_data.model.entry import Blob

FORMAT = 1
_JSON = "application/json"
PREFIX = "runs/"
_FILE = "/run.json"


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

    def head(self, key: str) -> Any | None:
        """Something of an object that is there, or None."""

    def put(self, key: str, blob: Blob) -> None:
        """Create or replace an object."""

    def delete(self, keys: Sequence[str]) -> Sequence[Any]:
        """Delete objects; what is not there is deleted already."""


class RunKind(StrEnum):
    """A run that writes a desired state, or one that takes back a run, or an undo."""

    WRITE = "write"
    UNDO = "undo"
    REDO = "redo"


class RunStatus(StrEnum):
    """A run that stays `running` was interrupted; `partial` left something undone that it names."""

    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one writing command did.

    `target` is the digest that names the stores it wrote to. `as_of` is the day that dates were resolved for, where
    a command had one. `of` is the run that an undo took back, or the undo that a redo did. `undoable` says that
    before-images were kept, in as many `files` once it has ended. `lock` is the token of the lock it was written
    under, `by` who did it. `counts` has created, replaced, deleted, moved, unchanged and failed for each store.
    `restored` is when the snapshot was taken to which table or index were put back.
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
    kind: str = RunKind.WRITE
    of: str | None = None
    undoable: bool = False
    files: int | None = None
    lock: str | None = None
    by: str | None = None
    restored: datetime | None = None

    @property
    def words(self) -> str:
        """The command as it can be typed: `reset fresh`."""
        return shlex.join((self.command, *self.arguments))

    @property
    def began(self) -> datetime:
        """When it began."""
        return datetime.fromisoformat(self.started_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The runs of a target, and the ids of the damaged ones that are the target's as far as is known; of both, the
    newest first."""

    runs: tuple[Run, ...] = ()
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Damaged:
    """A `run.json` that is none; `target` is None where it does not say whose it is."""

    id: str
    target: str | None = None


def target_id(region: str, table: str, index: str, image_bucket: str) -> str:
    """The name of a target: not its endpoints, which a host and a container spell differently."""
    parts = canonical_json([region, table, index, image_bucket])
    return hashlib.sha256(parts).hexdigest()[:16]


def new_run_id(clock: Clock, newest: str | None = None) -> str:
    """An id that sorts by time, `20261122T103000000Z-1a2b3c`, and after `newest` whatever this machine's clock says."""
    moment = clock.now()
    before = run_moment(newest) if newest else None
    if before is not None and moment < before + timedelta(milliseconds=1):
        moment = before + timedelta(milliseconds=1)
    digits = timestamp(moment).replace("-", "").replace(":", "").replace(".", "")
    return f"{digits}-{clock.token(3)}"


def run_key(run_id: str) -> str:
    """Where a run lies in the bucket."""
    return f"{PREFIX}{run_id}{_FILE}"


def run_moment(run_id: str) -> datetime | None:
    """When a run began, by its id; None for an id that is not of this form."""
    try:
        return datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


class Runs:
    """The runs in one repository."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def write(self, run: Run) -> None:
        """Store a run, new or changed; the bucket is made when it is missing."""
        if not self._objects.exists():
            self._objects.create()
        self._objects.put(run_key(run.id), Blob(_encode(run), _JSON))

    def newest_first(self, target: str, pool: Executor) -> Found:
        """The runs of a target. A run of a newer format is passed over: a newer tool wrote it."""
        read = [each for each in pool.map(self._look, reversed(self.ids())) if each is not None]
        return Found(
            runs=tuple(each for each in read if isinstance(each, Run) and each.target == target),
            damaged=tuple(each.id for each in read if isinstance(each, _Damaged) and each.target in (None, target)),
        )

    def read(self, run_id: str) -> Run | None:
        """A run by its id; None where there is none, or none that can be read."""
        found = self._look(run_id)
        return found if isinstance(found, Run) else None

    def _look(self, run_id: str) -> Run | _Damaged | None:
        """None for what is not there, is of a newer format, or has no id that a run has."""
        blob = self._objects.get(run_key(run_id))
        if blob is None:
            return None
        try:
            return _decode(blob.body)
        except (KeyError, TypeError, ValueError, AttributeError, msgspec.DecodeError):
            return _Damaged(id=run_id, target=_target_in(blob.body)) if run_moment(run_id) else None

    def ids(self) -> list[str]:
        """The ids of all runs of all targets, the oldest first."""
        names = (each.key for each in self._objects.objects(PREFIX))
        return sorted(name.removeprefix(PREFIX).removesuffix(_FILE) for name in names if name.endswith(_FILE))


def _encode(run: Run) -> bytes:
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "format": FORMAT,
                "id": run.id,
                "kind": run.kind,
                "of": run.of,
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
                "undoable": run.undoable,
                "files": run.files,
                "lock": run.lock,
                "by": run.by,
                "restored": timestamp(run.restored) if run.restored else None,
            }
        ),
        indent=2,
    )


def _decode(body: bytes) -> Run | None:
    """None for a run of a newer format. Raises various errors for what is no run."""
    fields = msgspec.json.decode(body)
    if fields["format"] != FORMAT:
        return None
    return Run(
        id=fields["id"],
        kind=fields.get("kind", RunKind.WRITE),
        of=fields.get("of"),
        command=fields["command"],
        arguments=tuple(fields["arguments"]),
        target=fields["target"],
        status=fields["status"],
        started_at=timestamp(datetime.fromisoformat(fields["startedAt"])),
        ended_at=fields["endedAt"],
        as_of=date.fromisoformat(fields["asOf"]) if fields["asOf"] else None,
        content=fields.get("content"),
        counts=fields["counts"],
        fingerprint_before=fields["fingerprintBefore"],
        fingerprint_after=fields["fingerprintAfter"],
        undoable=fields.get("undoable", False),
        files=fields.get("files"),
        lock=fields.get("lock"),
        by=fields.get("by"),
        restored=datetime.fromisoformat(restored) if (restored := fields.get("restored")) else None,
    )


def _target_in(body: bytes) -> str | None:
    """The target that a damaged run names, if it still does."""
    try:
        found = msgspec.json.decode(body)
    except (ValueError, msgspec.DecodeError):
        return None
    target = found.get("target") if isinstance(found, dict) else None
    return target if isinstance(target, str) else None
