"""`reset STATE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.complete import state_names
from tattoo_data.cli.options import Invocation, as_of, common, writing

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.runs.session import WriteOptions
    from tattoo_data.seeding.reset import ResetOptions

EPILOG = """\b
Touches: table, index and images; whatever is not in the state goes, items of other kinds too.

\b
Example:
  tattoo-data reset fresh
  tattoo-data reset performance-test --scale 20
  tattoo-data reset clean --dry-run

\b
Exit status:
  0  the stores equal the state
  3  finished, some records failed; they are named
  10 no state has this name, or there is no backup to restore
  11 another command writes to this target
  12 the stores do not answer as the state promises
  14 a service does not answer
  15 the table has another key schema, or the target is not allowed
"""


@click.command("reset", epilog=EPILOG)
@click.argument("state", shell_complete=state_names)
@click.option("--scale", type=int, metavar="N", help="Copies of each artist in performance-test.  [5]")
@as_of
@writing
@common
def command(invocation: Invocation, state: str, scale: int | None, write: WriteOptions) -> int:
    """Make the live stores equal a reset state.

    Only what differs is written, so a second reset to the same state writes nothing. `tattoo-data states` lists
    the states.
    """
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.render import show_change
    from tattoo_data.seeding.reset import ResetOptions, check_reset, reset

    options = ResetOptions(state=state, scale=scale, write=write)
    check_reset(options)
    with invocation.environment(write=not write.dry_run) as env:
        confirm(invocation, env, options.question)
        if check_reset(options).source == "backup":
            return _restore_backup(invocation, env, options)
        done = reset(env, options)
        return show_change(
            invocation,
            env,
            done.change,
            headline=f"reset {state}, as of {done.as_of}",
            proof=done.proof,
            state=state,
            asOf=done.as_of.isoformat(),
        )


def _restore_backup(invocation: Invocation, env: Environment, options: ResetOptions) -> int:
    from tattoo_data.backups.restore import restore_backup
    from tattoo_data.cli.backups import show_restored
    from tattoo_data.runs.session import Command

    restored = restore_backup(env, Command(name="reset", arguments=(options.state,)), options.write)
    return show_restored(invocation, env, restored, headline=f"reset {options.state}", state=options.state)
