"""`session.migrate`: what `tattoo-data migrate` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from tattoo_data.api.connection import Connection, Writing, write_options
from tattoo_data.migrations.load import find_step, load_steps
from tattoo_data.migrations.migrate import Migrated, MigrateOptions, migrate, migrate_all
from tattoo_data.migrations.overview import Overview, overview, validate_steps
from tattoo_data.migrations.rollback import RolledBack, roll_back
from tattoo_data.migrations.step import Step
from tattoo_data.selftest.trial import Trial, try_step


class Migrate:
    """The steps of the schema: those that ship, and the project's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Overview:
        """Every step, and what it has still to do."""
        steps = self._steps()
        return overview(self._connection.reading(), steps)

    def run(
        self, name: str, *, keys: str | None = None, limit: int | None = None, **write: Unpack[Writing]
    ) -> Migrated:
        """Take every record through one step, or only some keys or so many records."""
        steps = self._steps()
        step = find_step(steps, name)
        options = MigrateOptions(keys=keys, limit=limit, write=write_options(write))
        env = self._connection.writing(options.write)
        return migrate(env, step, options, steps[: steps.index(step)])

    def run_all(self, **write: Unpack[Writing]) -> Sequence[Migrated]:
        """Every step in the order of versions, up to the first that fails."""
        steps, options = self._steps(), write_options(write)
        return list(migrate_all(self._connection.writing(options), steps, options))

    def rollback(self, name: str, **write: Unpack[Writing]) -> RolledBack:
        """Put back what a step changed, field by field."""
        steps, options = self._steps(), write_options(write)
        step = find_step(steps, name)
        return roll_back(self._connection.writing(options), step, steps, options)

    def validate(self) -> Overview:
        """The same as `list`, with a finding for whatever is not as the steps promise."""
        steps = self._steps()
        return validate_steps(self._connection.reading(), steps)

    def test(self, name: str, *, limit: int = 1_000) -> Trial:
        """Try a step on a copy of up to `limit` records: up, up again, and rolled back."""
        steps = self._steps()
        return try_step(self._connection.reading(), find_step(steps, name), steps, limit)

    def _steps(self) -> Sequence[Step]:
        return load_steps(self._connection.settings.migrations)
