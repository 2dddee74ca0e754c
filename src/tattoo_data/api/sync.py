"""`session.sync`: what `tattoo-data sync` does."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path
from typing import Unpack

from tattoo_data.api.connection import Connection, Writing, write_options
from tattoo_data.model.entry import StoreName
from tattoo_data.sync.across import Synced, SyncOptions, index_to_table, table_to_index
from tattoo_data.sync.detect import Detected, detect
from tattoo_data.sync.follow import Event, FollowOptions, Stop, follow
from tattoo_data.sync.point import Point, Validated, set_point, validate_point
from tattoo_data.sync.policy import policy_of
from tattoo_data.sync.resolve import Resolved, ResolveOptions, resolve, write_plan


class Sync:
    """Table and index, made to agree on every artist."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def dynamo_to_os(self, *, allow_empty: bool = False, **write: Unpack[Writing]) -> Synced:
        """Make the index hold what the table's artists say."""
        options = SyncOptions(allow_empty=allow_empty, write=write_options(write))
        question = options.question(StoreName.INDEX)
        return table_to_index(self._connection.writing(options.write, question), options)

    def os_to_dynamo(self, *, delete: bool = False, allow_empty: bool = False, **write: Unpack[Writing]) -> Synced:
        """Make the table hold what the index's artists say; artists go from it with `delete` only."""
        options = SyncOptions(delete=delete, allow_empty=allow_empty, write=write_options(write))
        question = options.question(StoreName.TABLE)
        return index_to_table(self._connection.writing(options.write, question), options)

    def follow(
        self, stop: Stop | None = None, *, once: bool = False, allow_empty: bool = False
    ) -> Generator[Event, None, None]:
        """Keep the index in step with the table, and tell whatever happens. It ends once `stop` (a `threading.Event`
        for one) is set, with `once` when nothing new comes, and when it is closed; it goes on while it is asked for the
        next event. Its connections are its own, so that another thread may follow than the one that has the session."""
        options = FollowOptions(once=once, allow_empty=allow_empty)
        with self._connection.apart() as env:
            self._connection.confirm_elsewhere(options.question, env)
            yield from follow(env, options, threading.Event() if stop is None else stop)

    def detect_conflicts(self) -> Detected:
        """On which artists both disagree, and who changed what since the last sync point."""
        return detect(self._connection.reading())

    def resolve_conflicts(
        self,
        strategy: str = "latest",
        *,
        prefer: str | None = None,
        apply: str | Path | None = None,
        allow_empty: bool = False,
        **write: Unpack[Writing],
    ) -> Resolved:
        """Decide on every artist on whom both disagree. `prefer` is the side that `merge` takes, `apply` the plan of
        `manual`. What somebody has to decide is `left`."""
        plan = Path(apply) if apply else None
        options = ResolveOptions(
            policy=policy_of(strategy, prefer, apply=plan),
            apply=plan,
            allow_empty=allow_empty,
            write=write_options(write),
        )
        return resolve(self._connection.writing(options.write, options.question), options)

    def write_plan(self, path: str | Path) -> int:
        """Write the conflicts that somebody is to decide into a file; returns how many there are."""
        return write_plan(self._connection.reading(), Path(path))

    def sync_point(self, name: str, *, wait: float = 0.0) -> Point:
        """Keep what both hold now, to tell later who changed what."""
        return set_point(self._connection.reading(), name, wait=wait)

    def validate_sync_point(self, point: str | Path) -> Validated:
        """Check a sync point, by its file or name, and say what changed since."""
        return validate_point(self._connection.reading(), str(point))
