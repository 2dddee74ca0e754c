"""Gate: lets one writer follow another, place by place."""

from __future__ import annotations

import threading

from tattoo_data.engine.spool import PLACES


class Gate:
    """Opened place by place by a leader, in order; a context manager that opens all of it at the end.

    Where the leader fails, the follower's `wait` raises too: what it waits for will not come.
    """

    def __init__(self) -> None:
        self._open = 0
        self._failed = False
        self._changed = threading.Condition()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._changed:
            self._failed = kind is not None
            self._open = PLACES
            self._changed.notify_all()

    def reach(self, place: int) -> None:
        """The leader is at `place`: all before it is done."""
        with self._changed:
            self._open = max(self._open, place)
            self._changed.notify_all()

    def wait(self, place: int) -> None:
        """Wait until `place` is done. Raises `LeaderFailed` where it never will be."""
        with self._changed:
            self._changed.wait_for(lambda: self._open > place)
            if self._failed:
                raise LeaderFailed


class LeaderFailed(Exception):
    """The writer that is followed has failed; its own error says why."""
