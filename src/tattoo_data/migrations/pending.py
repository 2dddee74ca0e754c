"""Pending: which steps have something to do, said as soon as one record is found for each. Read-only."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence

from tattoo_data.migrations.advance import Original, is_pending
from tattoo_data.migrations.step import Context, Step
from tattoo_data.model.entry import Entry

FIRST_VERSION = "1.0.0"


def version_of(steps: Iterable[Step], pending: Collection[str]) -> str:
    """The version of the data: that of the last step of an unbroken row with nothing pending."""
    version = FIRST_VERSION
    for step in steps:
        if step.id in pending:
            break
        version = step.version
    return version


class Pending:
    """The steps that have something to do to the items that it is shown; safe from several threads."""

    def __init__(self, steps: Sequence[Step], context: Context) -> None:
        self._steps = steps
        self._context = context
        self._found: set[str] = set()
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The steps, in their order."""
        return tuple(step.id for step in self._steps if step.id in self._found)

    @property
    def version(self) -> str:
        """The version of the data."""
        return version_of(self._steps, self._found)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take items in, as long as that can tell anything."""
        for original in map(Original, entries):
            left = [step for step in self._steps if step.id not in self._found]
            if not left:
                return
            found = [step.id for step in left if is_pending(step, self._context, original)]
            with self._lock:
                self._found.update(found)
