"""`session.backups`: what `tattoo-data backups` does."""

from __future__ import annotations

from collections.abc import Sequence

from tattoo_data.api.connection import Connection
from tattoo_data.backups.remove import PruneOptions, Removed, delete, prune
from tattoo_data.backups.summary import Summary, shown, summaries
from tattoo_data.backups.verify import Verified, verify
from tattoo_data.environment import Environment
from tattoo_data.runs.session import WriteOptions


class Backups:
    """The backups and snapshots that are kept. What removes some needs `connect(yes=True)` on any target: there is no
    undo."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Sequence[Summary]:
        """All of them, the newest first."""
        return summaries(self._connection.reading())

    def show(self, name: str) -> Summary:
        """One of them: NAME the newest, NAME@ID a version, `latest` the newest of all."""
        return shown(self._connection.reading(), name)[0]

    def verify(self, *names: str) -> Sequence[Verified]:
        """Read all that some need, or every one, and name what is gone or damaged."""
        return tuple(verify(self._connection.reading(), names))

    def delete(self, name: str, *, dry_run: bool = False, wait: float = 0.0) -> Removed:
        """Remove one: NAME all versions, NAME@ID one."""
        env = self._removing(None if dry_run else f"backups delete {name} removes it, and there is no undo")
        return delete(env, name, dry_run=dry_run, wait=wait)

    def prune(
        self,
        *names: str,
        keep: int = 0,
        daily: int = 0,
        weekly: int = 0,
        dry_run: bool = False,
        wait: float = 0.0,
    ) -> Removed:
        """Remove versions but the newest `keep` of each name and those of the last days and weeks, and what no backup
        needs any more. Without these three all versions stay."""
        options = PruneOptions(names=names, keep=keep, daily=daily, weekly=weekly, dry_run=dry_run, wait=wait)
        return prune(self._removing(options.question), options)

    def _removing(self, question: str | None) -> Environment:
        env = self._connection.writing(WriteOptions(dry_run=question is None))
        if question:
            self._connection.confirm(question, env)
        return env
