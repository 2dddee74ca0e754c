"""`migrate run-all`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.migrating import epilog
from tattoo_data.cli.options import Invocation, as_of, common, writing

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.migrations.migrate import Migrated
    from tattoo_data.runs.session import WriteOptions

EPILOG = epilog(
    "table and index; it changes what the migrations say they write.",
    "  tattoo-data migrate run-all\n  tattoo-data migrate run-all --dry-run",
    done="every record is as every migration wants it",
    undecided="not used",
).replace("  13 not used\n", "")


@click.command("run-all", epilog=EPILOG)
@as_of
@writing
@common
def command(invocation: Invocation, write: WriteOptions) -> int:
    """Run every migration in the order of versions; stop at the first that fails.

    Each is a run of its own, and can be rolled back by itself. With --dry-run each is planned on what is there now.
    """
    from tattoo_data.cli.migrating import show_left, show_migration, steps_of
    from tattoo_data.cli.render import PARTIAL
    from tattoo_data.migrations.migrate import migrate_all

    steps = steps_of(invocation)
    invocation.command = "migrate run-all"
    done: list[Migrated] = []
    with invocation.environment(write=not write.dry_run) as env:
        for one in migrate_all(env, steps, write):
            done.append(one)
            if not invocation.output.json:
                show_migration(invocation, env, one.change, headline=f"{one.step.id} {one.step.version}")
                show_left(invocation, one)
        failed = bool(done and done[-1].change.failures) and not write.dry_run
        if invocation.output.json:
            plan = {"plan": _plan(env, done)} if write.dry_run else {}
            invocation.output.document(_document(invocation, env, done), **plan)
        elif failed and len(done) < len(steps):
            invocation.output.say(f"note: not run: {', '.join(step.id for step in steps[len(done) :])}")
    return PARTIAL if failed else 0


def _plan(env: Environment, done: list[Migrated]) -> Iterator[dict[str, Any]]:
    """What each would do, one after the other."""
    from tattoo_data.cli.migrating import plan_document

    for one in done:
        yield from ({"migration": one.step.id, **each} for each in plan_document(env, one.change))


def _document(invocation: Invocation, env: Environment, done: list[Migrated]) -> dict[str, Any]:
    """All of them as one writing command's result, and each by itself."""
    from dataclasses import asdict

    from tattoo_data.cli.migrating import migrated_document
    from tattoo_data.cli.render import change_document, envelope
    from tattoo_data.engine.plan import Counts
    from tattoo_data.model.entry import StoreName

    each = [{**migrated_document(one), **change_document(one.change)} for one in done]
    counts = {name: sum((one.change.counts[name] for one in done), Counts()) for name in StoreName}
    runs = [one.change.run for one in done if one.change.run]
    return envelope(
        invocation,
        env,
        dryRun=bool(done) and done[0].change.dry_run,
        changes={name.value: asdict(count) for name, count in counts.items()},
        failures=[failure for one in each for failure in one["failures"]],
        fingerprint=done[-1].change.fingerprint if done else None,
        run=runs[-1] if runs else None,
        migrations=each,
    )
