"""`restore NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.complete import snapshot_names
from tattoo_data.cli.options import Invocation, common, services, writing

if TYPE_CHECKING:
    from tattoo_data.model.entry import StoreName
    from tattoo_data.runs.session import WriteOptions

EPILOG = """\b
Touches: table, index and images; what is not in the snapshot goes from each that it holds.

\b
Example:
  tattoo-data restore before-test-suite
  tattoo-data restore latest --dry-run
  tattoo-data restore before-test-suite --keys 'ARTIST#00*'

\b
Exit status:
  0  the stores equal the snapshot
  3  finished, some records failed; they are named
  10 no snapshot or backup has this name, or no key is like --keys
  11 another command writes to this target
  12 the snapshot is damaged and nothing was written, or the stores do not equal it
  14 a service does not answer
  15 the table has another key schema, or the target is not allowed
"""


@click.command("restore", epilog=EPILOG)
@click.argument("name", shell_complete=snapshot_names)
@services
@click.option("--keys", metavar="PATTERN", help="Only entries whose key is so, such as 'ARTIST#00*'.")
@writing
@common
def command(
    invocation: Invocation, name: str, only: tuple[StoreName, ...], keys: str | None, write: WriteOptions
) -> int:
    """Make the live stores equal a snapshot or backup.

    NAME takes the newest of that name, NAME@ID an older one; the beginning of a name will do, and `latest` is the
    newest of all. The Node tool's backups are among them. All that is needed is read and checked before anything is
    written, and only what differs is written.
    """
    from tattoo_data.backups.restore import RestoreOptions, restore
    from tattoo_data.cli.backups import show_restored
    from tattoo_data.cli.confirm import confirm

    options = RestoreOptions(reference=name, only=only, keys=keys, write=write)
    with invocation.environment(write=not write.dry_run) as env:
        confirm(invocation, env, options.question)
        return show_restored(invocation, env, restore(env, options), headline=f"restore {name}")
