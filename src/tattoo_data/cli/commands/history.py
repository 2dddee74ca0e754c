"""`history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.runs.history import Past

EPILOG = """\b
Touches: nothing.

\b
Example:
  tattoo-data history
  tattoo-data history --json | jq -r '.runs[0].id'

\b
Exit status:
  0  whatever was found
  14 a service does not answer
"""


@click.command("history", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """List what was done to the live stores."""
    from tattoo_data.cli.render import envelope
    from tattoo_data.runs.history import history

    with invocation.environment() as env:
        found = history(env)
        if invocation.output.json:
            invocation.output.document(envelope(invocation, env, runs=[_document(each) for each in found]))
        elif found:
            rows = [_row(each) for each in found]
            invocation.output.table(["run", "command", "status", "changed", "undo", "started"], rows)
        else:
            invocation.output.line("Nothing was written to this target yet.")
    return 0


def _document(past: Past) -> dict[str, Any]:
    run = past.run
    return {
        "id": run.id,
        "kind": run.kind,
        "command": run.words,
        "of": run.of,
        "status": past.stands,
        "startedAt": run.started_at,
        "endedAt": run.ended_at,
        "asOf": run.as_of.isoformat() if run.as_of else None,
        "changes": {store: dict(counts) for store, counts in run.counts.items()},
        "fingerprintBefore": run.fingerprint_before,
        "fingerprint": run.fingerprint_after,
        "undoable": run.undoable,
    }


def _row(past: Past) -> list[str]:
    run = past.run
    changed = sum(counts.get(what, 0) for counts in run.counts.values() for what in _CHANGES)
    kept = "-" if run.kind != "write" else "yes" if run.undoable else "no"
    return [run.id, run.words, past.stands, f"{changed:,}" if run.counts else "-", kept, run.started_at]


_CHANGES = ("created", "replaced", "deleted", "moved")
