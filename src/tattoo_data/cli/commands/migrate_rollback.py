"""`migrate rollback NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.migrating import epilog, migration_names
from tattoo_data.cli.options import Invocation, common, writing

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = epilog(
    "table and index; it puts back what the migration changed.",
    "  tattoo-data migrate rollback add-social-media",
    done="what the migration changed is as it was",
    undecided="something was changed since and is left, or a later migration wrote the same field",
)


@click.command("rollback", epilog=EPILOG)
@click.argument("name", shell_complete=migration_names)
@writing
@common
def command(invocation: Invocation, name: str, write: WriteOptions) -> int:
    """Put back what a migration changed, field by field."""
    from tattoo_data.cli.migrating import show_migration, steps_of
    from tattoo_data.migrations.load import find_step
    from tattoo_data.migrations.rollback import roll_back

    steps = steps_of(invocation)
    step = find_step(steps, name)
    invocation.command = "migrate rollback"
    with invocation.environment(write=not write.dry_run) as env:
        back = roll_back(env, step, steps, write)
        return show_migration(
            invocation,
            env,
            back.change,
            headline=f"migrate rollback {step.id} {step.version}",
            migration=step.id,
            version=step.version,
            rolledBack=[run.id for run in back.runs],
        )
