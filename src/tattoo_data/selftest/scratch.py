"""Scratch: a table, an index and buckets beside the user's, made for one run and removed afterwards.

All four have the token of the run in their names. The table is made first and goes last: as long as it is there, a
later run finds the others by it. (Not every S3 lists its buckets to everybody who may use them.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import msgspec

from tattoo_data.clock import Clock
from tattoo_data.environment import Environment, Services, find_services, open_environment
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.settings import Settings
from tattoo_data.stores.aws import Access
from tattoo_data.stores.scratch import Remover, scratch_name
from tattoo_data.stores.wire import Trace

TABLE_BYTES, BUCKET_BYTES = 255, 63
#: An index that is built beside has 22 bytes more.
INDEX_BYTES = 255 - 22
#: A run that is older was killed: none takes so long.
LEFT_AFTER_SECONDS = 3600.0
#: How long what was on its way when a run was stopped may take to arrive.
_LATE_SECONDS = 1.0
_ABOUT = "selftest.json"
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """The scratch target of one run, open. `silent` are the stores whose service did not answer when it began, so that
    nothing of them was made."""

    env: Environment
    remover: Remover
    silent: frozenset[StoreName] = frozenset()

    def remove(self) -> None:
        """Remove all of it. Raises the first error once all else is gone, but for the table, by which a later run finds
        what is left. Idempotent."""
        target = self.env.target
        errors = [
            *self._tried(StoreName.INDEX, lambda: self.remover.remove_index(self.env.index)),
            *self._tried(StoreName.IMAGES, lambda: self.remover.remove_bucket(target.image_bucket)),
            *self._tried(StoreName.IMAGES, lambda: self.remover.remove_bucket(target.backup_bucket)),
        ]
        if not errors:
            errors = self._tried(StoreName.TABLE, lambda: self.remover.remove_table(target.table))
        if errors:
            raise errors[0]

    def is_gone(self) -> bool:
        """Whether nothing of it is there any more. Read-only."""
        stores = (self.env.stores[name].describe() for name in StoreName)
        return all(about is None for about in stores) and not self.env.repository.exists()

    def _tried(self, store: StoreName, remove: Callable[[], None]) -> list[TattooDataError]:
        try:
            remove()
        except TattooDataError as error:
            return [] if store in self.silent else [error]
        return []


@contextmanager
def scratch_target(
    mine: Environment, *, trace: Trace | None = None, hold: Callable[[], None] = lambda: None
) -> Iterator[Scratch]:
    """A scratch target at the services of a user's, its table and backup bucket made. It goes at the end, however that
    comes; `hold` is called before, so that nothing stops it. What older runs left is removed first."""
    settings = scratch_settings(mine.settings, mine.clock.token(4), mine.clock)
    silent: frozenset[StoreName] = frozenset()
    was_stopped = True
    try:
        with _opened(mine, settings, trace) as scratch:
            with suppress(TattooDataError):  # where the services do not answer, the checks say so
                remove_left(mine, scratch.remover)
            silent = _begin(scratch.env)
            yield replace(scratch, silent=silent)
        was_stopped = False
    finally:
        hold()
        # Anew, once nothing of the first is at work any more
        _remove(mine, settings, silent, was_stopped=was_stopped)


def _begin(env: Environment) -> frozenset[StoreName]:
    """Make the table and the backup bucket, and say there what this run is. Returns the stores that do not answer."""
    about = Blob(msgspec.json.encode(env.target.document()), _JSON)

    def make_bucket() -> None:
        env.repository.create()
        env.repository.put(_ABOUT, about)

    first: dict[StoreName, Callable[[], object]] = {
        StoreName.TABLE: env.stores.table.ensure,
        StoreName.INDEX: env.stores.index.describe,
        StoreName.IMAGES: make_bucket,
    }
    silent: set[StoreName] = set()
    for name, ask in first.items():
        try:
            ask()
        except TattooDataError:
            silent.add(name)
    return frozenset(silent)


def scratch_settings(settings: Settings, token: str, clock: Clock) -> Settings:
    """The settings of a run's scratch target, with one day for all of its commands."""
    backup_bucket = scratch_name(settings.backup_bucket, token, BUCKET_BYTES)
    # Two long names may be one when they are cut
    images = (scratch_name(settings.image_bucket, token, limit) for limit in range(BUCKET_BYTES, 0, -1))
    return replace(
        settings,
        table=scratch_name(settings.table, token, TABLE_BYTES),
        index=scratch_name(settings.index, token, INDEX_BYTES),
        image_bucket=next(name for name in images if name != backup_bucket),
        backup_bucket=backup_bucket,
        as_of=settings.as_of or clock.today(),
    )


def remove_left(mine: Environment, remover: Remover) -> list[str]:
    """Remove what runs left beside this target that were killed more than an hour ago. Returns their tokens."""
    gone: list[str] = []
    for left in remover.left(mine.settings.table, TABLE_BYTES):
        if left.age_seconds < LEFT_AFTER_SECONDS:
            continue
        try:
            if _remove_one(mine, scratch_settings(mine.settings, left.token, mine.clock)):
                gone.append(left.token)
        except TattooDataError as error:
            mine.say(f"note: what an older run left ({left.token}) could not be removed: {error.message}")
    for token in gone:
        mine.say(f"note: what an older run left ({token}) was removed.")
    return gone


def _remove_one(mine: Environment, settings: Settings) -> bool:
    """Remove what one run left; False where its index is at another service, whose next run removes it."""
    with _opened(mine, settings, None) as scratch:
        blob = scratch.env.repository.get(_ABOUT)
        about = _read(blob)
        if about is None:
            scratch.remove()
            return True
    if not about.is_at(mine):
        return False
    # Another target may share the table's name
    settings = replace(settings, index=about.index, image_bucket=about.image_bucket)
    with _opened(mine, settings, None) as scratch:
        scratch.remove()
    return True


class _About(msgspec.Struct, rename="camel"):
    """What a scratch backup bucket says of its run: the target, as every result has it."""

    index: str
    image_bucket: str
    opensearch_endpoint: str
    embedded: bool

    def is_at(self, env: Environment) -> bool:
        """Whether its index is at the service of this target. The local stack's ports change."""
        same = self.opensearch_endpoint == env.target.opensearch_endpoint
        return same or (self.embedded and env.target.embedded)


_decode = msgspec.json.Decoder(_About).decode


def _read(blob: Blob | None) -> _About | None:
    try:
        return _decode(blob.body) if blob else None
    except msgspec.DecodeError:
        return None  # the run was killed before it could say


@contextmanager
def _opened(mine: Environment, settings: Settings, trace: Trace | None) -> Iterator[Scratch]:
    services = find_services(settings, mine.clock, write=False, say=mine.say)
    remover = Remover(services.dynamodb, services.s3, _access(settings, services, trace), mine.clock)
    try:
        with open_environment(settings, mine.clock, progress=mine.progress, trace=trace) as env:
            yield Scratch(env=env, remover=remover)
    finally:
        remover.close()


def _access(settings: Settings, services: Services, trace: Trace | None) -> Access:
    key, secret, token = settings.credentials(local=services.dynamodb.local)
    return Access(access_key=key, secret_key=secret, session_token=token, region=settings.region, trace=trace)


def _remove(mine: Environment, settings: Settings, silent: frozenset[StoreName], *, was_stopped: bool) -> None:
    """Remove it at the end; where that fails it is said, and a later run tries again."""
    try:
        with _opened(mine, settings, None) as scratch:
            last = replace(scratch, silent=silent)
            last.remove()
            if was_stopped:
                mine.clock.sleep(_LATE_SECONDS)
                last.remove()
    except TattooDataError as error:
        mine.say(
            f"note: {settings.table} and what belongs to it could not be removed: {error.message}. A run that begins "
            "more than an hour later tries again."
        )
