"""Advance: one item taken through a step, and everything that a step must keep to held against it. Pure."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Mapping
from typing import Any

from tattoo_data.errors import StepBroken, TattooDataError
from tattoo_data.migrations.step import Context, Fields, Step
from tattoo_data.model.entry import Entry
from tattoo_data.model.exact import exact_fields, field_changes, item_with
from tattoo_data.model.keys import RecordKey, index_keys, record_of

#: Changes of an item's attributes, typed; None takes one away.
Changes = dict[str, dict[str, Any] | None]
#: What is raised for values that an item cannot hold: a float, half a character, 1e999999999, a list within itself.
_NO_ITEM = (ValueError, TypeError, ArithmeticError, RecursionError)


#: What each thread is at, by the thread's number.
_at_work: dict[int, tuple[Step, str]] = {}


class RecordFailed(Exception):
    """A step cannot be done to one record; the message says why."""


class Original:
    """An item as steps get it: its fields are read once, and each step has a copy of its own."""

    __slots__ = ("_copied", "_fields", "item")

    def __init__(self, item: Entry) -> None:
        self.item = item
        self._fields: Fields | None = None
        self._copied = b""

    @property
    def fields(self) -> Fields:
        """The fields, which nobody changes. Raises `RecordFailed` where the item cannot be read."""
        if self._fields is None:
            try:
                self._fields = exact_fields(self.item.body)
            except (ValueError, TypeError, AttributeError, RecursionError) as error:
                raise RecordFailed(f"the item cannot be read: {error}") from error
        return self._fields

    def copy(self) -> Fields:
        """The fields for somebody who may change them."""
        # Of all that copies deeply the quickest: a scan shows a step every record.
        self._copied = self._copied or pickle.dumps(self.fields, pickle.HIGHEST_PROTOCOL)
        fields: Fields = pickle.loads(self._copied)
        return fields


def advanced(step: Step, context: Context, item: Entry | Original) -> Entry:
    """The item as the step makes it, in canonical bytes; the very item where there is nothing to do.

    Raises `RecordFailed` where it cannot be done to this record, and `StepBroken` where the step is at fault: it is
    not idempotent, or changes what it does not say it writes.
    """
    changes = changes_of(step, context, item)
    item = _original(item).item
    if not changes:
        return item
    new = _new(item, changes)
    twice = changes_of(step, context, new)
    if twice:
        raise StepBroken(
            path=step.path,
            reason=f"it is not idempotent: doing it again to {_id(item)} changes {', '.join(sorted(twice))} once more",
        )
    _require_valid(item, new)
    return new


def changes_of(step: Step, context: Context, item: Entry | Original) -> Changes:
    """The attributes that the step changes, those of the secondary indexes that follow from them included."""
    original = _original(item)
    record = record_of(original.item.key)
    if record is None or record.kind not in step.kinds:
        return {}
    before = original.fields
    after = _up(step, context, original.copy(), record.id)
    try:
        changes: Changes = field_changes(before, after)
    except _NO_ITEM as error:
        raise RecordFailed(f"what it returns is no item: {error}") from error
    if record.kind.id_field in changes:
        raise RecordFailed(f"it changes {record.kind.id_field}, which is the record's key")
    if beside := sorted(changes.keys() - set(step.writes)):
        raise StepBroken(path=step.path, reason=f"it changes {', '.join(beside)} of {record.id}, which WRITES lacks")
    return changes | index_changes(record, before, after) if changes else {}


def is_pending(step: Step, context: Context, item: Entry | Original) -> bool:
    """Whether a step has something to do to an item, or cannot be done to it."""
    try:
        return bool(changes_of(step, context, item))
    except (RecordFailed, StepBroken):
        return True


def reason_left(step: Step, item: Entry) -> str | None:
    """Why the step leaves a record as it is, where somebody should look at it. Raises as `advanced` does."""
    if step.left is None:
        return None
    fields = Original(item).fields
    try:
        return step.left(fields)
    except (Exception, SystemExit) as error:  # a step is somebody else's code
        raise StepBroken(path=step.path, reason=f"left() raises {type(error).__name__}: {error}") from error


def index_changes(record: RecordKey, before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """The attributes of the secondary indexes that change where a record's fields do."""
    of_id = {record.kind.id_field: record.id}
    was, now = (index_keys(record.kind, {**of_id, **fields}) for fields in (before, after))
    names = [name for name in was | now if was.get(name) != now.get(name)]
    return {name: {"S": now[name]} if name in now else None for name in names}


def _new(item: Entry, changes: Changes) -> Entry:
    try:
        return item_with(item, changes)
    except _NO_ITEM as error:
        raise RecordFailed(f"what it returns is no item: {error}") from error


def at_work() -> tuple[str, ...]:
    """Which files are at which records just now, in any thread: `paint.py at artist-a`."""
    return tuple(sorted(f"{step.path} at {record_id}" for step, record_id in _at_work.copy().values()))


def _up(step: Step, context: Context, fields: Fields, record_id: str) -> Fields:
    thread = threading.get_ident()
    _at_work[thread] = step, record_id
    try:
        after: object = step.up(fields, context)
    except TattooDataError:
        raise
    except (Exception, SystemExit) as error:  # a step is somebody else's code
        raise RecordFailed(f"it raises {type(error).__name__}: {error}") from error
    finally:
        del _at_work[thread]
    if not isinstance(after, dict):
        raise RecordFailed(f"it returns {type(after).__name__}, and a record is a dict")
    return after


def _original(item: Entry | Original) -> Original:
    return item if isinstance(item, Original) else Original(item)


def _require_valid(old: Entry, new: Entry) -> None:
    # Who only asks whether there is something to do needs no rules, which take longer to load than all the rest.
    from tattoo_data.validation.records import check_item
    from tattoo_data.validation.rule import Severity

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
