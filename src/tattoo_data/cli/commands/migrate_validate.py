"""`migrate validate`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.migrations.overview import Overview

EPILOG = """\b
Touches: nothing; it reads table and index.

\b
Example:
  tattoo-data migrate validate
  tattoo-data migrate validate --json | jq -r '.findings[].message'

\b
Exit status:
  0  table and index are as every migration promises
  2  a file of the migrations' folder is no migration
  4  something is pending, or not as it is promised
  10 there is no table
  14 a service does not answer
"""
_SHOWN = 10


@click.command("validate", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Check that table and index are as the migrations promise."""
    from tattoo_data.cli.commands.migrate_list import standing_document
    from tattoo_data.cli.migrating import steps_of
    from tattoo_data.cli.render import envelope
    from tattoo_data.migrations.overview import validate_steps

    steps = steps_of(invocation)
    invocation.command = "migrate validate"
    with invocation.environment() as env:
        found = validate_steps(env, steps)
        if invocation.output.json:
            checked = sum(each.pending + each.failing + each.done for each in found.standings)
            document = envelope(
                invocation,
                env,
                migrations=[standing_document(each) for each in found.standings],
                summary={"checked": checked, "errors": found.findings.count, "warnings": 0, "infos": 0},
            )
            invocation.output.document(document, findings=(each.document() for each in found.findings))
        else:
            _show(invocation, found)
    return 4 if found.findings.count else 0


def _show(invocation: Invocation, found: Overview) -> None:
    output = invocation.output
    rows = [
        [each.step.id, each.step.version, f"{each.pending:,}", f"{each.failing:,}", f"{each.done:,}"]
        for each in found.standings
    ]
    output.table(["migration", "version", "pending", "failing", "done"], rows)
    shown = None if output.verbose else _SHOWN
    for each in islice(found.findings, shown):
        output.line(f"{each.store} {each.subject} {each.field}: {each.message}")
    if shown and found.findings.count > shown:
        output.line(f"... and {found.findings.count - shown:,} more (-v shows all)")
    if not found.findings.count:
        output.line("Table and index are as every migration promises.")
