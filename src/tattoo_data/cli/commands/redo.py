"""`redo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common, writing

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = """\b
Touches: the entries that the undo changed, in table, index and images; nothing else.

\b
Example:
  tattoo-data redo

\b
Exit status:
  0  the undo is taken back
  3  finished, some entries failed; they are named
  10 there is nothing to redo
  11 another command writes to this target
  12 a before-image is damaged; nothing was changed
  13 somebody else changed some entries since: they are left and named
  14 a service does not answer
"""


@click.command("redo", epilog=EPILOG)
@click.option("--force", is_flag=True, help="Take back entries that somebody else changed since, too.")
@writing
@common
def command(invocation: Invocation, force: bool, write: WriteOptions) -> int:
    """Take back the last undo.

    Again takes back the undo before it. Once something new is written there is nothing to redo.
    """
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.render import show_undone
    from tattoo_data.runs.undo import UndoOptions, redo

    options = UndoOptions(force=force, write=write)
    with invocation.environment(write=not write.dry_run) as env:
        confirm(invocation, env, options.redo_question)
        return show_undone(invocation, env, redo(env, options))
