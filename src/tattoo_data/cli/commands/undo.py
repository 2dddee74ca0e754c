"""`undo [RUN]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.complete import run_ids
from tattoo_data.cli.options import Invocation, common, writing

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = """\b
Touches: the entries that the run changed, in table, index and images; nothing else.

\b
Example:
  tattoo-data undo
  tattoo-data undo --dry-run
  tattoo-data undo 20261124T103000000Z-1a2b3c --force

\b
Exit status:
  0  everything that the run changed is as it was before
  3  finished, some entries failed; they are named
  10 there is nothing to undo, or no run of this id
  11 another command writes to this target
  12 a before-image is damaged; nothing was changed
  13 somebody else changed some entries since: they are left and named
  14 a service does not answer
"""


@click.command("undo", epilog=EPILOG)
@click.argument("run", required=False, shell_complete=run_ids)
@click.option("--force", is_flag=True, help="Take back entries that somebody else changed since, too.")
@writing
@common
def command(invocation: Invocation, run: str | None, force: bool, write: WriteOptions) -> int:
    """Take back what the last writing command did.

    Each entry goes back to what it was, but only where it still is what that command wrote. Again goes one command
    further back; a command that found nothing to do does not count. RUN picks one, by its id or the beginning of it
    (`tattoo-data history` lists them).
    """
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.render import show_undone
    from tattoo_data.runs.undo import UndoOptions, undo

    options = UndoOptions(run=run, force=force, write=write)
    with invocation.environment(write=not write.dry_run) as env:
        confirm(invocation, env, options.question)
        return show_undone(invocation, env, undo(env, options))
