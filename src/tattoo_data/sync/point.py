"""Point: a sync point, a snapshot of what both stores held, and the file that names it.

The file (`sync-points/sync-point-<name>-<time>.json`) is for people and scripts: it says which snapshot, how many
entries and which fingerprints, with a hash of all that. The snapshot is in the repository.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tattoo_data.backups.catalogue import Snapshot, newest_of, readable
from tattoo_data.backups.contents import content_of
from tattoo_data.backups.take import Taken, TakeOptions, take
from tattoo_data.clock import timestamp
from tattoo_data.engine.scan import Live, read_all
from tattoo_data.engine.spool import PLACES
from tattoo_data.environment import Environment
from tattoo_data.errors import BadSetting, FileFailed, IntegrityFailed, UnknownName, UsageError
from tattoo_data.files import write_file
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.manifests import Kind, spelled
from tattoo_data.runs.session import read_timeline
from tattoo_data.validation.stream import Stream

FORMAT = 1
FOLDER = Path("sync-points")
#: The sync point that a resolve sets.
RESOLVED = "resolved"
_OTHER_FILE = "`tattoo-data sync sync-point NAME` sets a new one, and writes its file."
_AFRESH = (
    "Nothing was changed. `tattoo-data sync sync-point NAME` sets a new one, which counts from then on; "
    "`tattoo-data backups delete NAME@ID` removes the damaged one, and the one before it counts again."
)
_TYPE = "tattoo-data-sync-point"
_NODE = frozenset({"name", "timestamp", "dynamoCount", "osCount", "hash"})
_BOTH = (StoreName.TABLE, StoreName.INDEX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A sync point that was set, and its file."""

    taken: Taken
    file: Path

    @property
    def counts(self) -> Mapping[StoreName, int]:
        """How many entries both stores held."""
        return {store: self.taken.manifest.stores[store].count for store in _BOTH}


class Since(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry that is not as it was at a sync point: `created`, `changed` or `deleted` since."""

    store: str
    key: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What changed since a sync point, record by record, and the counts of then and of now. A file of the Node tool
    has no `snapshot`: it knows counts only."""

    snapshot: str | None
    counts: Mapping[StoreName, tuple[int, int]]
    since: Stream[Since]

    @property
    def is_same(self) -> bool:
        """Whether nothing changed, as far as it is known."""
        return not self.since.count and all(then == now for then, now in self.counts.values())


def newest_point(env: Environment) -> Snapshot | None:
    """The newest sync point of this target from which table and index come: one that was left behind, by an undo or a
    restore, cannot tell who changed what. Raises `IntegrityFailed` where it is damaged."""
    try:
        return newest_of(env, Kind.SYNC, read_timeline(env).descends_from)
    except IntegrityFailed as error:
        raise _damaged(error) from error


def take_point(env: Environment, name: str, wait: float = 0.0) -> Taken:
    """Take a sync point. Read-only on live stores. Raises as a backup does, and `BadSetting` for a name that is
    none."""
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        reason = "it is a part of a file's name: it is not empty and no dots alone, and has no slash"
        raise BadSetting(name="NAME", value=name, source="the command line", reason=reason)
    return take(env, TakeOptions(name=name, kind=Kind.SYNC, wait=wait))


def set_point(env: Environment, name: str, folder: Path = FOLDER, wait: float = 0.0) -> Point:
    """Take a sync point, and write its file into `folder`. Raises as `take_point` does, and `FileFailed`."""
    taken = take_point(env, name, wait)
    manifest = taken.manifest
    about: dict[str, Any] = {
        "type": _TYPE,
        "format": FORMAT,
        "name": manifest.name,
        "snapshot": taken.reference,
        "createdAt": timestamp(manifest.created_at),
        "target": manifest.target,
        "table": env.target.table,
        "index": env.target.index,
        "counts": {store.value: manifest.stores[store].count for store in _BOTH},
        "fingerprints": {store.value: manifest.stores[store].fingerprint for store in _BOTH},
    }
    moment = timestamp(manifest.created_at).replace(":", "-").replace(".", "-")
    path = folder / f"sync-point-{manifest.name}-{moment}.json"
    try:
        write_file(path, msgspec.json.format(msgspec.json.encode({**about, "hash": _hash(about)}), indent=2) + b"\n")
    except OSError as error:
        raise FileFailed(path=str(path), reason=error.strerror or str(error)) from error
    return Point(taken=taken, file=path)


def validate_point(env: Environment, reference: str) -> Validated:
    """Check a sync point by its file, its name or `NAME@ID`, then say what changed in table and index since. Read-only.

    Raises `IntegrityFailed` for a file that was edited or cut, or is of a newer format, and for a snapshot that is
    damaged, `UsageError` for one of another table, `UnknownName` where there is none of that name.
    """
    path = Path(reference)
    if path.is_file() or path.suffix == ".json":
        about = _read(path)
        if about.get("type") != _TYPE:
            return _counted(env, path, about)
        _check(env, path, about)
        reference = str(about["snapshot"])
    point = _find(env, reference)
    live = _live(env, keep=True)
    counts = {store: (point.manifest.stores[store].count, live[store].total.count) for store in _BOTH}
    return Validated(snapshot=point.reference, counts=counts, since=_since(env, point, live))


def _find(env: Environment, reference: str) -> Snapshot:
    """The sync point of a name: the newest of this target, or the one that `NAME@ID` names. Raises `UnknownName`, and
    `IntegrityFailed` where it is damaged."""
    known: dict[str, None] = {}
    for stored, each in readable(env, env.manifests.listed()):
        is_meant = reference in (stored.reference, stored.name) or spelled(reference) == stored.name
        if isinstance(each, IntegrityFailed):
            if is_meant:
                raise _damaged(each)  # an older one of the same name is not what was asked for
        elif each.manifest.kind == Kind.SYNC and each.manifest.target == env.target.id:
            if is_meant:
                return each
            known[stored.name] = None
    raise UnknownName(kind="sync point", name=reference, known=known)


def _damaged(error: IntegrityFailed) -> IntegrityFailed:
    """The error of a damaged snapshot, with what leads out of it."""
    return IntegrityFailed(what=error.message, hint=_AFRESH)


def _live(env: Environment, *, keep: bool) -> Mapping[StoreName, Live]:
    env.target.require_readable({name: env.stores[name].describe() for name in _BOTH})
    return read_all(env.stores, env.pool, only=_BOTH, keep=keep, progress=env.progress)


def _since(env: Environment, point: Snapshot, live: Mapping[StoreName, Live]) -> Stream[Since]:
    content = content_of(env, point.manifest)
    assert content.wanted is not None
    found = Stream(Since)
    for store, spool in content.wanted(live, _BOTH).items():
        for place in range(PLACES):
            then = {each.key: each.digest for each in spool.part(place)}
            now = {held.key: held.digest for held in live[store].held.part(place)}
            for key in sorted(then.keys() | now.keys()):
                if then.get(key) != now.get(key):
                    what = "created" if key not in then else "deleted" if key not in now else "changed"
                    found.add(Since(store.value, key, what))
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        about = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        there = sorted(each.name for each in path.parent.glob("sync-point-*.json"))
        raise UnknownName(kind="sync point file", name=str(path), known=there) from error
    except ValueError as error:
        raise IntegrityFailed(what=f"{path} is no sync point: {error}", hint=_OTHER_FILE) from error
    if not isinstance(about, dict) or not (about.get("type") == _TYPE or about.keys() >= _NODE):
        raise IntegrityFailed(what=f"{path} is no sync point", hint=_OTHER_FILE)
    return about


def _check(env: Environment, path: Path, about: Mapping[str, Any]) -> None:
    if about.get("format") != FORMAT:
        raise IntegrityFailed(
            what=f"{path} has format {about.get('format')!r}, and this version reads {FORMAT}", hint=_OTHER_FILE
        )
    if about.get("hash") != _hash({name: value for name, value in about.items() if name != "hash"}):
        raise IntegrityFailed(what=f"{path} was changed after it was written: its hash does not fit", hint=_OTHER_FILE)
    if about.get("target") != env.target.id:
        raise UsageError(
            what=f"{path} is of table {about.get('table')} and index {about.get('index')}, not of this target",
            hint="Name that target by its settings, or set a point of this one: `tattoo-data sync sync-point NAME`.",
        )


def _counted(env: Environment, path: Path, about: Mapping[str, Any]) -> Validated:
    """What the Node tool's file says: it counted."""
    then = {StoreName.TABLE: about["dynamoCount"], StoreName.INDEX: about["osCount"]}
    for store, count in then.items():
        if type(count) is not int or count < 0:
            raise IntegrityFailed(what=f"{path} says that the {store} held {count!r} entries", hint=_OTHER_FILE)
    live = _live(env, keep=False)
    counts = {store: (then[store], live[store].total.count) for store in _BOTH}
    return Validated(snapshot=None, counts=counts, since=Stream(Since))


def _hash(about: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(about, order="sorted")).hexdigest()
