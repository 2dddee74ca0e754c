"""`why KEY`."""

from __future__ import annotations

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
KEY is the id of a record (artist-001), the PK of an item (ARTIST#artist-001), PK/SK, the _id of a document, or the key
or url of an image. Of an image it tells what links to it. A PK alone is a record's; where no record has it, all items
of that PK are shown.

\b
Touches: nothing.

\b
Example:
  tattoo-data why artist-001
  tattoo-data why 'AUDIT#7/2026-11-24'
  tattoo-data why artists/portrait-1.png --json | jq -r '.referredToBy[].key'

\b
Exit status:
  0  something is known
  10 nothing is known under this key, or the table or index does not exist
  14 a service does not answer
  15 the table has another key schema, or the target is not allowed
"""


@click.command("why", epilog=EPILOG)
@click.argument("key")
@common
def command(invocation: Invocation, key: str) -> int:
    """Show everything that is known of one record.

    Its item and document, where they differ, what validation says of it, its images, and what the last runs did to it.
    """
    from tattoo_data.cli.explained import show_known
    from tattoo_data.views.why import why

    with invocation.environment() as env:
        show_known(invocation, env, key, why(env, key))
    return 0
