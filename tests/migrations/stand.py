"""Stand: a target in memory with some artists, steps that are made up, and somebody else who writes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tattoo_data.clock import timestamp
from tattoo_data.environment import Environment
from tattoo_data.migrations.migrate import Migrated, MigrateOptions, migrate
from tattoo_data.migrations.rollback import RolledBack, roll_back
from tattoo_data.migrations.step import Context, Fields, Step
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.exact import exact_fields
from tattoo_data.model.fingerprint import canonical
from tattoo_data.model.keys import record_key
from tattoo_data.model.project import document_of, item_of
from tattoo_data.model.records import Kind, Record
from tattoo_data.repository.runs import Run, RunStatus, new_run_id
from tattoo_data.runs.session import WriteOptions, read_timeline
from tattoo_data.stores.base import Description, Exchange, Limits, Outcome, Store, scan
from tattoo_data.stores.memory import MemoryStore
from tests.runs import Desk, Killed, Shelf, desk
from tests.validation.samples import ARTIST

TABLE, INDEX, IMAGES = StoreName
#: What no step may lose on its way.
ODD: Fields = {
    "exact": 12345678901234567890123456789012345678,
    "raw": b"\x00\xff",
    "tags": {"b", "a"},
    "sizes": {1, 2},
    "parts": {b"a", b"b"},
    "deep": {"raw": [b"\x01", {"none": None, "empty": ""}]},
}
_FORMS = ("METADATA", "PROFILE")
Content = Mapping[StoreName, Mapping[str, bytes]]


class Crowded(MemoryStore):
    """A store in memory at which somebody else comes in before a write, that refuses keys, or kills at a write."""

    limits = Limits(entries=5, size=1_000_000, segments=2)

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.meanwhile: Callable[[list[str]], None] = lambda keys: None
        self.afterwards: Callable[[], None] = lambda: None
        self.refuses: Callable[[str], bool] = lambda key: False
        self.dies_at = 0
        self.shapes: list[Mapping[str, Any]] = []
        self.structure: Mapping[str, Any] = {}

    def describe(self) -> Description | None:
        about = super().describe()
        return about and replace(about, structure=self.structure)

    def lose(self) -> None:
        """Somebody else deletes the whole store."""
        self._entries = None

    def shaped(self, structure: Mapping[str, Any]) -> Crowded:
        self.shapes.append(structure)
        return self

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        self._begin([each.key for each in entries])
        return [self._refused(each.key) or super(Crowded, self).put([each])[0] for each in entries]

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        self._begin([each.key for each in exchanges])
        return [self._refused(each.key) or super(Crowded, self).exchange([each])[0] for each in exchanges]

    def settle(self) -> None:
        self.afterwards()

    def _begin(self, keys: list[str]) -> None:
        self.dies_at -= 1
        if self.dies_at == 0:
            raise Killed
        self.meanwhile(keys)

    def _refused(self, key: str) -> Outcome | None:
        return Outcome(key, "ValidationException", "injected") if self.refuses(key) else None


def artist(number: int, **fields: Any) -> Fields:
    """A valid artist."""
    name = f"a{number}"
    return {**ARTIST, "artistId": name, "instagramHandle": name, **ODD, **fields}


def step_of(
    up: Callable[[Fields], Fields], writes: Sequence[str], name: str = "paint", version: str = "2.0.0", **more: Any
) -> Step:
    """A step that is no file."""

    def made(record: Fields, context: Context) -> Fields:
        return up(record)

    return Step(id=name, version=version, description=name, up=made, writes=tuple(writes), path=f"{name}.py", **more)


def setting(name: str, value: Any, step: str = "paint", version: str = "2.0.0", **more: Any) -> Step:
    """A step that sets a field."""
    return step_of(lambda record: {**record, name: value}, (name,), step, version, **more)


@dataclass(slots=True)
class Stand:
    """A target in memory, and what can be done with it."""

    desk: Desk
    table: Crowded
    index: Crowded
    steps: list[Step]

    @property
    def env(self) -> Environment:
        """The target."""
        return self.desk.env

    def fill(self, *artists: Fields, documents: bool = True) -> None:
        """Put artists there, with their documents."""
        items = [item_of(Record(kind=Kind.ARTIST, fields=each)) for each in artists]
        for store in self.env.stores:
            store.ensure()
        self.table.put(items)
        if documents:
            self.index.put([document for item in items if (document := document_of(item))])

    def migrate(self, step: Step, *before: Step, **options: Any) -> Migrated:
        """Take every record through a step."""
        names = ("keys", "limit")
        narrowed = {name: options.pop(name) for name in names if name in options}
        return migrate(self.env, step, MigrateOptions(write=WriteOptions(**options), **narrowed), before)

    def roll_back(self, step: Step, **options: Any) -> RolledBack:
        """Roll a step back, among the steps that there are."""
        return roll_back(self.env, step, self.steps or [step], WriteOptions(**options))

    def add_second(self, number: int, *, first: bool = False, **fields: Any) -> None:
        """Put an item of the Node tools' form beside an artist's own, before or behind it."""
        (old,) = self.table.get([record_key(Kind.ARTIST, f"a{number}")])
        made = item_of(Record(kind=Kind.ARTIST, fields=exact_fields(old.body) | fields))
        key, body = (part.replace(*swap) for part, swap in ((made.key, _FORMS), (made.body.decode(), _FORMS)))
        held = dict(self.table._entries or {})
        second = {key: Entry(key, body.encode())}
        self.table._entries = second | held if first else held | second

    def fields(self, number: int) -> Fields:
        """An artist as the table has it."""
        (item,) = self.table.get([record_key(Kind.ARTIST, f"a{number}")])
        return exact_fields(item.body)

    def attributes(self, number: int) -> dict[str, Any]:
        """The same as typed values, those of the secondary indexes too."""
        (item,) = self.table.get([record_key(Kind.ARTIST, f"a{number}")])
        return dict(json.loads(item.body))

    def document(self, number: int) -> Any:
        """An artist as the index has it."""
        found = self.index.get([f"a{number}"])
        return json.loads(found[0].body) if found else None

    def edit(self, number: int, *gone: str, **fields: Any) -> None:
        """Somebody else changes fields of an artist, in the table alone."""
        (old,) = self.table.get([record_key(Kind.ARTIST, f"a{number}")])
        kept = {name: value for name, value in exact_fields(old.body).items() if name not in gone}
        MemoryStore.put(self.table, [item_of(Record(kind=Kind.ARTIST, fields=kept | fields))])

    def remove(self, number: int) -> None:
        """Somebody else deletes an artist."""
        assert self.table._entries is not None
        del self.table._entries[record_key(Kind.ARTIST, f"a{number}")]

    def held(self) -> Content:
        """All that the stores hold, in canonical bytes."""
        return {
            store.name: {entry.key: canonical(store.name, entry.body) for entry in scan(store)}
            for store in self.env.stores
        }

    def is_consistent(self) -> bool:
        """Whether the index has just the documents that the items give."""
        documents = [document for item in scan(self.table) if (document := document_of(item))]
        return {each.key: each.body for each in documents} == dict(self.held()[INDEX])

    def applied(self, step: Step) -> list[str]:
        """How the runs of a step ended that stand, the newest first."""
        return [str(run.status) for run in read_timeline(self.env).applied(step.id)]

    def leave(self, *words: str, **fields: Any) -> Run:
        """The run of another command."""
        newest = next(iter(self.desk.runs()), None)
        run = Run(
            id=new_run_id(self.env.clock, newest.id if newest else None),
            command=words[0],
            arguments=words[1:],
            target=self.env.target.id,
            status=RunStatus.DONE,
            started_at=timestamp(self.env.clock.now()),
            undoable=True,
            **fields,
        )
        self.env.runs.write(run)
        return run


def stand(folder: Path, pool: Executor, shelf: Shelf | None = None) -> Stand:
    """A target that holds nothing yet."""
    table, index = Crowded(TABLE), Crowded(INDEX)
    stores: dict[str, Store] = {TABLE.value: table, INDEX.value: index}
    return Stand(desk(folder, pool, stores, shelf), table, index, [])
