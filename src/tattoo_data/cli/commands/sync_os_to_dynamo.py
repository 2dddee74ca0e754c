"""`sync os-to-dynamo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common, writing
from tattoo_data.cli.syncing import EXIT

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = (
    """\b
Touches: the table's artists, and documents that are not in the form of their item.

\b
Example:
  tattoo-data sync os-to-dynamo
  tattoo-data sync os-to-dynamo --delete --dry-run -v
"""
    + EXIT
)


@click.command("os-to-dynamo", epilog=EPILOG)
@click.option("--delete", is_flag=True, help="Remove artists from the table that the index does not have.")
@click.option("--allow-empty", is_flag=True, help="Go on where the source holds no artist at all.")
@writing
@common
def command(invocation: Invocation, delete: bool, allow_empty: bool, write: WriteOptions) -> int:
    """Make the table hold what the index's artists say."""
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.syncing import show_synced
    from tattoo_data.model.entry import StoreName
    from tattoo_data.sync.across import SyncOptions, index_to_table

    invocation.command = "sync os-to-dynamo"
    options = SyncOptions(delete=delete, allow_empty=allow_empty, write=write)
    with invocation.environment(write=not write.dry_run) as env:
        confirm(invocation, env, options.question(StoreName.TABLE))
        return show_synced(invocation, env, index_to_table(env, options))
