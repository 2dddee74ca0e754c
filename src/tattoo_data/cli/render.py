"""How results look, as text and as JSON; the JSON's fields are a contract that is only ever extended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tattoo_data.cli.options import Invocation
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import StorePlan
from tattoo_data.environment import Environment
from tattoo_data.model.entry import StoreName
from tattoo_data.model.keys import split_item_key

if TYPE_CHECKING:
    from tattoo_data.seeding.prove import Proof

PARTIAL = 3
FAILED_PROOF = 12
_LISTED = 20
_FAILURES = 20
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
    document: dict[str, Any] = {
        "dryRun": change.dry_run,
        "changes": {name.value: asdict(change.counts[name]) for name in StoreName},
        "removed": dict(change.removed),
        "failures": [{**asdict(each), "store": each.store.value} for each in change.failures],
        "fingerprintBefore": change.fingerprint_before,
        "fingerprint": change.fingerprint,
        "run": change.run,
    }
    if change.dry_run:
        document["plan"] = [step for plan in change.plan.stores.values() for step in _steps(plan)]
    return document


def show_change(
    invocation: Invocation, env: Environment, change: Change, *, headline: str, proof: Proof | None = None, **more: Any
) -> int:
    """Print what a writing command did, and return its exit code."""
    output = invocation.output
    if output.json:
        proven = {"proof": asdict(proof) if proof else None}
        output.document(envelope(invocation, env, **change_document(change), **proven, **more))
        return _exit_code(change, proof)
    output.line(_summary(change, headline))
    _show_counts(invocation, change)
    if change.removed:
        gone = amounts(change.removed)
        output.line(f"{'Would be removed' if change.dry_run else 'Removed'}: {gone}.")
    if change.dry_run:
        _show_plan(invocation, change)
    _show_failures(invocation, change)
    if proof:
        _show_proof(invocation, proof)
    if change.fingerprint and not change.failures:
        output.line(f"Fingerprint {change.fingerprint[:16]}, {invocation.elapsed():.2f} s.")
    return _exit_code(change, proof)


def _summary(change: Change, headline: str) -> str:
    if change.dry_run:
        return f"{headline}: the plan. Nothing was changed."
    if change.run is None:
        return f"{headline}: nothing to do, the stores hold it already."
    return f"{headline}: {'finished, but some entries failed' if change.failures else 'done'}."


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
        steps = _steps(plan)
        shown = steps if invocation.output.verbose else steps[:_LISTED]
        for step in shown:
            invocation.output.line(f"  {step['action']:8} {step['store']}  {_spell_key(step['store'], step['key'])}")
        if len(steps) > len(shown):
            invocation.output.line(f"  ... and {len(steps) - len(shown):,} more of {plan.store.value} (-v shows all)")


def _show_failures(invocation: Invocation, change: Change) -> None:
    for failure in change.failures[:_FAILURES]:
        key = _spell_key(failure.store.value, failure.key)
        invocation.output.line(f"failed: {failure.store.value} {key}: {failure.error}: {failure.message}")
    if len(change.failures) > _FAILURES:
        invocation.output.line(f"... and {len(change.failures) - _FAILURES:,} more (--json lists all)")


def _show_proof(invocation: Invocation, proof: Proof) -> None:
    for words in proof.broken:
        invocation.output.line(f"not so: {words}")
    if not proof.broken:
        read, answered = amount(proof.records, "records"), amount(proof.searches, "searches")
        invocation.output.line(f"Proven: {read} read back, {answered} answered.")


def _exit_code(change: Change, proof: Proof | None) -> int:
    if change.failures:
        return PARTIAL
    return FAILED_PROOF if proof and proof.broken else 0


def _steps(plan: StorePlan) -> list[dict[str, str]]:
    steps = [{"store": plan.store.value, "action": "mend", "key": what} for what in plan.structure]
    for action, keys in (
        ("create", [entry.key for entry in plan.create]),
        ("replace", [entry.key for entry in plan.replace]),
        ("delete", [target.key for target in plan.delete]),
    ):
        steps += [{"store": plan.store.value, "action": action, "key": key} for key in keys]
    return steps


def _spell_key(store: str, key: str) -> str:
    if store != StoreName.TABLE.value or not key.startswith("{"):
        return key
    return " ".join(split_item_key(key))
