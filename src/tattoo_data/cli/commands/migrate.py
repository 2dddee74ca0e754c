"""`migrate VERB`."""

from __future__ import annotations

import click

from tattoo_data.cli.commands import (
    migrate_list,
    migrate_new,
    migrate_rollback,
    migrate_run,
    migrate_run_all,
    migrate_test,
    migrate_validate,
)

EPILOG = """\b
Touches: table and index.

\b
Example:
  tattoo-data migrate list
  tattoo-data migrate run-all
  tattoo-data migrate rollback add-social-media

\b
Exit status:
  0  done; the verbs' own help says more
"""


@click.group("migrate", epilog=EPILOG)
def command() -> None:
    """Change the schema of table and index, and take it back."""


for each in (
    migrate_list,
    migrate_run,
    migrate_run_all,
    migrate_validate,
    migrate_rollback,
    migrate_new,
    migrate_test,
):
    command.add_command(each.command)
