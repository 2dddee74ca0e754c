"""Catalogue: what can be restored, ours and the Node tool's, by the names that people give. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tattoo_data.engine.flow import in_flight
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed, UnknownName
from tattoo_data.repository.manifests import Kind, Manifest, Stored, spelled

#: How the Node tool named its backups, at the root of the bucket.
NODE_SUFFIX = ".tar.gz"
LATEST = "latest"
#: What `with` calls the snapshots that it takes, in as many versions as there are commands at work.
BEFORE_WITH = "before-with"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeArchive:
    """A backup that the Node tool made: an object at the root of the bucket."""

    name: str
    size: int
    created_at: datetime

    @property
    def key(self) -> str:
        """Where it lies in the bucket."""
        return self.name + NODE_SUFFIX

    @property
    def reference(self) -> str:
        """How a command names it."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot of ours, read."""

    stored: Stored
    manifest: Manifest

    @property
    def reference(self) -> str:
        """How a command names this very version."""
        return self.stored.reference

    @property
    def created_at(self) -> datetime:
        """When it was taken."""
        return self.manifest.created_at


def node_archives(env: Environment) -> list[NodeArchive]:
    """The Node tool's backups, the newest first."""
    found = [
        NodeArchive(name=each.key.removesuffix(NODE_SUFFIX), size=each.size, created_at=each.modified)
        for each in env.repository.objects(delimited=True)
        if each.key.endswith(NODE_SUFFIX)
    ]
    return sorted(found, key=lambda each: each.created_at, reverse=True)


def names(env: Environment) -> list[str]:
    """Every name that a snapshot or backup has, each once, the newest first."""
    both = [*((each.created_at, each.name) for each in env.manifests.listed())]
    both += ((each.created_at, each.name) for each in node_archives(env))
    return list(dict.fromkeys(name for _, name in sorted(both, reverse=True)))


def find(env: Environment, reference: str) -> Snapshot | NodeArchive:
    """What a reference names: `NAME` is the newest version of this target, else of any; `NAME@ID` or a unique beginning
    of the id an older one; a unique beginning of a name; `latest` the newest of this target whatever its name.

    Raises `UnknownName`, and `IntegrityFailed` where the manifest is damaged.
    """
    manifests, archives = env.manifests.listed(), node_archives(env)
    there = list(dict.fromkeys([*(each.name for each in manifests), *(each.name for each in archives)]))
    given, at, version = (reference, "", "") if reference in there else reference.partition("@")
    if reference not in there and (archive := _by_key(reference, archives)):
        return archive
    name = _name(given, there)
    if name is not None:
        manifests = [each for each in manifests if each.name == name]
        archives = [] if at else [each for each in archives if each.name == name]
    elif reference != LATEST:
        raise UnknownName(kind="snapshot", name=reference, known=[*there, LATEST] if there else ())
    if at:
        return _read(env, _version(reference, version, manifests))
    found = _newest(env, manifests, archives)
    if found is None and name is None:
        raise UnknownName(kind="snapshot", name=reference, known=there)
    return found or _read(env, manifests[0])


def _version(reference: str, version: str, manifests: Sequence[Stored]) -> Stored:
    begun = [each for each in manifests if version and each.id.startswith(version)]
    if len(begun) != 1:
        raise UnknownName(kind="snapshot", name=reference, known=[each.reference for each in manifests])
    return begun[0]


def _by_key(key: str, archives: Iterable[NodeArchive]) -> NodeArchive | None:
    """The archive whose key is given, in either spelling of a time."""
    name = key.removesuffix(NODE_SUFFIX)
    return next((each for each in archives if name != key and each.name in (name, spelled(name))), None)


def newest_backup(env: Environment) -> Snapshot | NodeArchive | None:
    """The newest complete backup of this target, or of the Node tool, which does not say of what."""
    return _newest(env, env.manifests.listed(), node_archives(env), kind=Kind.BACKUP)


def newest_snapshot(env: Environment) -> Snapshot | None:
    """The newest snapshot of this target, whatever its kind."""
    found = _newest(env, env.manifests.listed(), ())
    return found if isinstance(found, Snapshot) else None


def newest_of(env: Environment, kind: Kind, counts: Callable[[datetime], bool]) -> Snapshot | None:
    """The newest snapshot of this target of one kind that was taken at a moment that counts. Raises `IntegrityFailed`
    where its manifest is damaged."""
    found = _newest(env, [each for each in env.manifests.listed() if counts(each.created_at)], (), kind=kind)
    return found if isinstance(found, Snapshot) else None


def newest_that(env: Environment, wanted: Callable[[Manifest], bool]) -> Snapshot | None:
    """The newest snapshot whose manifest is as wanted, of any target; damaged ones are passed over."""
    found = (each for _, each in readable(env, env.manifests.listed()) if isinstance(each, Snapshot))
    return next((each for each in found if wanted(each.manifest)), None)


def readable(env: Environment, stored: Iterable[Stored]) -> Iterator[tuple[Stored, Snapshot | IntegrityFailed]]:
    """Manifests, read beside each other and given in order; the error of one that is damaged. What was deleted since it
    was listed is left out."""
    for place, read in in_flight(env.pool, lambda each: (each, _tried(env, each)), stored):
        if read is not None:
            yield place, read


def is_gone(env: Environment, stored: Stored) -> bool:
    """Whether a manifest was deleted since it was listed."""
    return env.repository.head(stored.key) is None


def _newest(
    env: Environment, manifests: Sequence[Stored], archives: Sequence[NodeArchive], kind: Kind | None = None
) -> Snapshot | NodeArchive | None:
    """The newest of the target. A damaged manifest is an error: an older snapshot instead is not what was asked for."""
    archive = archives[0] if archives else None
    for stored, found in readable(env, manifests):
        if archive and stored.created_at < archive.created_at:
            return archive
        if isinstance(found, IntegrityFailed):
            raise found
        if found.manifest.target == env.target.id and kind in (None, found.manifest.kind):
            return found
    return archive


def _tried(env: Environment, stored: Stored) -> Snapshot | IntegrityFailed | None:
    try:
        return _read(env, stored)
    except IntegrityFailed as error:
        return None if is_gone(env, stored) else error


def _read(env: Environment, stored: Stored) -> Snapshot:
    return Snapshot(stored=stored, manifest=env.manifests.read(stored))


def _name(given: str, there: Sequence[str]) -> str | None:
    """The name that is meant: itself, in the other spelling of a time, or by a beginning that is only its."""
    for name in (given, spelled(given)):
        if name in there:
            return name
    begun = {name for name in there if given and given != LATEST and name.startswith(given)}
    return begun.pop() if len(begun) == 1 else None
