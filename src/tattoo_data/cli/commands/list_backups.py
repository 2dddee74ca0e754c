"""`backups list`, which `data-manager` calls `list-backups`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data backups list
  tattoo-data backups list --kind backup --json | jq -r '.snapshots[0].reference'

\b
Exit status:
  0  whatever was found
  14 a service does not answer
"""
KINDS = ("backup", "snapshot", "sync", "node", "damaged")
LISTED = 50


@click.command("list", epilog=EPILOG)
@click.option("--kind", multiple=True, type=click.Choice(KINDS), help="Only this kind; may be repeated.")
@click.option(
    "--limit", type=click.IntRange(0), default=LISTED, show_default=True, metavar="N", help="The newest N; 0 is all."
)
@common
def command(invocation: Invocation, kind: tuple[str, ...], limit: int) -> int:
    """List the backups and snapshots that can be restored."""
    return show(invocation, kind, limit)


def show(invocation: Invocation, kinds: tuple[str, ...], limit: int) -> int:
    """Print those of some kinds, or of all."""
    from tattoo_data.backups.summary import summaries
    from tattoo_data.cli.backups import show_summaries
    from tattoo_data.views.recognise import equals

    with invocation.environment() as env:
        found = [each for each in summaries(env) if not kinds or each.kind in kinds]
        listed = found[: limit or None]
        return show_summaries(invocation, env, listed, equals(env, listed), more=len(found) - len(listed))
