"""What the commands of `migrate` share: the steps of a project, and how a migration looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from tattoo_data.cli.options import Invocation

if TYPE_CHECKING:
    from tattoo_data.migrations.migrate import Migrated
    from tattoo_data.migrations.step import Step

_LISTED = 5
EXIT = """
\b
Exit status:
  0  {done}
  2  a file of the migrations' folder is no migration
  3  finished, some records failed; they are named
  10 no migration has this name, or there is no table
  11 another command writes to this target
  13 {undecided}
  14 a service does not answer
"""


def epilog(touches: str, example: str, *, done: str, undecided: str) -> str:
    """What a command that writes says at the end of its help."""
    return f"\b\nTouches: {touches}\n\n\b\nExample:\n{example}\n{EXIT.format(done=done, undecided=undecided)}"


def steps_of(invocation: Invocation) -> list[Step]:
    """Every migration, in the order of versions."""
    from tattoo_data.migrations.load import load_steps

    return load_steps(invocation.settings.migrations)


def migration_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What the shell offers: the migrations that ship."""
    from tattoo_data.migrations.load import load_steps

    return [CompletionItem(step.id, help=step.description) for step in load_steps() if step.id.startswith(incomplete)]


def migrated_document(done: Migrated) -> dict[str, Any]:
    """What a migration's result has beside the fields of every writing command."""
    left = [{"reason": each.reason, "records": each.count, "example": each.example} for each in done.left]
    return {
        "migration": done.step.id,
        "version": done.step.version,
        "leftAsTheyAre": left,
        "earlierPending": list(done.earlier),
    }


def show_left(invocation: Invocation, done: Migrated) -> None:
    """Say in words what a step left, and which steps before it are not done."""
    output = invocation.output
    if output.json:
        return
    shown = done.left if output.verbose else done.left[:_LISTED]
    for each in shown:
        records = "1 record" if each.count == 1 else f"{each.count:,} records"
        output.line(f"left as it is: {records}, {each.example} for one: {each.reason}")
    if len(done.left) > len(shown):
        output.line(f"... and {len(done.left) - len(shown)} more reasons (-v shows all)")
    if done.earlier:
        output.say(f"note: earlier migrations have something to do too: {', '.join(done.earlier)}")
