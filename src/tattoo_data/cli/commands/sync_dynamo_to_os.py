"""`sync dynamo-to-os`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common, writing
from tattoo_data.cli.syncing import EXIT

if TYPE_CHECKING:
    from tattoo_data.runs.session import WriteOptions

EPILOG = (
    """\b
Touches: the index; documents of other shapes stay.

\b
Example:
  tattoo-data sync dynamo-to-os
  tattoo-data sync dynamo-to-os --dry-run -v
"""
    + EXIT
)


@click.command("dynamo-to-os", epilog=EPILOG)
@click.option("--allow-empty", is_flag=True, help="Go on where the source holds no artist at all.")
@writing
@common
def command(invocation: Invocation, allow_empty: bool, write: WriteOptions) -> int:
    """Make the index hold what the table's artists say."""
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.syncing import show_synced
    from tattoo_data.model.entry import StoreName
    from tattoo_data.sync.across import SyncOptions, table_to_index

    invocation.command = "sync dynamo-to-os"
    options = SyncOptions(allow_empty=allow_empty, write=write)
    with invocation.environment(write=not write.dry_run) as env:
        confirm(invocation, env, options.question(StoreName.INDEX))
        return show_synced(invocation, env, table_to_index(env, options))
