"""What the commands of `migrate` share: the steps of a project, and how a migration and its plan look."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from tattoo_data.cli.options import Invocation

if TYPE_CHECKING:
    from tattoo_data.engine.make_equal import Change
    from tattoo_data.engine.plan import Step as Planned
    from tattoo_data.environment import Environment
    from tattoo_data.migrations.migrate import Migrated
    from tattoo_data.migrations.step import Step
    from tattoo_data.model.difference import FieldChange
    from tattoo_data.model.entry import StoreName

_LISTED = 5
_SHOWN = 20
_LONG = 60
_AT_ONCE = 100
#: Up to so many steps a plan is sorted for a reader.
_SORTED = 100_000
EXIT = """
\b
Exit status:
  0  {done}
  2  a file of the migrations' folder is no migration
  3  finished, some records failed; they are named
  10 {missing}
  11 another command writes to this target
  13 {undecided}
  14 a service does not answer
"""


def epilog(
    touches: str,
    example: str,
    *,
    done: str,
    undecided: str,
    missing: str = "no migration has this name, or there is no table",
) -> str:
    """What a command that writes says at the end of its help."""
    exits = EXIT.format(done=done, undecided=undecided, missing=missing)
    return f"\b\nTouches: {touches}\n\n\b\nExample:\n{example}\n{exits}"


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


def show_migration(invocation: Invocation, env: Environment, change: Change, *, headline: str, **more: Any) -> int:
    """Print what a migration or rollback did, or field by field what it would do; returns the exit code."""
    from tattoo_data.cli.render import change_document, envelope, show_change

    if change.dry_run and invocation.output.json:
        document = envelope(invocation, env, **change_document(change), proof=None, **more)
        invocation.output.document(document, plan=plan_document(env, change))
        return 0
    code = show_change(invocation, env, change, headline=headline, **more)
    if change.dry_run:
        _show_plan(invocation, env, change)
    return code


def plan_document(env: Environment, change: Change) -> Iterator[dict[str, Any]]:
    """The steps of a plan with the fields that would change."""
    from tattoo_data.cli.compared import value_change
    from tattoo_data.engine.flow import slices

    for name, plan in change.plan.stores.items():
        yield from ({"store": name.value, "action": "mend", "key": what, "fields": []} for what in plan.structure)
        few = plan.size <= _SORTED
        for part in slices(sorted(plan.steps(), key=_key) if few else plan.steps(), _AT_ONCE):
            for step, fields in _changes(env, name, part):
                action = "delete" if step.put is None else "replace" if step.before else "create"
                found = [value_change(each) for each in fields]
                yield {"store": name.value, "action": action, "key": step.key, "fields": found}


def _changes(env: Environment, store: StoreName, steps: list[Planned]) -> Iterator[tuple[Planned, list[FieldChange]]]:
    from tattoo_data.model.difference import fields_of

    there = {entry.key: entry.body for entry in env.stores[store].get([step.key for step in steps])}
    for step in steps:
        both = step.put is not None and step.key in there
        yield step, fields_of(store, there[step.key], step.put.body) if both and step.put else []


def _show_plan(invocation: Invocation, env: Environment, change: Change) -> None:
    """Say which fields of which items would change."""
    from tattoo_data.cli.compared import printable
    from tattoo_data.model.entry import StoreName
    from tattoo_data.model.keys import split_item_key

    plan = change.plan.stores[StoreName.TABLE]
    shown = nsmallest(plan.size if invocation.output.verbose else _SHOWN, plan.steps(), key=_key)
    for start in range(0, len(shown), _AT_ONCE):
        for step, fields in _changes(env, StoreName.TABLE, shown[start : start + _AT_ONCE]):
            invocation.output.line(printable(" ".join(split_item_key(step.key))))
            for each in fields:
                invocation.output.line(f"    {printable(_spell(each, whole=bool(invocation.output.verbose)))}")
    if plan.size > len(shown):
        invocation.output.line(f"... and {plan.size - len(shown):,} more items (-v shows all)")


def _key(step: Planned) -> str:
    return step.key


def _spell(change: FieldChange, *, whole: bool) -> str:
    """One field in one line: `rating: 4 -> 5`."""
    from tattoo_data.model.difference import ABSENT, spell_path

    before, after = (_text(value, whole=whole) for value in (change.before, change.after))
    path = spell_path(change.path)
    if change.before is ABSENT:
        return f"{path}: added {after}"
    return f"{path}: removed {before}" if change.after is ABSENT else f"{path}: {before} -> {after}"


def _text(value: Any, *, whole: bool) -> str:
    import msgspec

    from tattoo_data.model.project import document_value

    text = msgspec.json.encode(document_value(value)).decode() if isinstance(value, dict) else ""
    return text if whole or len(text) <= _LONG else f"{text[: _LONG - 3]}..."


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
