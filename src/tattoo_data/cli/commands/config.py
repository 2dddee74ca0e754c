"""`config`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data config

\b
Exit status:
  0  printed
  2  a setting has a bad value
"""


@click.command("config", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Print every setting and where it came from."""
    from tattoo_data.settings import describe

    rows = describe(invocation.settings)
    if invocation.output.json:
        settings = {row.name: {"value": row.value or None, "source": row.source} for row in rows}
        invocation.output.document(invocation.envelope(settings=settings))
    else:
        invocation.output.table(
            ["setting", "value", "from", "variable"],
            [[row.name, row.value or "-", row.source, ", ".join(row.variables) or "-"] for row in rows],
        )
    return 0
