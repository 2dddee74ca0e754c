"""Remove: snapshots that are not wanted any more, and what nothing needs then. There is no undo.

Manifests go first, then packs and bodies that neither a manifest nor a kept run names and that are older than a day: a
backup that is being taken may need the younger ones (formats.md 5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from tattoo_data.backups.catalogue import NodeArchive, Snapshot, names, node_archives, readable
from tattoo_data.backups.take import PRUNE
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed, StoreError, UnknownName
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.bodies import PREFIX as BODIES
from tattoo_data.repository.locks import Lock
from tattoo_data.repository.manifests import PREFIX as MANIFESTS
from tattoo_data.repository.manifests import Stored, is_generated, spelled
from tattoo_data.repository.packs import PREFIX as PACKS
from tattoo_data.repository.packs import Pack, entries_of, read_pack
from tattoo_data.repository.runs import RunStatus, run_moment

#: How young what nothing names may be and still be of a backup that is being taken.
_YOUNG = timedelta(days=1)
#: Unnamed backups are versions of one thing, though each has a name of its own.
_UNNAMED = "backup-*"


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """What to keep of the versions that a target has of each name: the newest `keep`, the newest of each of the last
    `daily` days and `weekly` weeks that have one. None of the three keeps all, and only what nothing needs goes.
    `names` are those that are looked at, all where none is given."""

    names: Sequence[str] = ()
    keep: int = 0
    daily: int = 0
    weekly: int = 0
    dry_run: bool = False
    wait: float = 0.0

    @property
    def keeps_all(self) -> bool:
        """Whether no version goes."""
        return not (self.keep or self.daily or self.weekly)

    @property
    def question(self) -> str | None:
        """What is asked before; None where nothing has to be."""
        what = "data that no backup needs" if self.keeps_all else "backups that are not kept, and their data"
        return None if self.dry_run else f"backups prune removes {what}, and there is no undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What went, or with `dry_run` would go: snapshots by reference, packs and bodies by number and bytes. `kept` are
    the references that a prune looked at and left."""

    dry_run: bool
    snapshots: tuple[str, ...]
    kept: tuple[str, ...] = ()
    packs: int = 0
    bodies: int = 0
    freed_bytes: int = 0


def delete(env: Environment, reference: str, *, dry_run: bool = False, wait: float = 0.0) -> Removed:
    """Remove a snapshot: `NAME@ID` one version, `NAME` all of them. Its packs stay until a prune. Raises `UnknownName`,
    also for a name that is only begun: what is deleted is named in full."""
    with _alone(env, f"backups delete {reference}", wait, dry_run=dry_run):
        stored, archives = versions(env, reference)
        if not dry_run:
            env.manifests.delete(stored)
            _delete(env, [archive.key for archive in archives])
    references = (*(each.reference for each in stored), *(each.reference for each in archives))
    return Removed(dry_run=dry_run, snapshots=references)


def versions(env: Environment, reference: str) -> tuple[list[Stored], list[NodeArchive]]:
    """All that a name, or one version of it, means. A damaged manifest can be named, too."""
    name, at, version = reference.partition("@")
    listed = (each for each in env.manifests.listed() if each.name in (name, spelled(name)))
    stored = [each for each in listed if not at or version == each.id]
    archives = [each for each in node_archives(env) if reference in (each.name, each.key)]
    if not stored and not archives:
        raise UnknownName(kind="snapshot", name=reference, known=names(env))
    return stored, archives


def require(env: Environment, names_given: Sequence[str]) -> None:
    """Raise `UnknownName` where a name is that of no snapshot or backup."""
    if names_given:
        _require_names(names_given, env.manifests.listed())


def prune(env: Environment, options: PruneOptions) -> Removed:
    """Remove the versions that are not kept, then every pack and body that nothing names. Raises `IntegrityFailed`
    where a manifest is damaged: nobody knows what it needs."""
    with _alone(env, "backups prune", options.wait, dry_run=options.dry_run) as check:
        listed = env.manifests.listed()
        _require_names(options.names, listed)
        doomed = [] if options.keeps_all else unwanted(listed, options, _targets(env, listed))
        gone = {each.key for each in doomed}
        used = _used(env, [each for each in listed if each.key not in gone])
        unused, freed = _unused(env, used)
        if not options.dry_run:
            env.manifests.delete(doomed)
            check()
            _delete(env, unused)
    return Removed(
        dry_run=options.dry_run,
        snapshots=tuple(each.reference for each in doomed),
        kept=tuple(each.reference for each in listed if each.key not in gone),
        packs=sum(key.startswith(PACKS) for key in unused),
        bodies=sum(key.startswith(BODIES) for key in unused),
        freed_bytes=freed,
    )


def unwanted(
    newest_first: Iterable[Stored], options: PruneOptions, targets: Mapping[str, str] = MappingProxyType({})
) -> list[Stored]:
    """The versions that go; `targets` says of what each manifest is, by its key. Pure."""
    if options.keeps_all:
        return []
    names_given = set(map(spelled, options.names))
    groups: dict[tuple[str | None, str], list[Stored]] = {}
    for each in newest_first:
        if not names_given or each.name in names_given:
            name = _UNNAMED if is_generated(each.name) else each.name
            groups.setdefault((targets.get(each.key), name), []).append(each)
    kept = {each.key for group in groups.values() for each in _kept(group, options)}
    return [each for group in groups.values() for each in group if each.key not in kept]


def _kept(newest_first: Sequence[Stored], options: PruneOptions) -> Iterator[Stored]:
    yield from newest_first[: options.keep]
    yield from _newest_of(newest_first, options.daily, "%Y-%m-%d")
    yield from _newest_of(newest_first, options.weekly, "%G-%V")


def _newest_of(newest_first: Sequence[Stored], periods: int, spelled: str) -> list[Stored]:
    """The newest version of each of the last `periods` days or weeks that have one."""
    newest: dict[str, Stored] = {}
    for each in newest_first:
        newest.setdefault(each.created_at.strftime(spelled), each)
    return list(newest.values())[:periods]


def clear(env: Environment, *, dry_run: bool, wait: float = 0.0) -> Removed:
    """Remove every snapshot and backup of ours with its packs and bodies, but for the bodies that a kept run would put
    back. A backup that is being taken stores again what it needs."""
    with _alone(env, "clear backups", wait, dry_run=dry_run) as check:
        stored = env.manifests.listed()
        manifests = [each.key for each in env.repository.objects(MANIFESTS)]  # what is no manifest there goes, too
        found = [each for prefix in (PACKS, BODIES) for each in env.repository.objects(prefix)]
        runs = _of_runs(env)
        needed = set().union(*runs.values())
        gone = (PACKS,) if _is_at_work(env, runs) else (PACKS, BODIES)
        rest = [each for each in found if each.key not in needed and each.key.startswith(gone)]
        if not dry_run:
            _delete(env, manifests)
            check()
            _delete(env, [each.key for each in rest])
    return Removed(
        dry_run=dry_run,
        snapshots=tuple(each.reference for each in stored),
        packs=sum(each.key.startswith(PACKS) for each in rest),
        bodies=sum(each.key.startswith(BODIES) for each in rest),
        freed_bytes=sum(each.size for each in rest),
    )


@contextmanager
def _alone(env: Environment, words: str, wait: float, *, dry_run: bool) -> Iterator[Callable[[], None]]:
    """Nobody else prunes, and no backup becomes one; gives what raises `LockLost` where that is over. What changes
    nothing keeps nobody out."""
    if dry_run:
        yield lambda: None
        return
    with Lock(env.repository, PRUNE, env.clock, words, wait_seconds=wait) as lock:
        yield lock.check


def _targets(env: Environment, stored: Sequence[Stored]) -> dict[str, str]:
    """Of which target each manifest is, by its key; a damaged one counts as one of this."""
    read = readable(env, stored)
    return {
        each.key: snapshot.manifest.target if isinstance(snapshot, Snapshot) else env.target.id
        for each, snapshot in read
    }


def _used(env: Environment, stored: Sequence[Stored]) -> set[str]:
    """The keys of every pack and body that a manifest names."""
    used, images = set[str](), dict[str, Pack]()
    for _, snapshot in readable(env, stored):
        if isinstance(snapshot, IntegrityFailed):
            hint = "Nobody knows what it needs: nothing was removed. `tattoo-data backups delete NAME@ID` removes it."
            raise IntegrityFailed(what=snapshot.message, hint=hint)
        for store, about in snapshot.manifest.stores.items():
            used |= {pack.key for pack in about.packs}
            if store is StoreName.IMAGES:
                images |= {pack.name: pack for pack in about.packs}
    for pack in images.values():
        for packed in entries_of(StoreName.IMAGES, pack, read_pack(env.repository, pack)):
            used |= {BODIES + packed.blob.sha256} if packed.blob else set()
    return used


def _unused(env: Environment, used: set[str]) -> tuple[list[str], int]:
    """The packs and bodies that nothing names, no kept run either, and that are old enough, and their bytes."""
    now, runs = env.repository.now(), _of_runs(env)
    used = used.union(*runs.values())
    prefixes = (PACKS,) if _is_at_work(env, runs) else (PACKS, BODIES)
    found = [each for prefix in prefixes for each in env.repository.objects(prefix)]
    old = [each for each in found if each.key not in used and now is not None and now - each.modified > _YOUNG]
    return [each.key for each in old], sum(each.size for each in old)


def _of_runs(env: Environment) -> dict[str, set[str]]:
    """The keys of the bodies that each kept run would put back. One that is forgotten meanwhile needs none."""
    needed: dict[str, set[str]] = {}
    for run_id in env.runs.ids():
        try:
            needed[run_id] = env.before_images.objects_of([run_id])
        except IntegrityFailed:
            run = env.runs.read(run_id)
            if run is not None and run.undoable:
                raise
    return needed


def _is_at_work(env: Environment, seen: Collection[str]) -> bool:
    """Whether a command writes now, or has since its runs were `seen`. It keeps bodies before the file that names
    them: until then nobody knows which."""
    now, ids = env.repository.now(), env.runs.ids()
    if not set(ids) <= set(seen):
        return True
    moments = {run_id: run_moment(run_id) for run_id in ids}
    young = [run_id for run_id, moment in moments.items() if not (now and moment and now - moment > _YOUNG)]
    return any(run is not None and run.status == RunStatus.RUNNING for run in map(env.runs.read, young))


def _require_names(names_given: Sequence[str], listed: Sequence[Stored]) -> None:
    there = list(dict.fromkeys(each.name for each in listed))
    for name in names_given:
        if spelled(name) not in there:
            raise UnknownName(kind="snapshot", name=name, known=there)


def _delete(env: Environment, keys: Sequence[str]) -> None:
    for outcome in env.repository.delete(keys):
        if outcome.error:
            reason = f"{outcome.key}: {outcome.message}"
            raise StoreError(service="s3", endpoint=env.target.s3_endpoint, operation="delete_objects", reason=reason)
