"""How results look, as text and as JSON; the JSON's fields are a contract that is only ever extended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from tattoo_data.cli.options import Invocation
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Step, StorePlan
from tattoo_data.environment import Environment
from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import split_item_key

if TYPE_CHECKING:
    from tattoo_data.runs.undo import Undone
    from tattoo_data.seeding.prove import Proof
    from tattoo_data.validation.fix import Fixed

PARTIAL = 3
FAILED_PROOF = 12
UNDECIDED = 13
_LISTED = 20
_FAILURES = 20
#: Up to so many steps a plan is sorted for a reader; a longer one comes as it is applied.
_SORTED = 100_000
_ACTIONS = ("create", "replace", "delete")
_COLUMNS = ("created", "replaced", "deleted", "moved", "unchanged", "failed")


def envelope(invocation: Invocation, env: Environment, **fields: Any) -> dict[str, Any]:
    """The JSON document of a result: command, elapsed seconds and target first."""
    return {
        "command": invocation.command,
        "elapsedSeconds": invocation.elapsed(),
        "target": env.target.document(),
        **fields,
    }


def amount(count: int, plural: str) -> str:
    """A count with its noun: `1 studio`, `1,020 artists`, `2 searches`."""
    single = plural.removesuffix("es") if plural.endswith("ches") else plural.removesuffix("s")
    return f"{count:,} {single if count == 1 else plural}"


def amounts(counts: Mapping[str, int]) -> str:
    """Several counts by their plural nouns."""
    return ", ".join(amount(count, plural) for plural, count in counts.items())


def change_document(change: Change) -> dict[str, Any]:
    """The fields that every writing command adds."""
    return {
        "dryRun": change.dry_run,
        "changes": {name.value: asdict(change.counts[name]) for name in StoreName},
        "removed": dict(change.removed),
        "failures": [{**asdict(each), "store": each.store.value} for each in change.failures],
        "changedMeanwhile": [
            {"store": name.value, "key": key} for name, keys in change.drifted.items() for key in keys
        ],
        "fingerprintBefore": change.fingerprint_before,
        "fingerprint": change.fingerprint,
        "run": change.run,
    }


def show_change(
    invocation: Invocation, env: Environment, change: Change, *, headline: str, proof: Proof | None = None, **more: Any
) -> int:
    """Print what a writing command did, and return its exit code."""
    output = invocation.output
    if output.json:
        proven = {"proof": asdict(proof) if proof else None}
        document = envelope(invocation, env, **change_document(change), **proven, **more)
        if change.dry_run:
            output.document(document, plan=steps_of(change))
        else:
            output.document(document)
        return _exit_code(change, proof)
    output.line(_summary(change, headline))
    _show_counts(invocation, change)
    if change.removed:
        gone = amounts(change.removed)
        output.line(f"{'Would be removed' if change.dry_run else 'Removed'}: {gone}.")
    if change.dry_run:
        _show_plan(invocation, change)
    _show_failures(invocation, change)
    _show_drifted(invocation, change)
    if proof:
        _show_proof(invocation, proof)
    if change.fingerprint and not change.failures:
        output.line(f"Fingerprint {change.fingerprint[:16]}, {invocation.elapsed():.2f} s.")
    return _exit_code(change, proof)


def steps_of(change: Change) -> Iterator[dict[str, str]]:
    """The steps of a plan as JSON has them."""
    return (step for plan in change.plan.stores.values() for step in _steps(plan))


def show_fixed(invocation: Invocation, fixed: Fixed) -> None:
    """Print what `validate --fix` did, or `--fix-plan` would do, in words."""
    change, output = fixed.change, invocation.output
    tried, left = sum(fixed.tried.values()), sum(fixed.left.values())
    if change.run or change.dry_run:
        headline = "tried" if change.run else "would be tried"
        output.line(f"{amount(tried, 'findings')} {headline} to mend, {left:,} a person has to look at:")
        _show_counts(invocation, change)
    else:
        output.line(f"Nothing to mend; {amount(tried + left, 'findings')} a person has to look at.")
    if change.dry_run:
        _show_plan(invocation, change)
    _show_failures(invocation, change)
    _show_drifted(invocation, change)
    if change.run:
        output.line(f"`tattoo-data undo {change.run}` takes it back.")


def show_undone(invocation: Invocation, env: Environment, undone: Undone) -> int:
    """Print what an undo or redo did, and return its exit code."""
    headline = f"{invocation.command} of {undone.run.words} ({undone.run.id})"
    code = show_change(invocation, env, undone.change, headline=headline, undone=undone.run.id)
    if code == UNDECIDED:
        invocation.output.say(
            "\nhint: Look at what is there now; --force puts back these too, and `undo RUN` takes back an older run."
        )
    return code


def _summary(change: Change, headline: str) -> str:
    if change.dry_run:
        return f"{headline}: the plan. Nothing was changed."
    if change.failures:
        left = all(each.is_conflict for each in change.failures)
        return f"{headline}: finished, but some entries {'were left' if left else 'failed'}."
    return f"{headline}: {'done' if change.run else 'nothing to do, the stores hold it already'}."


def _show_counts(invocation: Invocation, change: Change) -> None:
    rows = [[name.value, *(f"{getattr(change.counts[name], column):,}" for column in _COLUMNS)] for name in StoreName]
    invocation.output.table(["store", *_COLUMNS], rows)
    for name, plan in change.plan.stores.items():
        will = "would be" if change.dry_run else "was"
        for what in plan.structure:
            invocation.output.line(f"{name.value}: {what}")
        if plan.swap:
            invocation.output.line(f"{name.value}: {will} built anew and swapped in")


def _show_plan(invocation: Invocation, change: Change) -> None:
    for plan in change.plan.stores.values():
        shown = None if invocation.output.verbose else _LISTED
        for step in islice(_steps(plan), shown):
            invocation.output.line(f"  {step['action']:8} {step['store']}  {_spell_key(step['store'], step['key'])}")
        more = len(plan.structure) + plan.size - (shown or 0)
        if shown and more > 0:
            invocation.output.line(f"  ... and {more:,} more of {plan.store.value} (-v shows all)")


def _show_failures(invocation: Invocation, change: Change) -> None:
    for failure in change.failures[:_FAILURES]:
        key = _spell_key(failure.store.value, failure.key)
        what = "left" if failure.is_conflict else "failed"
        invocation.output.line(f"{what}: {failure.store.value} {key}: {failure.error}: {failure.message}")
    if len(change.failures) > _FAILURES:
        invocation.output.line(f"... and {len(change.failures) - _FAILURES:,} more (--json lists all)")


def _show_drifted(invocation: Invocation, change: Change) -> None:
    keys = [(name, key) for name, each in change.drifted.items() for key in each]
    for name, key in keys[:_FAILURES]:
        spelled = _spell_key(name.value, key)
        invocation.output.line(f"changed meanwhile: {name.value} {spelled}: what it held then is kept in the run")
    if len(keys) > _FAILURES:
        invocation.output.line(f"... and {len(keys) - _FAILURES:,} more (--json lists all)")


def _show_proof(invocation: Invocation, proof: Proof) -> None:
    for words in proof.broken:
        invocation.output.line(f"not so: {words}")
    if not proof.broken:
        read, answered = amount(proof.records, "records"), amount(proof.searches, "searches")
        invocation.output.line(f"Proven: {read} read back, {answered} answered.")


def _exit_code(change: Change, proof: Proof | None) -> int:
    if change.dry_run:
        return 0
    if change.failures:
        return UNDECIDED if all(each.is_conflict for each in change.failures) else PARTIAL
    return FAILED_PROOF if proof and proof.broken else 0


def _steps(plan: StorePlan) -> Iterator[dict[str, str]]:
    """What a plan does, structure first; a short one in the order of actions and keys."""
    store = plan.store.value
    yield from ({"store": store, "action": "mend", "key": what} for what in plan.structure)
    steps: Iterable[Step] = plan.steps()
    if plan.size <= _SORTED:
        steps = sorted(steps, key=lambda step: (_ACTIONS.index(_action(step)), step.key))
    yield from ({"store": store, "action": _action(step), "key": step.key} for step in steps)


def _action(step: Step) -> str:
    if step.put is None:
        return "delete"
    return "create" if step.before is None else "replace"


def _spell_key(store: str, key: str) -> str:
    if store != StoreName.TABLE.value or not key.startswith("{"):
        return key
    return " ".join(split_item_key(key))
