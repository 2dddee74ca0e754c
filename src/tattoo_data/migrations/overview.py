"""Overview: what each step has done and has still to do, as the data say. Read-only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from tattoo_data.engine.scan import second_items, segments_of
from tattoo_data.environment import Environment
from tattoo_data.migrations.advance import Original, RecordFailed, advanced
from tattoo_data.migrations.documents import fields_apart
from tattoo_data.migrations.pending import version_of
from tattoo_data.migrations.pictures import live_context
from tattoo_data.migrations.step import Context, Step
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import artist_keys, record_of
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.model.structure import mapping_difference
from tattoo_data.repository.runs import Run
from tattoo_data.runs.session import read_timeline
from tattoo_data.stores.base import pages
from tattoo_data.validation.rule import Finding, Severity
from tattoo_data.validation.stream import Stream

PENDING, FAILED, DOCUMENT, UNMAPPED = (
    "migration-pending",
    "migration-fails",
    "document-not-migrated",
    "field-not-mapped",
)
_AT_ONCE = 100


@dataclass(slots=True, kw_only=True)
class Standing:
    """How a step stands: records that it would change (`pending`), to which it cannot be done (`failing`), and that are
    as it wants them (`done`). `last` is its newest run that stands."""

    step: Step
    pending: int = 0
    failing: int = 0
    done: int = 0
    last: Run | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.pending or self.failing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Every step, in the order of versions, and with `validate_steps` what is not as they promise."""

    standings: tuple[Standing, ...]
    findings: Stream[Finding] = field(default_factory=lambda: Stream(Finding))

    @property
    def schema_version(self) -> str:
        """That of the last step of an unbroken row with nothing pending."""
        return version_of((each.step for each in self.standings), self.pending)

    @property
    def pending(self) -> tuple[str, ...]:
        """The steps that have something to do."""
        return tuple(each.step.id for each in self.standings if not each.is_done)


class Tally:
    """Counts what steps have to do to the items that it is shown; safe from several threads."""

    def __init__(self, steps: Sequence[Step], context: Context) -> None:
        self.standings = tuple(Standing(step=step) for step in steps)
        self._context = context
        self._lock = threading.Lock()

    def take(self, entries: Sequence[Entry], report: Callable[[Finding], None] = lambda finding: None) -> None:
        """Take items in; what is pending or fails is reported, to one at a time."""
        found = [
            (standing, self._look(standing.step, item))
            for item in map(Original, entries)
            for standing in self.standings
        ]
        with self._lock:
            for standing, (stands, finding) in found:
                if stands is not None:
                    setattr(standing, stands, getattr(standing, stands) + 1)
                if finding is not None:
                    report(finding)

    def _look(self, step: Step, original: Original) -> tuple[str | None, Finding | None]:
        key = original.item.key
        record = record_of(key)
        if record is None or record.kind not in step.kinds:
            return None, None
        try:
            pending = advanced(step, self._context, original) is not original.item
        except RecordFailed as error:
            return "failing", _finding(FAILED, StoreName.TABLE, key, step.id, f"{step.id}: {error}")
        if not pending:
            return "done", None
        message = f"{step.id} has something to do: `tattoo-data migrate run {step.id}`"
        return "pending", _finding(PENDING, StoreName.TABLE, key, step.id, message)


def overview(env: Environment, steps: Sequence[Step]) -> Overview:
    """Every step with its counts, and its newest run. Raises `StoreMissing` without a table."""
    return Overview(standings=_tallied(env, steps, lambda finding: None))


def validate_steps(env: Environment, steps: Sequence[Step]) -> Overview:
    """The same, with a finding for each record and document that is not as the steps promise, and for each field that
    the index's mapping lacks."""
    findings = Stream(Finding)
    standings = _tallied(env, steps, findings.add)
    for finding in chain(_unmapped(env, steps), _documents(env, steps)):
        findings.add(finding)
    return Overview(standings=standings, findings=findings)


def _tallied(env: Environment, steps: Sequence[Step], report: Callable[[Finding], None]) -> tuple[Standing, ...]:
    table = env.stores.table
    about = table.describe()
    env.target.require_readable({StoreName.TABLE: about})
    assert about is not None
    line = read_timeline(env)
    tally = Tally(steps, live_context(env, line.as_of or env.clock.today()))
    segments = segments_of(table, about)

    def read(segment: int) -> None:
        for entries in pages(table, segment, segments):
            tally.take(entries, report)

    list(env.pool.map(read, range(segments)))
    for each in tally.standings:
        each.last = next(iter(line.applied(each.step.id)), None)
    return tally.standings


def _unmapped(env: Environment, steps: Sequence[Step]) -> Iterator[Finding]:
    about = env.stores.index.describe()
    if about is None:
        yield _finding("store-absent", StoreName.INDEX, env.target.index, "", "the index does not exist")
        return
    mapping: Mapping[str, Any] = about.structure.get("mappings", {})
    for step in steps:
        for name, form in step.mapping.items():
            for wrong in mapping_difference(mapping, {**mapping, "properties": {name: form}}):
                message = f"{step.id} needs {name} in the index's mapping: {wrong}"
                yield _finding(UNMAPPED, StoreName.INDEX, env.target.index, name, message)


def _documents(env: Environment, steps: Sequence[Step]) -> Iterator[Finding]:
    """Documents in which a field that a step writes is not what the item has."""
    if env.stores.index.describe() is None:
        return
    fields = {name: step.id for step in steps if Kind.ARTIST in step.kinds for name in step.writes}
    for entries in pages(env.stores.index, 0, 1):
        held = {entry.key: entry for entry in entries}
        keys = artist_keys(held)
        for start in range(0, len(keys), _AT_ONCE):
            items = {item.key: item for item in env.stores.table.get(keys[start : start + _AT_ONCE])}
            for key in items.keys() - second_items(env.stores.table, items):
                yield from _differences(items[key], held, fields)


def _differences(item: Entry, held: Mapping[str, Entry], fields: Mapping[str, str]) -> Iterator[Finding]:
    try:
        document = document_of(item)
        if document is None or document.key not in held:
            return
        apart = fields_apart(document, held[document.key], fields)
    except (ValueError, TypeError, AttributeError):
        return  # `validate` has rules for what cannot be read
    for name in apart:
        what = f"{fields[name]}: the document's {name} is not what the item has"
        message = f"{what}; `validate consistency --fix` mends it"
        yield _finding(DOCUMENT, StoreName.INDEX, document.key, name, message)


def _finding(rule: str, store: StoreName, key: str, name: str, message: str) -> Finding:
    return Finding(severity=Severity.ERROR.value, rule=rule, store=store.value, key=key, field=name, message=message)
