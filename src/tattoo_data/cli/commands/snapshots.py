"""`snapshots`."""

from __future__ import annotations

import click

from tattoo_data.cli.commands.list_backups import LISTED, show
from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data snapshots

\b
Exit status:
  0  whatever was found
  14 a service does not answer
"""


@click.command("snapshots", epilog=EPILOG)
@click.option(
    "--limit", type=click.IntRange(0), default=LISTED, show_default=True, metavar="N", help="The newest N; 0 is all."
)
@common
def command(invocation: Invocation, limit: int) -> int:
    """List the snapshots; `backups list` has the backups too."""
    return show(invocation, ("snapshot",), limit)
