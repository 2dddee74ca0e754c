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


def figures(engines: Engines, artists: int, count: int) -> list[Figure]:
    """Reset and restore into empty stores, against the floor; each on engines that were just started, because they slow
    down as they fill. Then on the same engines with nothing to do, with one artist in a hundred changed, and the undo
    of that, against one raw scan of both stores."""
    dataset = load(Context(as_of=_DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"))
    scale = max(1, round(artists / len(dataset.artists)) - 1)
    items = [item_of(record) for record in copies(dataset, scale).records()]
    documents = list(documents_of(iter(items)))
    bare = list(table_bodies(TABLE, items)), list(index_bodies(documents))
    changes = list(table_bodies(TABLE, _changed(items))), list(index_bodies(_changed(documents)))
    costs = _Costs()

    def floor() -> Cost:
        with engines() as environment:
            _make(environment)
            return here(Floor.of(environment, *bare).write_and_scan)

    def reset() -> Cost:
        arguments = [TOOL, "reset", "performance-test", "--scale", str(scale), "--as-of", _DAY.isoformat()]
        with engines() as environment:
            _make(environment)
            cost = process(arguments, environment)
            costs.again.append(process(arguments, environment))
            Floor.of(environment, *changes).write()
            costs.scan.append(here(Floor.of(environment, *bare).scan_both))
            costs.changed.append(process(arguments, environment))
            costs.scan.append(here(Floor.of(environment, *bare).scan_both))
            costs.undo.append(process([TOOL, "undo"], environment))
            return cost

    def restore() -> Cost:
        fill = [TOOL, "reset", "performance-test", "--scale", str(scale), "--as-of", _DAY.isoformat(), "--no-undo"]
        with engines() as environment, tempfile.TemporaryDirectory() as folder:
            process(fill, environment)
            process([TOOL, "backup", "bench"], environment)
            costs.backup.append(process([TOOL, "backup", "bench"], environment))
            costs.scan.append(here(Floor.of(environment, *bare).scan_both))
            costs.export.append(process([TOOL, "export", folder], environment))
            Floor.of(environment, *changes).write()
            costs.scan.append(here(Floor.of(environment, *bare).scan_both))
            costs.restore.append(process([TOOL, "restore", "bench"], environment))
            # Into stores that are new, on engines that are: the bucket goes on
            with engines() as fresh:
                s3 = environment.get("AWS_ENDPOINT_URL_S3") or environment["AWS_ENDPOINT_URL"]
                target = {**fresh, "AWS_ENDPOINT_URL_S3": s3}
                _make(target)
                return process([TOOL, "restore", "bench"], target)

    done = rounds(count, {"floor": floor, "reset": reset, "restore": restore})
    scan = Series(costs.scan)
    return [
        Figure.of("`reset` from empty", done["reset"], "the floor", done["floor"], "wall", 1.2),
        Figure.of("`reset` with nothing to do", Series(costs.again), "a raw scan of both", scan, "wall", None),
        Figure.of("`reset` with 1% changed", Series(costs.changed), "a raw scan of both", scan, "wall", 1.5),
        Figure.of("`undo` of that", Series(costs.undo), "a raw scan of both", scan, "wall", 1.5),
        Figure.of("`restore` into empty stores", done["restore"], "the floor", done["floor"], "wall", 1.2),
        Figure.of("`restore` with 1% changed", Series(costs.restore), "a raw scan of both", scan, "wall", 1.3),
        Figure.of("`export`", Series(costs.export), "a raw scan of both", scan, "wall", 1.2),
        Figure.of("a second `backup`", Series(costs.backup), "a raw scan of both", scan, "wall", None),
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
