"""`diff A [B]`."""

from __future__ import annotations

import click

from tattoo_data.cli.complete import sides
from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
A and B are any two of: live, the live stores; a reset state or a scenario (A+B too); a snapshot (NAME, NAME@ID or
latest); an export directory or file, by its path. Where a name is more than one of them, say which:
state:NAME, scenario:NAME, snapshot:NAME, file:PATH. `created` is what only B has, `deleted` what only A has.

\b
Touches: nothing.

\b
Example:
  tattoo-data diff fresh
  tattoo-data diff before-test-suite live --only table -v
  tattoo-data diff ./exports/export-2026-11-24T10-30-00-000Z state:minimal --keys 'ARTIST#artist-00*'
  tattoo-data diff latest --json | jq -r '.differences[].key'

\b
Exit status:
  0  both hold the same
  2  a name means more than one thing, or no store is held by both
  4  they differ
  10 nothing has this name, or the live table or index does not exist
  12 files or a snapshot are damaged
  14 a service does not answer
  15 the live table has another key schema, or the target is not allowed
"""
DIFFERENT = 4
#: What a store is called here, and by the utilities.
_STORES = {"table": "table", "index": "index", "images": "images"}
_STORES |= {"dynamodb": "table", "opensearch": "index", "s3": "images"}


@click.command("diff", epilog=EPILOG)
@click.argument("a", metavar="A", shell_complete=sides)
@click.argument("b", metavar="[B]", default="live", shell_complete=sides)
@click.option("--only", type=click.Choice(list(_STORES)), multiple=True, help="Compare this store; may be repeated.")
@click.option("--keys", metavar="PATTERN", help="Only entries whose PK, _id or object key is like it.")
@click.option("--as-of", metavar="YYYY-MM-DD", help="The day of relative dates.  [that of the last seed or reset]")
@common
def command(invocation: Invocation, a: str, b: str, only: tuple[str, ...], keys: str | None) -> int:
    """Compare two states, entry by entry and field by field.

    It tells what would have to happen to A to become B; B is `live` unless it is said. Relative dates of a state or
    scenario count from the day of the target's last seed or reset, so that what was seeded yesterday equals its state
    today; --as-of sets another.
    """
    from tattoo_data.cli.compared import show_comparison
    from tattoo_data.model.entry import StoreName
    from tattoo_data.views.diff import DiffOptions, diff

    stores = {StoreName(_STORES[each]) for each in only}
    chosen = tuple(name for name in StoreName if name in stores)
    with invocation.environment() as env:
        found = diff(env, DiffOptions(a=a, b=b, only=chosen, keys=keys))
        show_comparison(invocation, env, found, keys)
    return 0 if found.is_equal else DIFFERENT
