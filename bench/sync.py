"""10,000 artists: `sync` both where nothing and where everything differs, and `sync follow`, against what the engines
take."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from bench.content import Content, Engines, make
from bench.floor import Floor, index_bodies
from bench.measure import TOOL, Cost, Series, here, process
from bench.report import Figure
from tattoo_data.stores.base import Limits

#: As the figure is defined: changes as they come, in batches of 100.
_FOLLOWED = Limits(entries=100, size=1 << 30)


@dataclass(slots=True, kw_only=True)
class _Costs:
    scan: list[Cost] = field(default_factory=list)
    bulk: list[Cost] = field(default_factory=list)
    floor: list[Cost] = field(default_factory=list)
    same: list[Cost] = field(default_factory=list)
    differing: list[Cost] = field(default_factory=list)
    followed: list[Cost] = field(default_factory=list)


def figures(engines: Engines, artists: int, count: int, *, follow: bool) -> list[Figure]:
    """Sync against one raw scan, and against ready documents and a scan; following against ready documents alone,
    where the index takes a hundred at once in a time worth measuring."""
    content, costs = Content.of(artists), _Costs()
    changed = content.changed(every=1)
    for _ in range(count):
        with engines() as environment:
            make(environment)
            _measure(environment, content, changed, costs, follow=follow)
    found = [
        _figure("`sync dynamo-to-os` with nothing to do", costs.same, "a raw scan of both", costs.scan, 1.2),
        _figure("`sync dynamo-to-os` of all", costs.differing, "ready documents and a raw scan", costs.floor, 1.2),
    ]
    name, peer = "`sync follow` of all, once begun", "ready documents, 100 at once"
    return [*found, _figure(name, costs.followed, peer, costs.bulk, 1.5)] if follow else found


def _measure(
    environment: Mapping[str, str], content: Content, changed: Content, costs: _Costs, *, follow: bool
) -> None:
    old, new = content.floor(environment), changed.floor(environment)
    process([*content.reset, "--no-undo"], environment)
    costs.scan.append(here(old.scan_both))
    costs.same.append(process([TOOL, "sync", "dynamo-to-os"], environment))
    if follow:
        process([TOOL, "sync", "follow", "--once"], environment)
        Floor.of(environment, new.table_bodies[:1], ()).put_table()
        process([TOOL, "sync", "follow", "--once"], environment)
    new.put_table()
    if follow:
        by_hundreds = list(index_bodies(content.documents, _FOLLOWED))
        costs.bulk.append(here(replace(old, index_bodies=by_hundreds).put_index))
        costs.followed.append(_follow(environment))
    costs.floor.append(here(old.put_index_and_scan))
    costs.differing.append(process([TOOL, "sync", "dynamo-to-os", "--no-undo"], environment))


def _follow(environment: Mapping[str, str]) -> Cost:
    """From when following had begun until the index had the last change: it starts once and goes on for days."""
    command = [TOOL, "sync", "follow", "--once", "--json"]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    events = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    begun = next(each["at"] for each in events if each["type"] == "begun")
    last = max(each["at"] for each in events if each["type"] == "applied")
    seconds = (datetime.fromisoformat(last) - datetime.fromisoformat(begun)).total_seconds()
    return Cost(wall=seconds, cpu=0.0)


def _figure(name: str, ours: list[Cost], peer: str, its: list[Cost], aim: float) -> Figure:
    return Figure.of(name, Series(ours), peer, Series(its), "wall", aim)
