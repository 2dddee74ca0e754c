"""What the commands of `sync` share: how findings, decisions and documents of other shapes look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from tattoo_data.cli.options import Invocation

if TYPE_CHECKING:
    from tattoo_data.engine.make_equal import Change
    from tattoo_data.environment import Environment
    from tattoo_data.sync.across import Synced
    from tattoo_data.sync.detect import Detected
    from tattoo_data.sync.pair import Other
    from tattoo_data.sync.point import Validated
    from tattoo_data.validation.stream import Stream

EXIT = """
\b
Exit status:
  0  both hold the same of every artist
  3  finished, some records failed; they are named
  10 the source does not exist
  11 another command writes to this target
  13 the source holds no artist
  14 a service does not answer
"""
LISTED = 10
_OTHERS = 5


def show_synced(invocation: Invocation, env: Environment, synced: Synced) -> int:
    """Print what a sync did, and return its exit code."""
    others = (msgspec.structs.asdict(each) for each in synced.others)
    code = show_written(invocation, env, synced.change, invocation.command, {}, otherDocuments=others)
    if not invocation.output.json:
        show_others(invocation, synced.others)
    return code


def show_written(
    invocation: Invocation,
    env: Environment,
    change: Change,
    headline: str,
    more: dict[str, Any],
    **rows: Iterable[object],
) -> int:
    """Print what a writing command did, and return its exit code. In JSON `more` and `rows` are further fields; there
    may be millions of rows."""
    from tattoo_data.cli.render import PARTIAL, UNDECIDED, change_document, envelope, show_change, steps_of

    if not invocation.output.json:
        return show_change(invocation, env, change, headline=headline)
    plan = {"plan": steps_of(change)} if change.dry_run else {}
    invocation.output.document(envelope(invocation, env, **change_document(change), **more), **rows, **plan)
    if change.dry_run or not change.failures:
        return 0
    return UNDECIDED if all(each.is_conflict for each in change.failures) else PARTIAL


def show_others(invocation: Invocation, others: Stream[Other]) -> None:
    """Say which documents were left alone, and who likely wrote them."""
    output = invocation.output
    for each in islice(others, None if output.verbose else _OTHERS):
        output.line(f"left alone: document {each.key}: {each.writer}")
    say_more(invocation, others.count - _OTHERS)


def say_more(invocation: Invocation, hidden: int) -> None:
    """Say how many lines of a list are not shown."""
    if hidden > 0 and not invocation.output.verbose:
        invocation.output.line(f"... and {hidden:,} more (-v shows all)")


def findings_of(found: Detected) -> Iterator[dict[str, Any]]:
    """What `detect-conflicts` found, in the form of findings: a field each, or the whole record."""
    for each in found.conflicts:
        for field in each.fields:
            values = {whose: msgspec.Raw(value) for whose, value in field.values.items()}
            yield _finding(each.kind, "index", each.id, field.name, f"{each.words}: {field.words}", values)
        if not each.fields:
            yield _finding(each.kind, "index", each.id, "", each.words, None)
    for unread in found.unread:
        yield _finding("cannot-be-read", unread.store, unread.key, "", unread.message, None)
    for other in found.others:
        message = f"it is no artist's document, but of {other.writer}"
        yield {**_finding("other-shape", "index", other.key, "", message, None), "severity": "info"}


def findings_since(validated: Validated) -> Iterator[dict[str, Any]]:
    """What changed since a sync point, in the form of findings."""
    for each in validated.since:
        yield _finding(f"{each.what}-since", each.store, each.key, "", f"it was {each.what} since the sync point", None)


def _finding(rule: str, store: str, key: str, field: str, message: str, value: Any) -> dict[str, Any]:
    return {
        "severity": "error",
        "rule": rule,
        "store": store,
        "key": key,
        "field": field,
        "message": message,
        "value": value,
    }
