"""`migrate run NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.migrating import epilog, migration_names
from tattoo_data.cli.options import Invocation, as_of, common, writing

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = epilog(
    "table and index; it changes what the migration says it writes.",
    "  tattoo-data migrate run add-social-media\n"
    "  tattoo-data migrate run normalize-locations --dry-run -v\n"
    "  tattoo-data migrate run normalize-locations --keys 'ARTIST#*-00*' --limit 5",
    done="every record is as the migration wants it",
    undecided="not used",
    missing="no migration has this name, there is no table, or no key is like --keys",
).replace("  13 not used\n", "")


@click.command("run", epilog=EPILOG)
@click.argument("name", shell_complete=migration_names)
@click.option("--keys", metavar="PATTERN", help="Only items whose PK is so, such as 'ARTIST#00*'.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Change at most so many records.")
@as_of
@writing
@common
def command(invocation: Invocation, name: str, keys: str | None, limit: int | None, write: WriteOptions) -> int:
    """Run one migration over table and index."""
    from tattoo_data.cli.migrating import migrated_document, show_left, show_migration, steps_of
    from tattoo_data.migrations.load import find_step
    from tattoo_data.migrations.migrate import MigrateOptions, migrate

    steps = steps_of(invocation)
    step = find_step(steps, name)
    invocation.command = "migrate run"
    with invocation.environment(write=not write.dry_run) as env:
        before = steps[: steps.index(step)]
        done = migrate(env, step, MigrateOptions(keys=keys, limit=limit, write=write), before)
        headline = f"migrate run {step.id} {step.version}"
        code = show_migration(invocation, env, done.change, headline=headline, **migrated_document(done))
    show_left(invocation, done)
    return code
