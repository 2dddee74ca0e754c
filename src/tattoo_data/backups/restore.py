"""Restore: make the live stores equal a snapshot, so that whatever is not in it goes from each store that it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tattoo_data.backups.catalogue import NodeArchive, Snapshot, find, newest_backup, newest_snapshot
from tattoo_data.backups.contents import content_of_found
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired, Scope, Wanted
from tattoo_data.engine.scan import Live
from tattoo_data.engine.spool import Spool
from tattoo_data.engine.verify import Verify
from tattoo_data.environment import Environment
from tattoo_data.errors import NoBackup, NotFound, UsageError
from tattoo_data.model.entry import StoreName
from tattoo_data.model.pattern import matching
from tattoo_data.runs.session import Command, Session, WriteOptions, writing
from tattoo_data.transfer.services import SERVICES

_RECORDS = frozenset({StoreName.TABLE, StoreName.INDEX})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """`reference` is a name, `NAME@ID`, a unique beginning, or `latest`. `only` some stores, and `keys` only entries
    that a pattern such as `ARTIST#00*` matches: an item by its PK, a document by its artist's, an object by its key."""

    reference: str
    only: Sequence[StoreName] = ()
    keys: str | None = None
    write: WriteOptions = field(default_factory=WriteOptions)

    @property
    def question(self) -> str | None:
        """What is asked before, on a target that is not local; None where nothing has to be."""
        return None if self.write.dry_run else f"restore {self.reference} removes everything that is not in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did. `proven` says whether the stores have the snapshot's very fingerprints now; None where nobody
    knows: only some keys were restored, it was a dry run or was not read back, or the Node tool's archive promises
    none."""

    source: Snapshot | NodeArchive
    change: Change
    proven: bool | None


def restore(env: Environment, options: RestoreOptions) -> Restored:
    """Make the live stores equal a snapshot. All of it that live does not hold is read and checked before anything is
    written. Raises `UnknownName`, `NotFound` where no key is as the options say, and `IntegrityFailed` where what is
    needed is damaged."""
    only = [word for name, store in SERVICES.items() if store in options.only for word in ("--only", name)]
    arguments = [options.reference, *only, *(("--keys", options.keys) if options.keys is not None else ())]
    with writing(env, Command(name="restore", arguments=tuple(arguments)), options.write) as session:
        return _restored(session, find(env, options.reference), options)


def restore_backup(env: Environment, command: Command, options: WriteOptions) -> Restored:
    """Make the live stores equal the newest backup of this target, as `command`. Raises `NoBackup` where there is none,
    naming the newest snapshot, before anything is written."""
    with writing(env, command, options) as session:
        source = newest_backup(env)
        if source is None:
            raise _no_backup(env)
        return _restored(session, source, RestoreOptions(reference=source.reference, write=options))


def _restored(session: Session, source: Snapshot | NodeArchive, options: RestoreOptions) -> Restored:
    _tell_of_another_target(session.env, source)
    day = source.manifest.as_of if isinstance(source, Snapshot) else None
    with content_of_found(session.env, source) as content:
        desired = _narrowed(content, options, source)
        change = session.carry_out(desired, as_of=day, restored=_moment(session.env, source, desired))
    read = change.run is None or options.write.verify is not Verify.NONE
    return Restored(source=source, change=change, proven=_proven(source, desired, change) if read else None)


def _tell_of_another_target(env: Environment, source: Snapshot | NodeArchive) -> None:
    if isinstance(source, Snapshot) and source.manifest.target != env.target.id:
        table = source.manifest.source.get("table", "?")
        env.say(f"note: {source.reference} was taken of another target, whose table is {table}.")


def _moment(env: Environment, source: Snapshot | NodeArchive, desired: Desired) -> datetime | None:
    """The moment to which table or index are put back; None where neither is, and for what another target held."""
    is_ours = isinstance(source, NodeArchive) or source.manifest.target == env.target.id
    return source.created_at if is_ours and not _RECORDS.isdisjoint(desired.stores) else None


def _narrowed(desired: Desired, options: RestoreOptions, source: Snapshot | NodeArchive) -> Desired:
    """Only the stores and keys that are asked for."""
    stores = [store for store in desired.stores if not options.only or store in options.only]
    if not stores:
        what = f"{source.reference} holds nothing of {', '.join(options.only)}"
        raise UsageError(what=what, hint=f"It holds {', '.join(desired.stores)}.")
    if options.keys is None:
        return replace(desired, stores=stores)
    pattern, give = options.keys, desired.wanted
    scope = matching(pattern)
    assert give is not None, "what a snapshot holds comes as spools"

    def wanted(live: Mapping[StoreName, Live], only: Collection[StoreName]) -> dict[StoreName, Spool[Wanted]]:
        found = {store: _within(scope, store, spool) for store, spool in give(live, only).items()}
        there = (scope(store, held.key) for store in only for part in live[store].held.parts() for held in part)
        if not any(spool.count for spool in found.values()) and not any(there):
            raise NotFound(
                what=f"no key of {source.reference} or of the live stores is like {pattern!r}",
                hint="Such are 'ARTIST#00*' for items by their PK, with their documents, and 'pictures/*' for images.",
            )
        return found

    return replace(desired, stores=stores, wanted=wanted, scope=scope)


def _within(scope: Scope, store: StoreName, wanted: Spool[Wanted]) -> Spool[Wanted]:
    spool = Spool(Wanted, store)
    for part in wanted.parts():
        spool.add(each for each in part if scope(store, each.key))
    return spool


def _proven(source: Snapshot | NodeArchive, desired: Desired, change: Change) -> bool | None:
    if isinstance(source, NodeArchive) or desired.scope or change.dry_run:
        return None
    promised = {store: source.manifest.stores[store].fingerprint for store in desired.stores}
    return all(change.fingerprints.get(store) == wanted for store, wanted in promised.items())


def _no_backup(env: Environment) -> NoBackup:
    snapshot = newest_snapshot(env)
    if snapshot is None:
        return NoBackup(bucket=env.settings.backup_bucket)
    name = snapshot.stored.name
    hint = f"The newest snapshot is {name}: `tattoo-data restore {name}` restores it. Nothing was changed."
    return NoBackup(bucket=env.settings.backup_bucket, hint=hint)
