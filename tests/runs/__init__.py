"""A target in memory: its stores, its repository and its lock, without an engine; and runs to put into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, cast

from tattoo_data.clock import Clock, timestamp
from tattoo_data.engine.flow import no_progress
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Desired
from tattoo_data.environment import Environment, Target
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.repository.before_images import BeforeImages
from tattoo_data.repository.bodies import Bodies
from tattoo_data.repository.manifests import Manifests
from tattoo_data.repository.runs import Run, RunKind, Runs, RunStatus
from tattoo_data.runs.session import Command, Session, WriteOptions, writing
from tattoo_data.runs.undo import Undone, UndoOptions, redo, undo
from tattoo_data.settings import resolve
from tattoo_data.stores.base import Outcome, Store
from tattoo_data.stores.bucket import Listed
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tests.engine.test_plan import Content, desired, memory
from tests.repository.test_locks import Machine, Memory

TARGET = Target(
    aws_endpoint="memory",
    s3_endpoint="memory",
    opensearch_endpoint="memory",
    region="eu-west-2",
    table="table",
    index="index",
    image_bucket="images",
    backup_bucket="backups",
    embedded=True,
    local=True,
)


@dataclass(slots=True)
class Shelf(Memory):
    """The bucket of the locks' tests with all else that a repository asks. `deleted` are the keys that went, in
    order."""

    deleted: list[str] = field(default_factory=list)

    def objects(self, prefix: str = "", *, delimited: bool = False) -> Iterator[Listed]:
        for key in sorted(self.held):
            if key.startswith(prefix) and not (delimited and "/" in key.removeprefix(prefix)):
                yield self._listed(key)

    def get(self, key: str) -> Blob | None:
        return self.held[key][0] if key in self.held else None

    def head(self, key: str) -> Listed | None:
        return self._listed(key) if key in self.held else None

    def put(self, key: str, blob: Blob) -> None:
        assert self.there
        self.held[key] = blob, self.now

    def delete(self, keys: Sequence[str]) -> list[Outcome]:
        for key in keys:
            self.held.pop(key, None)
            self.deleted.append(key)
        return [Outcome(key) for key in keys]

    def keys(self, prefix: str = "") -> list[str]:
        """The keys under a prefix, in order."""
        return [each.key for each in self.objects(prefix)]

    def _listed(self, key: str) -> Listed:
        body = self.held[key][0].body
        return Listed(key=key, size=len(body), etag=hashlib.md5(body, usedforsecurity=False).hexdigest())


class NoIndex:
    """What a session asks of the index's own door: there is nothing left over."""

    def orphans(self) -> list[str]:
        return []


@dataclass(slots=True)
class Desk:
    """A target in memory, and the commands of this tool on it."""

    env: Environment
    shelf: Shelf
    machine: Machine
    said: list[str]

    def write(self, content: Content, *words: str, options: WriteOptions | None = None) -> Change:
        """Make all stores equal `content`, by a command of these words."""
        command = Command(name=words[0] if words else "seed", arguments=words[1:])
        with writing(self.env, command, options or WriteOptions()) as session:
            return session.carry_out(wanted(content))

    def session(self, *words: str, **options: Any) -> AbstractContextManager[Session]:
        """What a command works in."""
        return writing(self.env, Command(name=words[0], arguments=words[1:]), WriteOptions(**options))

    def undo(self, run: str | None = None, *, force: bool = False, **options: Any) -> Undone:
        """Take back a run."""
        return undo(self.env, UndoOptions(run=run, force=force, write=WriteOptions(**options)))

    def redo(self, **options: Any) -> Undone:
        """Take back an undo."""
        return redo(self.env, UndoOptions(write=WriteOptions(**options)))

    def runs(self) -> list[Run]:
        """Every run of the target, the newest first."""
        return list(self.env.runs.newest_first(TARGET.id, self.env.pool).runs)

    def newest(self) -> Run:
        """The newest run."""
        return self.runs()[0]

    def outlive(self, run: Run, command: str) -> None:
        """Leave the lock that a run was written under, as if its process had been killed more than a minute ago."""
        with Machine(self.shelf).lock(command) as lock:
            key = self.shelf.keys("locks/")[0]
            blob = self.shelf.held[key][0]
        self.shelf.held[f"locks/{TARGET.id}.json"] = (
            Blob(blob.body.replace(lock.token.encode(), str(run.lock).encode()), blob.content_type),
            self.shelf.now,
        )
        self.machine.passes(61)


def no_stream() -> NoReturn:
    """A table in memory has no stream."""
    raise AssertionError("a command that follows no stream opened one")


def desk(folder: Path, pool: Executor, stores: Mapping[str, Store] | None = None, shelf: Shelf | None = None) -> Desk:
    """A target in memory, with the stores that are given in their places."""
    shelf = shelf or Shelf()
    machine = Machine(shelf)
    said: list[str] = []
    repository = cast(Any, shelf)
    env = Environment(
        settings=resolve({}, {}, folder),
        target=TARGET,
        stores=memory(**(stores or {})),
        index=cast(Any, NoIndex()),
        repository=repository,
        runs=Runs(repository),
        before_images=BeforeImages(repository),
        bodies=Bodies(repository),
        manifests=Manifests(repository),
        pool=pool,
        clock=machine.clock,
        say=said.append,
        progress=no_progress,
        open_stream=no_stream,
    )
    return Desk(env, shelf, machine, said)


def wanted(content: Content, stores: Sequence[StoreName] = tuple(StoreName)) -> Desired:
    """Just this content, with the bodies of its objects."""
    images = {entry.key: entry for entry in (make_entry(StoreName.IMAGES, *each) for each in content.items())}

    def body(key: str) -> Blob:
        load = images[key].load
        assert load is not None
        return load()

    return replace(desired(content, stores=stores), blobs=body)


class Killed(BaseException):
    """What a test raises where a process would have been killed."""


class Deadly(MemoryStore):
    """A store at whose `dies_at`th write the command dies, before it is taken."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.dies_at = 0

    def lose(self) -> None:
        """Somebody else deletes the whole store."""
        self._entries = None

    def put(self, entries: Sequence[Any]) -> list[Outcome]:
        self._count()
        return super().put(entries)

    def delete(self, targets: Sequence[Any]) -> list[Outcome]:
        self._count()
        return super().delete(targets)

    def exchange(self, exchanges: Sequence[Any]) -> list[Outcome]:
        self._count()
        return super().exchange(exchanges)

    def _count(self) -> None:
        self.dies_at -= 1
        if self.dies_at == 0:
            raise Killed


def make_run(number: int, **changes: Any) -> Run:
    """The `number`th run of a target, a millisecond after the one before."""
    began = datetime.fromisoformat("2026-11-24T10:30:00+00:00") + timedelta(milliseconds=number)
    digits = timestamp(began).translate({ord(each): None for each in "-:."})
    run = Run(
        id=f"{digits}-{number:06x}",
        command="seed",
        arguments=("minimal",),
        target=TARGET.id,
        status=RunStatus.DONE,
        started_at=timestamp(began),
        kind=RunKind.WRITE,
        undoable=True,
    )
    return replace(run, **changes)


def at(moment: datetime) -> Clock:
    """A clock that stands still, and whose tokens are all the same."""
    return Clock(now=lambda: moment, token=lambda size: "0" * 2 * size)
