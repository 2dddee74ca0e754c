"""`states`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data states

\b
Exit status:
  0  listed
  2  with --json, which names the target: a setting has a bad value
"""


@click.command("states", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """List the reset states."""
    from tattoo_data.catalog import states

    if invocation.output.json:
        listed = [{"name": each.name, "description": each.description, "actions": each.actions} for each in states()]
        invocation.output.document(invocation.envelope(states=listed))
    else:
        rows = [[each.name, each.description, each.actions] for each in states()]
        invocation.output.table(["state", "description", "actions"], rows)
    return 0
