"""Take: a whole state into the repository. Read-only on live stores.

Packs and bodies first, the manifest last: until it is there, there is no snapshot, and a command that is killed leaves
packs that the next one uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from tattoo_data import __version__
from tattoo_data.backups.catalogue import LATEST
from tattoo_data.backups.images import ImageKeeper, KeptImage, sizes
from tattoo_data.backups.shelf import Line, Ready, Shelf, make_pack
from tattoo_data.engine.flow import beside, in_flight
from tattoo_data.engine.scan import Live, read_all
from tattoo_data.engine.spool import PLACES
from tattoo_data.environment import Environment
from tattoo_data.errors import BadSetting
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import Sum, digest_canonical, state_fingerprint
from tattoo_data.repository.locks import Lock, look
from tattoo_data.repository.manifests import Kind, Manifest, Stored, StoreManifest, check_name, generated_name, spelled
from tattoo_data.repository.packs import PREFIX, TYPE, Compressor, Pack, line_of
from tattoo_data.repository.who import who
from tattoo_data.runs.session import read_timeline

#: The lock that a prune holds, and a backup for the moment in which it becomes one.
PRUNE = "prune"
#: How long a backup waits for a prune, at least: it is done but for its manifest.
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOptions:
    """`name` is the snapshot's, which may have versions already; None is one made of the time. `wait` is how many
    seconds to wait for a prune, where that is longer than a minute. Raises `BadSetting` for a name that is none."""

    name: str | None = None
    kind: Kind = Kind.BACKUP
    wait: float = 0.0

    def __post_init__(self) -> None:
        if self.name is not None:
            check_name(spelled(self.name))
        if self.name == LATEST:
            reason = "it means the newest of all, whatever its name"
            raise BadSetting(name="the name", value=self.name, source="the command line", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A snapshot that was taken: `packs` of its packs are new, with the bodies of images `stored_bytes` in all."""

    stored: Stored
    manifest: Manifest
    packs: int
    stored_bytes: int

    @property
    def reference(self) -> str:
        """How `restore` names this very version."""
        return self.stored.reference


def take(env: Environment, options: TakeOptions) -> Taken:
    """Store all that the live stores hold, under a name.

    Raises `StoreMissing` where there is no table or no index, `StructureRefused` where what is there cannot be read,
    `IntegrityFailed` where documents share an `_id`, and `Locked` where somebody prunes all the time.
    """
    started = env.clock.now()
    name = generated_name(started) if options.name is None else spelled(options.name)
    return _Taking(env, name, started, options).run()


@dataclass(slots=True)
class _Taking:
    """One snapshot on its way into the repository."""

    env: Environment
    name: str
    started: datetime
    options: TakeOptions
    shelves: dict[StoreName, Shelf] = field(default_factory=lambda: {store: Shelf(store) for store in StoreName})
    listed: list[Entry] = field(default_factory=list)
    images: list[KeptImage] = field(default_factory=list)
    images_total: Sum = field(default_factory=Sum)
    there: dict[str, int] = field(default_factory=dict)
    packs: int = 0
    stored_bytes: int = 0

    def run(self) -> Taken:
        env = self.env
        began = env.clock.monotonic()
        _warn(env)
        keeper = ImageKeeper(env)
        live = self._scan()
        if not env.repository.exists():
            env.repository.create()
        self._keep_images(keeper)
        self.there = sizes(env, PREFIX)
        with beside() as thread:
            drift = thread.submit(_drift, env, live)
            packs = {store: list(self._stored(shelf)) for store, shelf in self.shelves.items()}
            drifted = drift.result()
        totals = {**{store: each.total for store, each in live.items()}, StoreName.IMAGES: self.images_total}
        manifest = Manifest(
            name=self.name,
            kind=self.options.kind,
            created_at=self.started,
            seconds=0.0,
            by=who(),
            tool=__version__,
            target=env.target.id,
            source=env.target.document(),
            as_of=read_timeline(env).as_of,
            fingerprint=state_fingerprint({store: total.hex() for store, total in totals.items()}),
            drift=drifted,
            stores={store: _about(each, totals[store], packs[store]) for store, each in live.items()},
            objects=keeper.size,
        )
        stored, manifest = self._commit(manifest, keeper, began)
        written = self.stored_bytes + keeper.added
        return Taken(stored=stored, manifest=manifest, packs=self.packs, stored_bytes=written)

    def _scan(self) -> dict[StoreName, Live]:
        """Read table and index onto their shelves, and list the images."""
        env = self.env

        def shelve(store: StoreName, entries: Sequence[tuple[Entry, bytes]]) -> None:
            if store is StoreName.IMAGES:
                self.listed.extend(entry for entry, _ in entries)
            else:
                self.shelves[store].add(_line(store, entry, digest) for entry, digest in entries)

        live = read_all(env.stores, env.pool, into=shelve, progress=env.progress)
        env.target.require_readable({name: live[name].description for name in (StoreName.TABLE, StoreName.INDEX)})
        live[StoreName.INDEX].require_one_each()
        return live

    def _keep_images(self, keeper: ImageKeeper) -> None:
        self.images = list(keeper.keep(self.listed))
        lines = list(map(_image_line, self.images))
        for line in lines:
            self.images_total.add(line.digest)
        self.shelves[StoreName.IMAGES].add(lines)

    def _stored(self, shelf: Shelf) -> Iterator[Pack]:
        """The packs of a shelf, each stored unless it is there."""
        make = partial(_ready, compressor=Compressor())
        for pack in in_flight(self.env.pool, lambda unit: self._store(make(unit)), shelf.packs()):
            if self.there.get(pack.key) != pack.stored:  # counted here, in one thread
                self.there[pack.key] = pack.stored
                self.packs += 1
                self.stored_bytes += pack.stored
            yield pack
            self.env.progress("stored", self.packs, None)

    def _store(self, ready: Ready) -> Pack:
        if self.there.get(ready.pack.key) != ready.pack.stored:
            self.env.repository.put(ready.pack.key, Blob(ready.body, TYPE))
        return ready.pack

    def _commit(self, manifest: Manifest, keeper: ImageKeeper, began: float) -> tuple[Stored, Manifest]:
        """Write the manifest while nobody prunes. What a prune took away meanwhile is stored again before."""
        env = self.env
        wait = max(self.options.wait, _WAIT_SECONDS)
        with Lock(env.repository, PRUNE, env.clock, f"{self.options.kind} {self.name}", wait_seconds=wait) as lock:
            keeper.keep_again(self.images)
            self.there = sizes(env, PREFIX)
            wanted = {pack.key: pack.stored for each in manifest.stores.values() for pack in each.packs}
            if any(self.there.get(key) != stored for key, stored in wanted.items()):
                for shelf in self.shelves.values():
                    list(self._stored(shelf))
            lock.check()
            # The next one goes by it: an image that is written from here on is not known to this one
            manifest = replace(manifest, seconds=round(env.clock.monotonic() - began, 3))
            return env.manifests.write(manifest), manifest


def _warn(env: Environment) -> None:
    lock = look(env.repository, env.target.id)
    if lock is not None and not lock.is_free:
        env.say(f"note: {lock.holder or 'another program'} writes to this target: the snapshot may hold half of it.")


def _line(store: StoreName, entry: Entry, digest: bytes) -> Line:
    return Line(entry.key, digest, line_of(store, entry), entry.routing is not None)


def _image_line(image: KeptImage) -> Line:
    digest = digest_canonical(image.entry.key, image.entry.body)
    return Line(image.entry.key, digest, line_of(StoreName.IMAGES, image.entry, image.blob))


def _ready(unit: tuple[str, list[Line]], compressor: Compressor) -> Ready:
    return make_pack(*unit, compressor)


def _drift(env: Environment, before: Mapping[StoreName, Live]) -> dict[str, int]:
    """How many entries of each store are not any more as they were read."""
    now = read_all(env.stores, env.pool)
    return {store.value: _changed(before[store], now[store]) for store in StoreName}


def _changed(before: Live, now: Live) -> int:
    if before.total == now.total:
        return 0
    changed = 0
    for place in range(PLACES):
        was = {(held.key, held.digest) for held in before.held.part(place)}
        different = was ^ {(held.key, held.digest) for held in now.held.part(place)}
        changed += len({key for key, _ in different})
    return changed


def _about(live: Live, total: Sum, packs: Sequence[Pack]) -> StoreManifest:
    records = {"images": total.count} if live.store is StoreName.IMAGES else dict(live.kinds)
    return StoreManifest(
        count=total.count,
        fingerprint=total.hex(),
        packs=packs,
        records={kind: count for kind, count in records.items() if count},
        structure=live.description.structure if live.description else {},
    )
