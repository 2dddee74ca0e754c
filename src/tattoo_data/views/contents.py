"""Contents: what the sides of a comparison hold, spooled with their bodies. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import cast

from tattoo_data.catalog import Selection, find_state, load, resolve
from tattoo_data.engine.plan import Desired, Wanted, gather
from tattoo_data.engine.scan import Held, Live, read_all, said_of_shared
from tattoo_data.engine.spool import Spool
from tattoo_data.environment import Environment
from tattoo_data.errors import NoBackup
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.seeding.content import context_of, desired_of
from tattoo_data.seeding.reset import content_of
from tattoo_data.views.sides import Kind, Side

#: What one side holds of each store that is compared.
Spools = Mapping[StoreName, Spool[Wanted]]


@dataclass(frozen=True, slots=True)
class Opened:
    """One side and what it holds; None for the live stores."""

    side: Side
    content: Desired | None

    @property
    def knows_digests(self) -> bool:
        """Whether it can be told what the other side holds, and gives that without bodies."""
        return self.content is not None and self.content.wanted is not None


@contextmanager
def open_side(env: Environment, side: Side) -> Iterator[Opened]:
    """A side, open as long as the block lasts. Raises `IntegrityFailed` here or while it is read where it is
    damaged."""
    if side.kind is Kind.LIVE:
        yield Opened(side, None)
    elif side.kind is Kind.FILE:
        from tattoo_data.transfer.read import content_of, open_files

        with closing(open_files(Path(side.name))) as source:
            yield Opened(side, content_of(env, source))
    elif side.as_of is None:
        from tattoo_data.backups.contents import snapshot_content

        with snapshot_content(env, side.name if side.kind is Kind.SNAPSHOT else _newest_backup(env)) as desired:
            yield Opened(side, desired)
    else:
        yield Opened(side, desired_of(_selection(env, side, side.as_of), prune=True))


def _newest_backup(env: Environment) -> str:
    from tattoo_data.backups.catalogue import newest_backup

    newest = newest_backup(env)
    if newest is None:
        raise NoBackup(bucket=env.settings.backup_bucket)
    return newest.reference


def _selection(env: Environment, side: Side, day: date) -> Selection:
    dataset = load(context_of(env, day))
    if side.kind is Kind.STATE:
        return content_of(find_state(side.name), dataset)[1]
    return resolve(side.name, dataset, env.settings.scenarios, env.settings.config_path)[1]


def read_both(env: Environment, a: Opened, b: Opened, names: Sequence[StoreName]) -> tuple[Spools, Spools]:
    """Both sides, spooled. One that knows its digests is read last: it need not fetch what the other has, too."""
    if a.knows_digests and not b.knows_digests:
        after = _read(env, b.content, names, {})
        return _read(env, a.content, names, after), after
    before = _read(env, a.content, names, {})
    return before, _read(env, b.content, names, before)


def _read(env: Environment, desired: Desired | None, names: Sequence[StoreName], other: Spools) -> Spools:
    if desired is None:
        return _read_live(env, names)
    if desired.wanted:
        known = {name: _as_live(name, other.get(name)) for name in names}
        given = desired.wanted(known, names)
        return {name: given[name] for name in names}
    entries = desired.entries

    def narrowed() -> Iterable[tuple[StoreName, Entry]]:
        return ((name, entry) for name, entry in entries() if name in names)

    return gather(replace(desired, stores=tuple(names), entries=narrowed), env.progress)


def _as_live(name: StoreName, spool: Spool[Wanted] | None) -> Live:
    """What the other side has, in the form in which a desired state asks what is there."""
    # What is asked of a live entry, its key and digest, a wanted one has too.
    held = cast("Spool[Held]", spool) if spool is not None else Spool(Held, name)
    return Live(store=name, description=None, held=held)


def _read_live(env: Environment, names: Sequence[StoreName]) -> Spools:
    """The live stores with their bodies, segments beside each other."""
    _check_live(env, names)
    spools = {name: Spool(Wanted, name) for name in names}

    def keep(name: StoreName, found: Sequence[tuple[Entry, bytes]]) -> None:
        spools[name].add(Wanted(entry.key, digest, entry.body) for entry, digest in found)

    live = read_all(env.stores, env.pool, only=names, keep=False, into=keep, progress=env.progress)
    for each in live.values():
        if each.shared:
            env.say(f"note: the {each.store} holds {said_of_shared(each.shared)}: one of each is compared.")
    return spools


def _check_live(env: Environment, names: Sequence[StoreName]) -> None:
    """Raise where a store cannot be compared. A missing image bucket holds no images, and that is said."""
    for name in names:
        about = env.stores[name].describe()
        if about is None and name is StoreName.IMAGES:
            bucket = env.target.image_bucket
            env.say(f"note: the image bucket {bucket} does not exist: it is compared as an empty one.")
        else:
            env.target.require_readable({name: about})
