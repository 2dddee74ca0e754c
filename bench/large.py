"""10,000 artists: a reset and a restore into empty stores, held against the floor; and what changes little, or writes
files, against one raw scan of both stores."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date

from bench.floor import INDEX, TABLE, Floor, index_bodies, table_bodies
from bench.measure import TOOL, Cost, Series, here, process, rounds
from bench.report import Figure
from tattoo_data import guard
from tattoo_data.catalog import Context, load
from tattoo_data.catalog.copies import copies
from tattoo_data.clock import Clock
from tattoo_data.model.entry import Entry
from tattoo_data.model.project import documents_of, item_of
from tattoo_data.stores.aws import Access
from tattoo_data.stores.index import IndexOptions, IndexStore
from tattoo_data.stores.search import SearchClient
from tattoo_data.stores.table import TableStore

_ACCESS = Access(access_key="test", secret_key="test", session_token=None, region="eu-west-2")
Engines = Callable[[], AbstractContextManager[Mapping[str, str]]]
Bodies = tuple[Sequence[bytes], Sequence[bytes]]
_DAY = date(2026, 1, 1)


@dataclass(slots=True)
class _Costs:
    """What was measured beside the rounds, act by act."""

    again: list[Cost] = field(default_factory=list)
    scan: list[Cost] = field(default_factory=list)
    changed: list[Cost] = field(default_factory=list)
    undo: list[Cost] = field(default_factory=list)
    backup: list[Cost] = field(default_factory=list)
    export: list[Cost] = field(default_factory=list)
    restore: list[Cost] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Acts:
    """The acts of one round, each on engines that were just started, because they slow down as they fill. `bare` are
    the ready bodies of everything, `changes` those of one artist in a hundred."""

    engines: Engines
    scale: int
    bare: Bodies
    changes: Bodies
    costs: _Costs = field(default_factory=_Costs)

    @property
    def fill(self) -> list[str]:
        """The reset that fills the stores."""
        return [TOOL, "reset", "performance-test", "--scale", str(self.scale), "--as-of", _DAY.isoformat()]

    def floor(self) -> Cost:
        """The bare bodies, and one scan."""
        with self.engines() as environment:
            _make(environment)
            return here(Floor.of(environment, *self.bare).write_and_scan)

    def reset(self) -> Cost:
        """A reset from empty; then with nothing to do, with one percent changed, and the undo of that."""
        with self.engines() as environment:
            _make(environment)
            cost = process(self.fill, environment)
            self.costs.again.append(process(self.fill, environment))
            self._change(environment)
            self.costs.changed.append(process(self.fill, environment))
            self._scan(environment)
            self.costs.undo.append(process([TOOL, "undo"], environment))
            return cost

    def restore(self) -> Cost:
        """A second backup, an export, and a restore where one percent changed; then one into new stores on new
        engines, from the bucket that goes on."""
        with self.engines() as environment, tempfile.TemporaryDirectory() as folder:
            process([*self.fill, "--no-undo"], environment)
            process([TOOL, "backup", "bench"], environment)
            self.costs.backup.append(process([TOOL, "backup", "bench"], environment))
            self._scan(environment)
            self.costs.export.append(process([TOOL, "export", folder], environment))
            self._change(environment)
            self.costs.restore.append(process([TOOL, "restore", "bench"], environment))
            with self.engines() as fresh:
                s3 = environment.get("AWS_ENDPOINT_URL_S3") or environment["AWS_ENDPOINT_URL"]
                target = {**fresh, "AWS_ENDPOINT_URL_S3": s3}
                _make(target)
                return process([TOOL, "restore", "bench"], target)

    def _change(self, environment: Mapping[str, str]) -> None:
        Floor.of(environment, *self.changes).write()
        self._scan(environment)

    def _scan(self, environment: Mapping[str, str]) -> None:
        self.costs.scan.append(here(Floor.of(environment, *self.bare).scan_both))


def figures(engines: Engines, artists: int, count: int) -> list[Figure]:
    """Reset and restore into empty stores, against the floor; and what changes little, or writes files, against one raw
    scan of both stores."""
    dataset = load(Context(as_of=_DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"))
    scale = max(1, round(artists / len(dataset.artists)) - 1)
    items = [item_of(record) for record in copies(dataset, scale).records()]
    documents = list(documents_of(iter(items)))
    acts = _Acts(
        engines=engines,
        scale=scale,
        bare=(list(table_bodies(TABLE, items)), list(index_bodies(documents))),
        changes=(list(table_bodies(TABLE, _changed(items))), list(index_bodies(_changed(documents)))),
    )
    done = rounds(count, {"floor": acts.floor, "reset": acts.reset, "restore": acts.restore})
    costs, floor = acts.costs, done["floor"]
    against_floor = (("`reset` from empty", done["reset"]), ("`restore` into empty stores", done["restore"]))
    against_scan = (
        ("`reset` with nothing to do", costs.again, None),
        ("`reset` with 1% changed", costs.changed, 1.5),
        ("`undo` of that", costs.undo, 1.5),
        ("`restore` with 1% changed", costs.restore, 1.3),
        ("`export`", costs.export, 1.2),
        ("a second `backup`", costs.backup, None),
    )
    scan = Series(costs.scan)
    return [
        *(Figure.of(name, series, "the floor", floor, "wall", 1.2) for name, series in against_floor),
        *(Figure.of(name, Series(each), "a raw scan of both", scan, "wall", aim) for name, each, aim in against_scan),
    ]


def _changed(entries: Sequence[Entry]) -> list[Entry]:
    """One artist in a hundred, with another name."""
    old, new = (
        (b'"artistName":', b'"artistName":{"S":"Changed"},"was":')
        if b'{"S":' in entries[-1].body
        else (b'"artistName":', b'"artistName":"Changed","was":')
    )
    picked = [entry for entry in entries if old in entry.body][::100]
    return [Entry(entry.key, entry.body.replace(old, new, 1)) for entry in picked]


def _make(environment: Mapping[str, str]) -> None:
    """Table and index, empty: their making is not measured."""
    endpoint = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment["AWS_ENDPOINT_URL"]
    table = TableStore(TABLE, guard.check(endpoint), _ACCESS, Clock())
    search = SearchClient(guard.check(environment["OPENSEARCH_ENDPOINT"]))
    table.ensure()
    IndexStore(INDEX, search, Clock(), IndexOptions()).ensure()
    table.close()
    search.close()
