"""`snapshot NAME`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common, wait_for_prune

EPILOG = """\b
Touches: nothing live; it stores in the backup bucket what is not there yet.

\b
Example:
  tattoo-data snapshot before-test-suite
  tattoo-data restore before-test-suite

\b
Exit status:
  0  it is complete
  2  the name is invalid
  10 the table or the index does not exist
  11 the backup bucket is being pruned
  14 a service does not answer
"""


@click.command("snapshot", epilog=EPILOG)
@click.argument("name")
@wait_for_prune
@common
def command(invocation: Invocation, name: str, wait: float) -> int:
    """Keep all that the live stores hold as a snapshot.

    It is the same as a backup, but that `reset backup-restore` does not take it. A name may be used again: `restore`
    takes the newest.
    """
    from tattoo_data.backups.take import TakeOptions, take
    from tattoo_data.cli.backups import show_taken
    from tattoo_data.repository.manifests import Kind

    options = TakeOptions(name=name, kind=Kind.SNAPSHOT, wait=wait)
    with invocation.environment() as env:
        return show_taken(invocation, env, take(env, options))
