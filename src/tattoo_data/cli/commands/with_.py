"""`with STATE -- COMMAND...`."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.complete import with_states
from tattoo_data.cli.options import Invocation, as_of, common, wait_option, yes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tattoo_data.runs.session import WriteOptions
    from tattoo_data.views.child import Signals

EPILOG = """\b
STATE is a reset state, a scenario, or a snapshot (NAME, NAME@ID or latest). Where a name is more than one of them, say
which: state:NAME, scenario:NAME, snapshot:NAME. Options of this tool come before STATE; what follows is the command's.
The command gets the application's variables (`tattoo-data env`), and stdout is its own, so that --json makes a
document of an error alone.

\b
Touches: table, index and images, which are as before afterwards, whatever anybody wrote meanwhile; one that was not
there is empty afterwards. No lock is held while the command runs, so that it may use this tool itself.

\b
Example:
  tattoo-data with fresh -- pytest tests/e2e
  tattoo-data with search-basic npm test
  tattoo-data with --as-of 2026-01-31 before-test-suite -- ./check.sh

\b
Exit status:
  0  the command ended with 0; any other code is the command's own, 128 + N where signal N killed it
  1  the stores could not be put back; the snapshot that restores them is named, where nobody removed it
  2  a name means more than one thing, an option is after STATE, or no command is given
  10 nothing has this name
  11 another command writes to this target
  12 the stores could not be made to hold STATE; the command was not run, and they are as before
  14 a service does not answer
  126 the command cannot be run
  127 there is no such command
"""


@click.command("with", epilog=EPILOG, context_settings={"allow_interspersed_args": False})
@click.argument("state", shell_complete=with_states)
@click.argument("words", metavar="[--] COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@yes
@click.option("--no-undo", is_flag=True, help="Keep no before-images: quicker, and `undo` cannot take it back.")
@wait_option("Wait for another command that writes to this target.  [0]")
@as_of
@common
def command(invocation: Invocation, state: str, words: tuple[str, ...], no_undo: bool, wait: float) -> int:
    """Run a command on another state, and put the stores back.

    It takes a snapshot, makes the stores hold STATE, runs the command, restores the snapshot and removes it: also when
    the command fails, and on Ctrl-C or SIGTERM, which end the command first.
    """
    from tattoo_data.runs.session import WriteOptions
    from tattoo_data.views.child import Signals, Stopped

    called = _called(state, words)
    with Signals() as signals:
        try:
            return _run(invocation, state, called, WriteOptions(undo=not no_undo, wait=wait), signals)
        except Stopped as stopped:
            with suppress(OSError):  # the terminal may be gone
                invocation.output.say("Stopped; the stores are as before.")
            return stopped.exit_code


def _called(state: str, words: Sequence[str]) -> Sequence[str]:
    """The command that is to be run. Raises where it is none, before anything is done."""
    from tattoo_data.errors import CommandMissing, CommandNotRun, UsageError

    called = words[1:] if words[0] == "--" else words
    if not called:
        raise click.UsageError("Missing argument 'COMMAND...'.")
    if words[0] != "--" and words[0].startswith("-"):
        raise UsageError(
            what=f"the option {words[0]} comes after STATE, where the command begins",
            hint=f"Options of this tool come before it: tattoo-data with {words[0]} {state} -- COMMAND",
        )
    if shutil.which(called[0]) is None:
        if "/" in called[0] and Path(called[0]).exists():
            raise CommandNotRun(command=called[0], reason="it is not executable")
        raise CommandMissing(command=called[0])
    return called


def _run(invocation: Invocation, state: str, called: Sequence[str], options: WriteOptions, signals: Signals) -> int:
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.environment import application_variables
    from tattoo_data.views.child import run_command
    from tattoo_data.views.sides import Kind, find_side
    from tattoo_data.views.with_state import acts_on, with_state

    with invocation.environment(write=True) as env:
        side = find_side(env, state, (Kind.STATE, Kind.SCENARIO, Kind.SNAPSHOT))
        confirm(invocation, env, f"with {state} replaces what is there while {called[0]} runs")

        def run() -> int:
            acts.say(f"They hold {side.called} now; running {called[0]}.")
            invocation.output.end_progress()
            return run_command(called, {**os.environ, **application_variables(env)}, signals)

        acts = acts_on(env, side, options, run)
        code = with_state(acts, signals)
        acts.say("The stores are as before.")
        return code
