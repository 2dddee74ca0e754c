"""`backup [NAME]`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common, wait_for_prune

EPILOG = """\b
Touches: nothing live; it stores in the backup bucket what is not there yet.

\b
Example:
  tattoo-data backup
  tattoo-data backup "daily-backup-$(date +%Y%m%d)"

\b
Exit status:
  0  it is complete
  2  the name is invalid
  10 the table or the index does not exist
  11 the backup bucket is being pruned
  14 a service does not answer
"""


@click.command("backup", epilog=EPILOG)
@click.argument("name", required=False)
@wait_for_prune
@common
def command(invocation: Invocation, name: str | None, wait: float) -> int:
    """Keep all that the live stores hold as a backup.

    A name may be used again: each backup is a version of it, and `restore` takes the newest. Without a name it is
    called by the time.
    """
    from tattoo_data.backups.take import TakeOptions, take
    from tattoo_data.cli.backups import show_taken

    options = TakeOptions(name=name, wait=wait)
    with invocation.environment() as env:
        return show_taken(invocation, env, take(env, options))
