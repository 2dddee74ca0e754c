"""The journal of one writing command: its run, and the before-images of what it writes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial

from tattoo_data.clock import timestamp
from tattoo_data.engine.journal import Kept
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Plan
from tattoo_data.environment import Environment
from tattoo_data.model.before import AttributesMade, BeforeImage, attributes_made
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.repository.locks import Lock
from tattoo_data.repository.runs import Run, RunStatus
from tattoo_data.runs.timeline import MIGRATE
from tattoo_data.stores.objects import with_body


class RunJournal:
    """Keeps a command as a run of its target. `run` is the one that it begins, or goes on with."""

    def __init__(self, env: Environment, lock: Lock | None, run: Run) -> None:
        self.run = run
        self.begun = False
        self._env = env
        self._lock = lock
        self._files = 0
        self._counting = threading.Lock()

    @property
    def keeps_images(self) -> bool:
        """Whether the run can be undone."""
        return self.run.undoable

    def begin(self, plan: Plan, fingerprint_before: str | None) -> str:
        """Store the run as running. One that goes on keeps what it found when it began."""
        before = self.run.fingerprint_before or fingerprint_before
        self.run = replace(self.run, fingerprint_before=before, lock=self._held().token)
        self._files = len(self._env.before_images.files(self.run.id))
        self._env.runs.write(self.run)
        self.begun = True
        return self.run.id

    def keep(self, store: StoreName, changes: Sequence[Kept], *, instead: bool = False) -> None:
        """Store the before-images of a chunk. Raises `LockLost` where another command has taken over."""
        self._held().check()
        if changes and self.keeps_images:
            # Objects are read and stored one by one: beside each other, that is.
            each_image = self._env.pool.map if store is StoreName.IMAGES else map
            images = list(each_image(partial(self._image, store, instead), changes))
            with self._counting:  # two stores are written beside each other
                self._files += 1
                number = self._files
            self._env.before_images.write(self.run.id, number, store, images)

    def close(self, change: Change) -> None:
        """Store how it ended."""
        self._held().check()
        self.run = replace(
            self.run,
            status=RunStatus.PARTIAL if change.failures else RunStatus.DONE,
            ended_at=timestamp(self._env.clock.now()),
            counts={name.value: asdict(counts) for name, counts in change.counts.items()},
            fingerprint_after=change.fingerprint,
            files=self._files if self.begun else len(self._env.before_images.files(self.run.id)),
            lock=self._held().token,
        )
        self._env.runs.write(self.run)

    def _held(self) -> Lock:
        assert self._lock is not None, "a dry run writes nothing"
        return self._lock

    def _image(self, store: StoreName, instead: bool, change: Kept) -> BeforeImage:
        step, made = change.step, self._made(store, change)

        def image(found: Entry) -> BeforeImage:
            blob = self._env.bodies.keep(found.load()) if found.load else None
            return BeforeImage(step.key, found.body, step.after, found.routing, blob, instead, made)

        kept = with_body(self._env.stores.images, change.found, image) if change.found else None
        return kept or BeforeImage(step.key, None, step.after, instead=instead)

    def _made(self, store: StoreName, change: Kept) -> AttributesMade | None:
        """What a migration makes of the attributes of an item: its rollback puts them back one by one."""
        migrates = store is StoreName.TABLE and (self.run.command, *self.run.arguments[:1]) == (MIGRATE, "run")
        found, put = change.found, change.step.put
        return attributes_made(found.body, put.body) if migrates and found and put else None
