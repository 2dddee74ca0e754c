"""Advance: one item taken through a step, and everything that a step must keep to held against it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tattoo_data.errors import StepBroken, TattooDataError
from tattoo_data.migrations.step import Context, Fields, Step
from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import exact_fields, field_changes, item_with
from tattoo_data.model.keys import index_keys, record_of
from tattoo_data.model.records import Kind
from tattoo_data.validation.records import INDEX_KEYS, check_item
from tattoo_data.validation.rule import Severity

#: Changes of an item's attributes, typed; None takes one away.
Changes = dict[str, dict[str, Any] | None]


class RecordFailed(Exception):
    """A step cannot be done to one record; the message says why."""


def advanced(step: Step, context: Context, item: Entry) -> Entry:
    """The item as the step makes it, in canonical bytes; the very item where there is nothing to do.

    Raises `RecordFailed` where it cannot be done to this record, and `StepBroken` where the step is at fault: it is
    not idempotent, or changes what it does not say it writes.
    """
    changes = changes_of(step, context, item)
    if not changes:
        return item
    new = item_with(item, changes)
    twice = changes_of(step, context, new)
    if twice:
        raise StepBroken(
            path=step.path,
            reason=f"it is not idempotent: doing it again to {_id(item)} changes {', '.join(sorted(twice))} once more",
        )
    _require_valid(item, new)
    return new


def changes_of(step: Step, context: Context, item: Entry) -> Changes:
    """The attributes that the step changes, those of the secondary indexes that follow from them included."""
    record = record_of(item.key)
    if record is None or record.kind not in step.kinds:
        return {}
    before = _fields(item)
    after = _up(step, context, _fields(item))
    try:
        changes: Changes = field_changes(before, after)
    except ValueError as error:
        raise RecordFailed(f"what it returns is no item: {error}") from error
    if record.kind.id_field in changes:
        raise RecordFailed(f"it changes {record.kind.id_field}, which is the record's key")
    if beside := sorted(changes.keys() - set(step.writes)):
        raise StepBroken(path=step.path, reason=f"it changes {', '.join(beside)} of {_id(item)}, which WRITES lacks")
    return changes | _index_keys(record.kind, before, after) if changes else {}


def _up(step: Step, context: Context, fields: Fields) -> Fields:
    try:
        after: object = step.up(fields, context)
    except TattooDataError:
        raise
    except Exception as error:  # a step is somebody else's code
        raise RecordFailed(f"it raises {type(error).__name__}: {error}") from error
    if not isinstance(after, dict):
        raise RecordFailed(f"it returns {type(after).__name__}, and a record is a dict")
    return after


def _fields(item: Entry) -> Fields:
    try:
        return exact_fields(item.body)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RecordFailed(f"the item cannot be read: {error}") from error


def _index_keys(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    was, now = (index_keys(kind, {kind.id_field: "", **fields}) for fields in (before, after))
    names = [name for name in INDEX_KEYS if was.get(name) != now.get(name)]
    return {name: {"S": now[name]} if name in now else None for name in names}


def _require_valid(old: Entry, new: Entry) -> None:
    found = [each for each in check_item(new).problems if each.rule.severity is Severity.ERROR]
    if not found:
        return
    known = {(each.rule.id, each.field) for each in check_item(old).problems}
    for each in found:
        # What was wrong in a value is not new where the step made an object of that value.
        if not any(each.rule.id == rule and f"{each.field}.".startswith(f"{name}.") for rule, name in known):
            raise RecordFailed(f"the record it returns breaks {each.rule.id} at {each.field}: {each.rule.message}")


def _id(item: Entry) -> str:
    record = record_of(item.key)
    return record.id if record else item.key
