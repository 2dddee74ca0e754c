"""Manifests: `snapshots/<name>/<UTC time>-<16 hex>.json`, what a snapshot holds, and the point at which it is one.

The hex digits begin the sha256 of the manifest's own bytes, so that a damaged one is told from a whole one (formats.md
5).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from tattoo_data.clock import timestamp
from tattoo_data.errors import BadSetting, IntegrityFailed, StoreError
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.repository.packs import Pack
from tattoo_data.repository.runs import Objects as Plain

FORMAT = 1
PREFIX = "snapshots/"
_JSON = "application/json"
_SUFFIX = ".json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ID = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z)-([0-9a-f]{16})")
#: What an unnamed backup is called: `backup-2024-01-15T10-30-00-000Z`, or without the dashes between its digits.
_GENERATED = re.compile(r"backup-(\d{4})-?(\d\d)-?(\d\d)T(\d\d)-?(\d\d)-?(\d\d)-?(\d{3})(?:000)?Z")


class Objects(Plain, Protocol):
    """What manifests need of a bucket."""

    def put_if(self, key: str, blob: Blob, *, match: str | None) -> str | None:
        """Create an object where `match` is None. Returns its ETag, or None where something is there."""


class Kind(StrEnum):
    """What a snapshot was taken for."""

    BACKUP = "backup"
    SNAPSHOT = "snapshot"
    SYNC = "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreManifest:
    """What of one store a snapshot holds: how many entries, how many of each kind, their fingerprint and packs.
    `structure` is the store's own account of how it is made (`Description.structure`)."""

    count: int
    fingerprint: str
    packs: Sequence[Pack]
    records: Mapping[str, int] = field(default_factory=dict)
    structure: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """The bytes of its lines."""
        return sum(pack.bytes for pack in self.packs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A snapshot. `source` names the stores without credentials, `target` the digest of their names; `drift` is the
    number of entries of each store that changed while it was taken, in `seconds`. `objects` is how many bytes the
    bodies of images have."""

    name: str
    kind: str
    created_at: datetime
    seconds: float
    by: str
    tool: str
    target: str
    source: Mapping[str, Any]
    as_of: date | None
    fingerprint: str
    drift: Mapping[str, int]
    stores: Mapping[StoreName, StoreManifest]
    objects: int = 0

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def drifted(self) -> int:
        """How many entries changed while it was taken."""
        return sum(self.drift.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A manifest's place: `NAME@ID` names this very version."""

    name: str
    id: str
    modified: datetime

    @property
    def reference(self) -> str:
        """How a command names it."""
        return f"{self.name}@{self.id}"

    @property
    def key(self) -> str:
        """Where it lies in the bucket."""
        return f"{PREFIX}{self.name}/{self.id}{_SUFFIX}"

    @property
    def created_at(self) -> datetime:
        """When it was taken, by its id."""
        return _when(self.id)


class Manifests:
    """The manifests in one repository."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def listed(self) -> list[Stored]:
        """Every manifest of every target, the newest first; the bodies are not read."""
        found = (_stored(each.key, each.modified) for each in self._objects.objects(PREFIX))
        return sorted((each for each in found if each), key=lambda each: each.id, reverse=True)

    def read(self, stored: Stored) -> Manifest:
        """A manifest. Raises `IntegrityFailed` where it is gone, damaged, or of a format that is not known."""
        blob = self._objects.get(stored.key)
        if blob is None:
            raise _damaged(stored.key, "it is gone")
        if _hex(blob.body) != stored.id[25:]:
            raise _damaged(stored.key, "its bytes have another hash than its name says")
        return _decode(stored, blob.body)

    def write(self, manifest: Manifest) -> Stored:
        """Store a manifest, which makes the snapshot one. Raises `StoreError` where one of its name is there."""
        body = _encode(manifest)
        made = _moment(manifest.created_at)
        stored = Stored(name=manifest.name, id=f"{made}-{_hex(body)}", modified=manifest.created_at)
        if self._objects.put_if(stored.key, Blob(body, _JSON), match=None) is None:
            there = self._objects.get(stored.key)
            if there is None or there.body != body:
                reason = "something else is there already"
                raise StoreError(service="s3", endpoint=stored.key, operation="put_object", reason=reason)
        return stored

    def delete(self, stored: Iterable[Stored]) -> None:
        """Remove manifests; their packs stay until they are pruned. Raises `StoreError` naming one that is still there:
        its packs are needed then."""
        for outcome in self._objects.delete([each.key for each in stored]):
            if outcome.error:
                why = outcome.message or outcome.error
                raise StoreError(service="s3", endpoint=outcome.key, operation="delete_objects", reason=why)


def check_name(name: str) -> str:
    """The name of a snapshot. Raises `BadSetting` where it is none."""
    if not _NAME.fullmatch(name):
        raise BadSetting(
            name="the name",
            value=name,
            source="the command line",
            reason="a name begins with a letter or digit and has only letters, digits, `.`, `_` and `-`, 128 at most",
        )
    return name


def generated_name(moment: datetime) -> str:
    """What an unnamed backup is called: `backup-2024-01-15T10-30-00-000Z`."""
    return f"backup-{_moment(moment)}"


def spelled(name: str) -> str:
    """A name as it is stored: `backup-20240115T103000000Z` is `backup-2024-01-15T10-30-00-000Z`."""
    found = _GENERATED.fullmatch(name)
    if found is None:
        return name
    year, month, day, hour, minute, second, milli = found.groups()
    return f"backup-{year}-{month}-{day}T{hour}-{minute}-{second}-{milli}Z"


def is_generated(name: str) -> bool:
    """Whether a name was made of the time, by us or by the Node tool."""
    return _GENERATED.fullmatch(name) is not None


def _moment(moment: datetime) -> str:
    return timestamp(moment).replace(":", "-").replace(".", "-")


def _when(identity: str) -> datetime:
    return datetime.strptime(identity[:24], "%Y-%m-%dT%H-%M-%S-%fZ").replace(tzinfo=UTC)


def _hex(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _stored(key: str, modified: datetime) -> Stored | None:
    """What a key names; None for what is no manifest of ours."""
    name, _, file = key.removeprefix(PREFIX).partition("/")
    identity = file.removesuffix(_SUFFIX)
    if not (_NAME.fullmatch(name) and file.endswith(_SUFFIX) and _ID.fullmatch(identity)):
        return None
    try:
        _when(identity)
    except ValueError:  # no such day
        return None
    return Stored(name=name, id=identity, modified=modified)


def _encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "format": FORMAT,
                "kind": manifest.kind,
                "name": manifest.name,
                "createdAt": timestamp(manifest.created_at),
                "takenSeconds": manifest.seconds,
                "by": manifest.by,
                "tool": manifest.tool,
                "target": manifest.target,
                "source": dict(manifest.source),
                "asOf": manifest.as_of.isoformat() if manifest.as_of else None,
                "fingerprint": manifest.fingerprint,
                "drift": dict(manifest.drift),
                "objectBytes": manifest.objects,
                "stores": {name.value: _encode_store(each) for name, each in manifest.stores.items()},
            }
        ),
        indent=1,
    )


def _encode_store(store: StoreManifest) -> dict[str, Any]:
    return {
        "count": store.count,
        "fingerprint": store.fingerprint,
        "records": dict(store.records),
        "structure": dict(store.structure),
        "packs": [
            {
                "prefix": pack.prefix,
                "name": pack.name,
                "bytes": pack.bytes,
                "storedBytes": pack.stored,
                "count": pack.count,
                "fingerprint": pack.fingerprint,
                **({"routed": pack.routed} if pack.routed else {}),
            }
            for pack in store.packs
        ],
    }


def _decode(stored: Stored, body: bytes) -> Manifest:
    try:
        fields = msgspec.json.decode(body)
        if fields["format"] != FORMAT:
            raise _damaged(
                stored.key,
                f"it has format {fields['format']}, and this tool reads format {FORMAT}",
                hint="A newer tattoo-data wrote it: use that one.",
            )
        return Manifest(
            name=stored.name,
            kind=fields["kind"],
            created_at=datetime.fromisoformat(fields["createdAt"]),
            seconds=fields["takenSeconds"],
            by=fields["by"],
            tool=fields["tool"],
            target=fields["target"],
            source=fields["source"],
            as_of=date.fromisoformat(fields["asOf"]) if fields["asOf"] else None,
            fingerprint=fields["fingerprint"],
            drift=fields["drift"],
            objects=fields["objectBytes"],
            stores={StoreName(name): _decode_store(each) for name, each in fields["stores"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, msgspec.DecodeError) as error:
        raise _damaged(stored.key, f"it cannot be read: {error}") from error


def _decode_store(fields: Mapping[str, Any]) -> StoreManifest:
    return StoreManifest(
        count=fields["count"],
        fingerprint=fields["fingerprint"],
        records=fields["records"],
        structure=fields["structure"],
        packs=[
            Pack(
                prefix=pack["prefix"],
                name=pack["name"],
                bytes=pack["bytes"],
                stored=pack["storedBytes"],
                count=pack["count"],
                fingerprint=pack["fingerprint"],
                routed=pack.get("routed", 0),
            )
            for pack in fields["packs"]
        ],
    )


def _damaged(key: str, reason: str, hint: str = "") -> IntegrityFailed:
    hint = hint or "Nothing was changed. `tattoo-data backups list` shows which others there are."
    return IntegrityFailed(what=f"{key} in the backup bucket cannot be used: {reason}", hint=hint)
