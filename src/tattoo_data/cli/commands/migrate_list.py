"""`migrate list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.migrations.overview import Standing

EPILOG = """\b
Touches: nothing; it reads the table.

\b
Example:
  tattoo-data migrate list
  tattoo-data migrate list --json | jq -r .schemaVersion

\b
Exit status:
  0  whatever was found
  2  a file of the migrations' folder is no migration
  10 there is no table
  14 a service does not answer
"""


@click.command("list", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """List the migrations, and what each has still to do."""
    from tattoo_data.cli.migrating import steps_of
    from tattoo_data.cli.render import envelope
    from tattoo_data.migrations.overview import overview

    steps = steps_of(invocation)
    invocation.command = "migrate list"
    with invocation.environment() as env:
        found = overview(env, steps)
        if invocation.output.json:
            standings = [standing_document(each) for each in found.standings]
            versions = {"schemaVersion": found.schema_version, "pendingMigrations": list(found.pending)}
            invocation.output.document(envelope(invocation, env, migrations=standings, **versions))
            return 0
        head = ["migration", "version", "pending", "done", "last run", "by", "what it does"]
        invocation.output.table(head, [_row(each) for each in found.standings])
        invocation.output.line(f"The data are of schema version {found.schema_version}.")
    return 0


def standing_document(standing: Standing) -> dict[str, Any]:
    """How a step stands, as JSON."""
    step, run = standing.step, standing.last
    last = {"id": run.id, "status": run.status, "startedAt": run.started_at, "by": run.by} if run else None
    return {
        "id": step.id,
        "version": step.version,
        "description": step.description,
        "writes": list(step.writes),
        "pending": standing.pending,
        "failing": standing.failing,
        "done": standing.done,
        "lastRun": last,
    }


def _row(standing: Standing) -> list[str]:
    step, run = standing.step, standing.last
    failing = f" ({standing.failing:,} failing)" if standing.failing else ""
    return [
        step.id,
        step.version,
        f"{standing.pending + standing.failing:,}{failing}",
        f"{standing.done:,}",
        f"{run.started_at[:16]} {run.status}" if run else "-",
        (run.by or "-") if run else "-",
        step.description,
    ]
