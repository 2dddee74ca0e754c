"""`sync detect-conflicts`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.sync.detect import Detected, FoundField

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data sync detect-conflicts
  tattoo-data sync detect-conflicts --json | jq -r '.findings[] | "\\(.key) \\(.rule) \\(.field)"'

\b
Exit status:
  0  table and index agree on every artist
  4  they do not
  10 there is no table or no index
  12 the sync point is damaged
  14 a service does not answer
"""
_WIDTH = 60


@click.command("detect-conflicts", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Show on which artists table and index disagree, and who changed what since the last sync point."""
    from tattoo_data.cli.render import envelope
    from tattoo_data.cli.syncing import findings_of
    from tattoo_data.sync.detect import detect

    invocation.command = "sync detect-conflicts"
    with invocation.environment() as env:
        found = detect(env)
        if invocation.output.json:
            summary = {"checked": found.checked, "errors": found.errors, "warnings": 0, "infos": found.others.count}
            kinds = dict(sorted(found.kinds.items()))
            document = envelope(
                invocation, env, syncPoint=found.point, summary=summary, conflicts=found.conflicts.count, kinds=kinds
            )
            invocation.output.document(document, findings=findings_of(found))
        else:
            _show(invocation, found)
    return 4 if found.errors else 0


def _show(invocation: Invocation, found: Detected) -> None:
    from tattoo_data.cli.syncing import LISTED, say_more, show_others

    output = invocation.output
    shown = None if output.verbose else LISTED
    for each in islice(found.conflicts, shown):
        output.line(f"{each.id}: {each.words}")
        for field in each.fields:
            output.line(f"  {field.name}: {_spell(field)}")
    say_more(invocation, found.conflicts.count - LISTED)
    for unread in islice(found.unread, shown):
        output.line(f"{unread.store} {unread.key}: {unread.message}")
    say_more(invocation, found.unread.count - LISTED)
    show_others(invocation, found.others)
    if found.kinds:
        output.table(["conflict", "artists"], [[kind, f"{count:,}"] for kind, count in sorted(found.kinds.items())])
    against = f"against sync point {found.point}" if found.point else "without a sync point: two sides, not three"
    count = "1 conflict" if found.conflicts.count == 1 else f"{found.conflicts.count:,} conflicts"
    output.line(f"Checked {found.checked:,} artists {against}: {count}, {found.unread.count:,} cannot be compared.")


def _spell(field: FoundField) -> str:
    """Who changed it, and what each has, cut."""
    values = (f"{whose} {_cut(value.decode())}" for whose, value in field.values.items())
    return f"{field.words} ({', '.join(values)})"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "..."
