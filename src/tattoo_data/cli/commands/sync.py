"""`sync VERB`."""

from __future__ import annotations

import click

from tattoo_data.cli.commands import (
    sync_detect_conflicts,
    sync_dynamo_to_os,
    sync_follow,
    sync_os_to_dynamo,
    sync_resolve_conflicts,
    sync_sync_point,
    sync_validate_sync_point,
)

EPILOG = """\b
Touches: table and index, of artists only.

\b
Example:
  tattoo-data sync dynamo-to-os
  tattoo-data sync detect-conflicts
  tattoo-data sync resolve-conflicts latest --dry-run
  tattoo-data sync follow

\b
Exit status:
  0  done; the verbs' own help says more
"""


@click.group("sync", epilog=EPILOG)
def command() -> None:
    """Make table and index agree on every artist."""


for each in (
    sync_dynamo_to_os,
    sync_os_to_dynamo,
    sync_detect_conflicts,
    sync_resolve_conflicts,
    sync_sync_point,
    sync_validate_sync_point,
    sync_follow,
):
    command.add_command(each.command)
