"""Watched: one target whose checks go on whatever becomes of it, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from types import TracebackType
from typing import Self

from tattoo_data.backups.catalogue import NodeArchive, Snapshot, newest_that, node_archives, readable
from tattoo_data.clock import Clock
from tattoo_data.environment import Environment
from tattoo_data.errors import StackFailed, Unreachable
from tattoo_data.monitoring.check import check, unreached
from tattoo_data.monitoring.glance import Walk
from tattoo_data.monitoring.remember import target_document
from tattoo_data.monitoring.requests import Recorder
from tattoo_data.monitoring.sample import Sample
from tattoo_data.monitoring.view import Kept
from tattoo_data.runs.session import read_timeline
from tattoo_data.settings import Settings
from tattoo_data.views.recognise import Content, recognise

#: Opens the environment, with a recorder as its trace.
Opening = Callable[[Recorder], AbstractContextManager[Environment]]
#: So many of the last snapshots and backups are looked at and shown.
_LOOKED_AT, _SHOWN = 20, 5
_NODE = "node"


class Watched:
    """A target to be checked. A context manager that opens its environment and closes it.

    Where the gateway that OpenSearch is found through does not answer, the checks say so, and each tries again. All
    else that keeps an environment from being opened is raised.
    """

    def __init__(self, settings: Settings, opening: Opening, clock: Clock) -> None:
        self._settings = settings
        self._opening = opening
        self._clock = clock
        self._recorder = Recorder()
        self._walk = Walk()
        self._names: _Names | None = None
        self._shelf: _Shelf | None = None
        self._env: Environment | None = None
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._open()
        except StackFailed:
            raise
        except Unreachable:
            pass  # the first check tells it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @property
    def target(self) -> Mapping[str, object]:
        """The JSON form of the target; as far as the settings say it, before it could be opened."""
        return self._env.target.document() if self._env else target_document(self._settings)

    def check(self, light: bool, *, name_all: bool = False) -> Sample:
        """One check, and what the content is called where that was a full one; see `check.check`."""
        at, start = self._clock.now(), self._clock.monotonic()
        try:
            env = self._open()
        except Unreachable as error:
            return unreached(error, at, self._clock.monotonic() - start, light=light)
        return check(env, self._recorder, light=light, walk=self._walk, naming=self._names, name_all=name_all)

    def kept(self) -> Sequence[Kept]:
        """The last snapshots and backups, the newest first."""
        self._open()
        return self._shelf.kept() if self._shelf else ()

    def _open(self) -> Environment:
        if self._env is None:
            self._env = self._cleanup.enter_context(self._opening(self._recorder))
            self._names, self._shelf = _Names(self._env), _Shelf(self._env)
        return self._env


class _Names:
    """What contents are called. It is looked up once, until the content is another one."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._fingerprint = ""
        self._name: str | None = None

    def __call__(self, content: Content) -> str | None:
        if content.fingerprint != self._fingerprint:
            self._name = self._look_up(content)
            self._fingerprint = content.fingerprint
        return self._name

    def _look_up(self, content: Content) -> str | None:
        day = read_timeline(self._env).as_of or self._env.clock.today()
        if name := recognise(self._env, content, day):
            return name
        same = newest_that(self._env, lambda manifest: manifest.fingerprint == content.fingerprint)
        return same.stored.name if same else None


class _Shelf:
    """The snapshots and backups of a target. Manifests are read once, until there are others."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._listed: object = None
        self._kept: Sequence[Kept] = ()

    def kept(self) -> Sequence[Kept]:
        """The last ones, the newest first."""
        listed = self._env.manifests.listed(), node_archives(self._env)
        if listed != self._listed:
            stored, archives = listed
            read = (each for _, each in readable(self._env, islice(stored, _LOOKED_AT)) if isinstance(each, Snapshot))
            found: list[Snapshot | NodeArchive] = [each for each in read if each.manifest.target == self._env.target.id]
            found = sorted([*found, *archives], key=lambda each: each.created_at, reverse=True)
            self._kept, self._listed = tuple(map(_kept, found[:_SHOWN])), listed
        return self._kept


def _kept(found: Snapshot | NodeArchive) -> Kept:
    kind = _NODE if isinstance(found, NodeArchive) else str(found.manifest.kind)
    return Kept(reference=found.reference, kind=kind, created_at=found.created_at)
