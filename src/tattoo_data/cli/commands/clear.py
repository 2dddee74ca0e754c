"""`clear [TYPE]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.complete import clear_types
from tattoo_data.cli.options import Invocation, common, writing

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = """\b
Touches: what TYPE says. all: table, index and images; dynamodb; opensearch; s3: the images;
backups: snapshots and backups, of which there is no undo. The structure stays and is right.

\b
Example:
  tattoo-data clear
  tattoo-data clear opensearch --dry-run

\b
Exit status:
  0  it is empty
  2  no such type
  3  finished, some entries failed; they are named
  11 another command writes to this target
  14 a service does not answer
"""


@click.command("clear", epilog=EPILOG)
@click.argument("what", metavar="[TYPE]", default="all", shell_complete=clear_types)
@writing
@common
def command(invocation: Invocation, what: str, write: WriteOptions) -> int:
    """Empty the live stores, or one of them."""
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.render import show_change
    from tattoo_data.seeding.clear import BACKUPS, check_type, clear

    check_type(what)
    with invocation.environment(write=not write.dry_run) as env:
        if not write.dry_run:
            confirm(invocation, env, f"clear {what}", always=what == BACKUPS)
        if what == BACKUPS:
            from tattoo_data.backups.remove import clear as clear_backups
            from tattoo_data.cli.backups import show_removed

            return show_removed(invocation, env, clear_backups(env, dry_run=write.dry_run, wait=write.wait), type=what)
        change = clear(env, what, write)
        return show_change(invocation, env, change, headline=f"clear {what}", type=what)
