"""`migrate test NAME`."""

from __future__ import annotations

import click

from tattoo_data.cli.migrating import migration_names
from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: a table, an index and buckets of its own beside yours, which are removed afterwards.

\b
Example:
  tattoo-data migrate test add-social-media

\b
Exit status:
  0  it keeps what it promises
  2  the file is no migration, or not idempotent, or changes what it does not say
  4  something is not as it must be
  10 no migration has this name
  14 a service does not answer
"""


@click.command("test", epilog=EPILOG)
@click.argument("name", shell_complete=migration_names)
@click.option(
    "--limit", type=click.IntRange(1), default=1_000, show_default=True, metavar="N", help="Copy so many records."
)
@common
def command(invocation: Invocation, name: str, limit: int) -> int:
    """Try a migration on a copy: up, up again, and rolled back."""
    from tattoo_data.cli.migrating import steps_of
    from tattoo_data.cli.render import envelope
    from tattoo_data.migrations.load import find_step
    from tattoo_data.selftest.trial import try_step

    steps = steps_of(invocation)
    step = find_step(steps, name)
    invocation.command = "migrate test"
    with invocation.environment() as env:
        trial = try_step(env, step, steps, limit)
        if invocation.output.json:
            fields = {"records": trial.records, "changed": trial.changed, "broken": list(trial.broken)}
            invocation.output.document(envelope(invocation, env, migration=step.id, version=step.version, **fields))
        else:
            for words in trial.broken:
                invocation.output.line(f"not so: {words}")
            proven = "" if trial.broken else " Done twice it is as done once, and rolled back all is as it was."
            invocation.output.line(
                f"{step.id} {step.version}: {trial.changed:,} of {trial.records:,} records changed.{proven}"
            )
    return 4 if trial.broken else 0
