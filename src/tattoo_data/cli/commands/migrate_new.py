"""`migrate new NAME`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: two new files in the folder of your migrations (migrations/, or `migrations.folder` of tattoo-data.toml).

\b
Example:
  tattoo-data migrate new add-languages
  tattoo-data migrate test add-languages

\b
Exit status:
  0  the files are written
  1  they cannot be written
  2  no migration can be called so, or one is
"""


@click.command("new", epilog=EPILOG)
@click.argument("name")
@common
def command(invocation: Invocation, name: str) -> int:
    """Write the file of a new migration, with a test beside it."""
    from tattoo_data.cli.migrating import steps_of
    from tattoo_data.migrations.new import write_step

    written = write_step(invocation.settings.migrations, name, steps_of(invocation))
    if invocation.output.json:
        fields = {"step": str(written.step), "test": str(written.test), "version": written.version}
        invocation.output.document({"command": "migrate new", "elapsedSeconds": invocation.elapsed(), **fields})
    else:
        invocation.output.line(f"{written.step}: version {written.version}; fill in `up`.")
        invocation.output.line(f"{written.test}: what it does to a record, for pytest.")
    return 0
