"""`sync validate-sync-point FILE`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.sync.point import Validated

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data sync validate-sync-point before-deploy
  tattoo-data sync validate-sync-point sync-points/sync-point-before-deploy-2026-11-24T10-00-00-000Z.json

\b
Exit status:
  0  table and index hold what they held then
  2  it is of another table or index
  4  something changed; it is named
  10 there is no such sync point, no table or no index
  12 the file was changed, or the snapshot is damaged
  14 a service does not answer
"""


@click.command("validate-sync-point", epilog=EPILOG)
@click.argument("point", metavar="FILE")
@common
def command(invocation: Invocation, point: str) -> int:
    """Check a sync point, and show what changed since.

    FILE is the file that sync-point wrote, or the name of a sync point. A file of the Node tool is read too: it knows
    counts only.
    """
    from tattoo_data.cli.render import envelope
    from tattoo_data.cli.syncing import findings_since
    from tattoo_data.sync.point import validate_point

    invocation.command = "sync validate-sync-point"
    with invocation.environment() as env:
        found = validate_point(env, point)
        if invocation.output.json:
            now = {store.value: {"then": counts[0], "now": counts[1]} for store, counts in found.counts.items()}
            summary = {
                "checked": sum(max(counts) for counts in found.counts.values()),
                "errors": found.since.count,
                "warnings": 0,
                "infos": 0,
            }
            document = envelope(
                invocation,
                env,
                syncPoint=found.snapshot,
                countsOnly=found.snapshot is None,
                same=found.is_same,
                counts=now,
                summary=summary,
            )
            invocation.output.document(document, findings=findings_since(found))
        else:
            _show(invocation, found)
    return 0 if found.is_same else 4


def _show(invocation: Invocation, found: Validated) -> None:
    from tattoo_data.cli.syncing import LISTED, say_more
    from tattoo_data.validation.rule import spoken

    output = invocation.output
    for each in islice(found.since, None if output.verbose else LISTED):
        output.line(f"{each.what}: {each.store} {spoken(each.key)}")
    say_more(invocation, found.since.count - LISTED)
    for store, (then, now) in found.counts.items():
        output.line(f"{store}: {then:,} entries then, {now:,} now")
    if found.snapshot is None:
        output.line("This sync point knows counts only: whether records changed cannot be told from it.")
    else:
        count = found.since.count
        changed = "1 entry" if count == 1 else f"{count:,} entries" if count else "nothing"
        output.line(f"Since sync point {found.snapshot}: {changed} changed.")
